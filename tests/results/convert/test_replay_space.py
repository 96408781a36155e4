from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dse.errors import Remedy, ResultsError
from dse.results.convert.replay_space import write_replay_space
from dse.results.convert.replay_table import write_replay_table
from dse.spaces.load import load_space
from dse.tabular.table import read_table

Rows = list[dict[str, Any]]


@pytest.fixture
def rpi4(sample_rows: Rows) -> Rows:
    return [row for row in sample_rows if row["device"] == "rpi4" and row["round"] == "v0.5"]


def test_a_space_is_the_published_results_and_no_more(rpi4: Rows, tmp_path: Path) -> None:
    written = write_replay_space(rpi4, tmp_path / "rpi4.yaml")
    assert written.configurations == write_replay_table(rpi4, tmp_path / "same.csv") == 54
    assert written.table.read_bytes() == (tmp_path / "same.csv").read_bytes()
    space = load_space(written.path, {})
    table = read_table(written.table)
    assert space.tree == table.tree
    assert space.backend.provenance == f"recorded in {written.table}"
    assert (space.name, space.data_set.size) == ("rpi4", 50_000)
    assert space.file.description == "Published MLPerf results of rpi4 in v0.5, recorded, not measured here."
    published = {row["directory"]: (row["good"], row["latency_p90_ns"], row["latency_p99_9_ns"]) for row in rpi4}
    rows = [table.find(configuration) for configuration in space.tree.configurations()]
    found = {str(r["path"]): (r["acc_good"], r["p90_latency_ns"], r["p999_latency_ns"]) for r in rows if r}
    assert len(found) == 54
    assert found.items() <= published.items()


def test_the_same_is_written_again_and_nothing_else_is_lost(rpi4: Rows, tmp_path: Path) -> None:
    path = tmp_path / "rpi4.yaml"
    assert write_replay_space(rpi4, path) == write_replay_space(rpi4, path)
    before = path.read_text()
    for lost in (path, path.with_suffix(".csv")):
        lost.write_text("mine\n")
        with pytest.raises(ResultsError, match="is there already and holds something else") as caught:
            write_replay_space(rpi4, path)
        assert (caught.value.path, lost.read_text()) == (lost, "mine\n")
        assert caught.value.remedy is Remedy.OVERWRITE
        write_replay_space(rpi4, path, replace=True)
    assert path.read_text() == before


@pytest.mark.parametrize(("name", "message"), [("rpi4.json", "no name of a search space"), ("my pi.yaml", "'my pi'")])
def test_names_that_no_space_has(rpi4: Rows, tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(ResultsError, match=message):
        write_replay_space(rpi4, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_rows_that_make_no_table_write_nothing(sample_rows: Rows, tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="two results are one configuration"):
        write_replay_space([*sample_rows, *sample_rows], tmp_path / "all.yaml")
    assert list(tmp_path.iterdir()) == []
