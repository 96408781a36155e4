"""Tables of any content: exact cells, one kind per column, errors with their line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.errors import ResultsError
from dse.recorded.columns import ACCURACY, P90
from dse.recorded.table import is_complete, read_table
from dse.results.space import to_csv

WORDS = st.text("abcdefgh-.: ,\"'\n", min_size=1, max_size=8).map(str.strip).filter(bool)


def write(folder: Path, *lines: str) -> Path:
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    return folder / "t.csv"


@given(nanoseconds=st.lists(st.integers(1, 2**63), min_size=1, max_size=5), word=WORDS)
def test_whole_numbers_and_words_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, nanoseconds: list[int], word: str
) -> None:
    path = tmp_path_factory.mktemp("table") / "t.csv"
    lines = [
        {"config_id": str(n), "hw_notes": f"a {word}", ACCURACY: 50.5, P90: ns} for n, ns in enumerate(nanoseconds)
    ]
    path.write_text(to_csv(lines, ["config_id", "hw_notes", ACCURACY, P90]))
    table = read_table(path)
    rows = [table.find(configuration) for configuration in table.tree.configurations()]
    assert [row[P90] for row in rows if row] == nanoseconds
    assert {row["hw_notes"] for row in rows if row} == {f"a {word}"}
    assert [row["config_id"] for row in rows if row] == [str(n) for n in range(len(lines))]


def test_a_column_is_of_one_kind(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f"family,width,precision,engine_version,minimalistic,{ACCURACY},{P90}",
        "v1,0.25,8,2.10,True,50,1000",
        "v2,1.0,float,2.2,False,60,",
        ",0.5,8,2.2,,70,nan",
    )
    table = read_table(path)
    first, second, third = table.rows.values()
    assert dict(first) == {
        "family": "v1",
        "width": 0.25,
        "precision": "8",
        "engine_version": "2.10",
        "minimalistic": True,
        ACCURACY: 50,
        P90: 1000,
    }
    assert (second["width"], second["minimalistic"], "family" in third) == (1, False, False)
    assert [is_complete(row) for row in table.rows.values()] == [True, False, False]


def test_an_identity_is_of_content_and_configuration(tmp_path: Path) -> None:
    lines = [f"family,{ACCURACY},{P90}", "v1,50,1000", "v2,60,2000", ",70,3000"]
    before = read_table(write(tmp_path, *lines))
    identities = {before.identity(configuration) for configuration in before.tree.configurations()}
    assert len(identities) == 3
    assert before.identity({"family": "none"}) == before.identity({})
    after = read_table(write(tmp_path, *lines[:-1], ",70,3001"))
    assert identities.isdisjoint({after.identity(configuration) for configuration in after.tree.configurations()})


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((f"family,{ACCURACY},{P90}", "v1,50"), r"t\.csv:2: found 2 cells, expected 3"),
        ((f"family,{ACCURACY},{P90}", "v1,50,1", "v1,60,2"), "two rows are the same configuration"),
        ((f"family,{ACCURACY},{P90}", "v1,,1", "v2,60,"), "no row has an accuracy and a latency"),
        ((f'family,{ACCURACY},{P90}\n"v1,50,1',), "cannot be read as CSV"),
    ],
)
def test_what_is_no_table_is_said(tmp_path: Path, lines: tuple[str, ...], message: str) -> None:
    with pytest.raises(ResultsError, match=message):
        read_table(write(tmp_path, *lines))


def test_a_missing_table_is_said(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="cannot be read: No such file"):
        read_table(tmp_path / "t.csv")


def test_a_last_resort_is_for_the_rows_that_need_it(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f"family,width,model_dir,{ACCURACY},{P90}",
        *("v1,1,closed,50,1000", "v1,1,open,51,1001", "v1,2,a,52,1002", "v2,1,b,53,1003", "v2,2,c,54,1004"),
    )
    configurations = sorted(map(str, read_table(path).tree.configurations()))
    assert configurations == [
        "family=v1 width=1 model_dir=closed",
        "family=v1 width=1 model_dir=open",
        "family=v1 width=2",
        "family=v2 width=1",
        "family=v2 width=2",
    ]


def test_a_configuration_says_which_network_it_is(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f"family,variant,width,engine,{ACCURACY},{P90}",
        *("v1,,0.5,tflite,50,1000", "v1,,0.25,tflite,51,1001", "v3,large,1,armnn,52,1002"),
    )
    configurations = sorted(map(str, read_table(path).tree.configurations()))
    assert configurations == ["family=v1 width=0.25", "family=v1 width=0.5", "family=v3 variant=large width=1"]
