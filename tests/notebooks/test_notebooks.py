"""Every notebook runs from top to bottom on a study; its cells are executed as they stand."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

import dse
from dse.reports.front import front_document, front_report
from dse.results.database import open_database
from dse.results.front import cut, select
from dse.results.importing.importer import import_results
from dse.study import Study
from dse.study.trial import read_response
from dse.study.writer import StudyWriter
from tests.cli.published import write_tree
from tests.recording import begin, make_space

_NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
_OF_A_STUDY = [path for path in _NOTEBOOKS if path.name == "study.ipynb"]
_OWN = next(path for path in _NOTEBOOKS if path.name == "objective.ipynb")
_PUBLISHED = next(path for path in _NOTEBOOKS if path.name == "published.ipynb")


def _run(notebook: Path) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for cell in json.loads(notebook.read_text())["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), notebook.name, "exec"), names)
    return names


def _repeat(study: Path, space_folder: Path) -> None:
    """A second trial of each configuration on the front, somewhat slower than the first: the middle is neither."""
    space = make_space(space_folder)
    with StudyWriter(study, space, None, {}) as writer:
        for measured in list(writer.study.measurements):
            record, folder = begin(writer, measured.configuration, "confirm")
            response = json.loads((study / "trials" / str(measured.trial) / "response.json").read_text())
            response["performance"]["latency_p90_ns"] = response["performance"]["latency_p90_ns"] * 51 // 50
            (folder / "response.json").write_text(json.dumps(response))
            writer.finish(record, read_response(folder))


@pytest.mark.parametrize("notebook", _OF_A_STUDY, ids=lambda path: path.name)
def test_the_notebook_has_the_figures_of_dse_front(
    notebook: Path, small_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _repeat(small_study, tmp_path)
    monkeypatch.setenv("DSE_STUDY", str(small_study))
    names = _run(notebook)
    document = front_document(front_report(Study.read(small_study)))
    assert document["points"]
    first = {m.trial: m.values["latency_p90_ns"] for m in Study.read(small_study).measurements}
    assert any(point["values"]["latency_p90_ns"] != first[point["trials"][0]] for point in document["points"])
    front, table = names["front"], names["table"]
    assert list(front.index) == [point["trial"] for point in document["points"]]
    for point in document["points"]:
        for row in (front.loc[point["trial"]], table.loc[point["trial"]]):
            assert {name: row[name] for name in point["values"]} == point["values"]
            assert {name: row[name] for name in point["config"]} == point["config"]
            assert {n: [row[f"{n}_low"], row[f"{n}_high"]] for n in point["intervals"]} == point["intervals"]
            assert row["repeats"] == len(point["trials"])
            assert row["p_front"] == point["p_front"]
            assert [row["accuracy_good"], row["accuracy_images"]] == [
                point["accuracy"]["good"],
                point["accuracy"]["total"],
            ]
    assert names["by_level"]["threads"]["configurations"].sum() == 6  # not the twelve runs
    assert len(names["table"]) == 6
    assert names["figure"].axes[0].get_xscale() == "log"  # drawn by dse


@pytest.mark.parametrize("notebook", _OF_A_STUDY, ids=lambda path: path.name)
@pytest.mark.parametrize("start", [".", "notebooks"])
def test_the_notebook_runs_in_its_own_folder_and_in_the_one_above(
    notebook: Path, start: str, small_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DSE_STUDY", raising=False)
    (tmp_path / "notebooks").mkdir()
    shutil.move(small_study, tmp_path / "studies" / "mobilenet_v3")
    monkeypatch.chdir(tmp_path / start)
    assert _run(notebook)["study"].folder.samefile(tmp_path / "studies" / "mobilenet_v3")


@pytest.mark.parametrize("notebook", _NOTEBOOKS, ids=lambda path: path.name)
def test_the_notebook_uses_the_public_interface_alone(notebook: Path) -> None:
    source = "\n".join("".join(cell["source"]) for cell in json.loads(notebook.read_text())["cells"])
    assert "from dse" not in source
    assert "import dse." not in source
    assert set(re.findall(r"\bdse\.(\w+)", source)) <= set(dse.__all__)


@pytest.mark.parametrize("notebook", _NOTEBOOKS, ids=lambda path: path.name)
def test_the_notebook_is_committed_without_outputs(notebook: Path) -> None:
    cells = json.loads(notebook.read_text())["cells"]
    assert not any(cell.get("outputs") for cell in cells)


def test_a_search_of_ones_own_finds_the_cliff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    names = _run(_OWN)
    study = Study.read(names["folder"])
    assert list(names["front"].index) == [point.trial for point in study.analysis.front]
    assert 4 not in names["on_front"]
    assert len(study.configurations()) == 20
    assert names["picked"].point.values["accuracy"] >= 0.85
    assert len(names["figure"].axes) == 4 * 2  # four parameters have levels, and two objectives


def test_the_front_of_published_results_is_that_of_dse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tree, database = write_tree(tmp_path / "tree"), tmp_path / "results.duckdb"
    monkeypatch.setenv("DSE_RESULTS_DB", str(database))
    import_results([tree], database, workers=1)
    names = _run(_PUBLISHED)
    with open_database(database, read_only=True) as opened:
        (group,) = cut(select(opened, scenario="SingleStream"), None, ("device", "round"))
    assert sorted(names["front"]["id"]) == sorted(point.row["id"] for point in group.points)
    assert len(names["results"]) == group.submitted
    assert "4 submitted, 3 on a front: 25 % are dominated" in capsys.readouterr().out
