"""Spaces whose figures are recorded: one way or the other, the table's own levels and metrics, nothing run."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from dse_harness.decode import decode

from dse.errors import ResultsError, SpaceError
from dse.spaces.load import load_space
from dse.spaces.resolved import ResolvedSpace
from dse.tabular.table import read_table

TABLE = """\
family,width,precision,accuracy_pct,acc_good,acc_total,p90_latency_ns,p50_latency_ns
v1,0.25,float,50,500,1000,1001,900
v1,0.5,float,60,600,1000,2002,1900
v2,0.25,float,70,350,500,3003,2900
v2,0.25,uint8,,,,,
"""
SPACE = {"schema": 1, "name": "t", "replay": "t.csv", "objectives": ["accuracy", "latency_p90_ns"]}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "t.csv").write_text(TABLE)
    return tmp_path


def write(here: Path, **changes: object) -> Path:
    content = {key: value for key, value in {**SPACE, **changes}.items() if value is not None}
    (here / "t.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return here / "t.yaml"


def test_the_table_is_the_space(here: Path) -> None:
    space = load_space(write(here), {})
    table = read_table(here / "t.csv")
    assert (space.backend.is_deterministic, space.backend.provenance) == (True, f"recorded in {here / 't.csv'}")
    assert space.tree == table.tree
    assert space.tree.size == 4
    assert (space.data_set.size, space.data_set.sha256) == (1000, table.sha256)
    assert space.downloads == []
    keys = {space.experiment(configuration).key() for configuration in space.tree.configurations()}
    assert (
        len(keys)
        == len({space.experiment(configuration).accuracy_key() for configuration in space.tree.configurations()})
        == 4
    )
    resolved = space.resolved()
    assert (resolved.replay, resolved.data_set.size) == (str(here / "t.csv"), 1000)
    assert decode(ResolvedSpace, yaml.safe_load(yaml.safe_dump(resolved.document()))) == resolved


def test_another_table_is_another_measurement(here: Path) -> None:
    before = load_space(write(here), {})
    (here / "t.csv").write_text(TABLE.replace("1001", "1003"))
    after = load_space(write(here), {})
    keys = [{space.experiment(c).key() for c in space.tree.configurations()} for space in (before, after)]
    assert keys[0].isdisjoint(keys[1])


def test_a_space_may_have_a_part_of_the_table(here: Path) -> None:
    levels = {"v1": {"width": [0.5]}, "v2": {"width": [0.25]}}
    space = load_space(write(here, parameters={"family": levels, "precision": ["float"]}), {})
    assert space.tree.size == 2
    rows = [read_table(here / "t.csv").find(configuration) for configuration in space.tree.configurations()]
    assert [row["acc_good"] if row else None for row in rows] == [600, 350]


@pytest.mark.parametrize(
    ("changes", "line", "message", "hint"),
    [
        ({"models": {"zoo": {"zoo": "mobilenet_v3"}}}, 7, "models: found beside replay in line 3", "remove replay, or"),
        ({"fidelity": {}}, 7, "fidelity: found beside replay", "remove replay, or fidelity"),
        ({"replay": None}, 1, "data_set: is missing", "where it is recorded with replay"),
        ({"replay": 3}, 3, "replay: Input should be a valid string", ""),
        ({"replay": "${DSE_MODELS}/t.csv"}, 3, "replay: ${DSE_MODELS} is not set", "give DSE_MODELS a value"),
        (
            {"objectives": None},
            1,
            "objectives: found model_memory_bytes, which t.csv does not record",
            "accuracy, latency",
        ),
        ({"constraints": ["latency_p99_ns <= 1ms"]}, 7, "constraints: found latency_p99_ns", "latency_p50_ns"),
        ({"parameters": {"threads": [1, 2]}}, 8, "parameters.threads: t.csv does not tell its rows apart", "family"),
        ({"parameters": {"family": ["v3"]}}, 8, "parameters.family: t.csv has no family 'v3'", ""),
    ],
)
def test_what_does_not_fit_is_said(here: Path, changes: dict[str, object], line: int, message: str, hint: str) -> None:
    with pytest.raises(SpaceError) as caught:
        load_space(write(here, **changes), {})
    assert caught.value.message.startswith(message), caught.value
    assert (caught.value.path, caught.value.line) == (here / "t.yaml", line)
    assert hint in (caught.value.advice or "")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("family,accuracy_pct,p90_latency_ns\nv1,50,1000\nv2,60,2000\n", "no row has acc_good and acc_total"),
    ],
)
def test_a_table_that_is_none_is_said_with_the_place_that_names_it(here: Path, table: str, message: str) -> None:
    (here / "t.csv").write_text(table)
    with pytest.raises(ResultsError, match=message) as caught:
        load_space(write(here), {})
    assert caught.value.path == here / "t.csv"
    assert f"it is named in {here / 't.yaml'}, line 3" in str(caught.value.hint)
