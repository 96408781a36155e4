"""Tables of any content: exact cells, one kind per column, errors with their line."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.errors import ResultsError
from dse.results.convert.replay_table import to_csv
from dse.tabular.columns import ACCURACY, GOOD, P90, TOTAL
from dse.tabular.table import MOST_ROWS, is_complete, parse_table, read_table

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
        ((f"family,{ACCURACY},{P90}", "v1,50,1", "v1,60,2"), r"t\.csv:3: the same configuration as line 2: "),
        ((f"family,{P90},{ACCURACY},{P90}", "v1,5,50,1"), rf"t\.csv:1: duplicate column {P90}"),
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


COUNTED = f"family,{GOOD},{TOTAL},{ACCURACY},{P90},p50_latency_ns,queries,width"


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("60,50,90,1000,9,9,1", f"{GOOD}: found 60, allowed: a whole number from 0 to {TOTAL}, 50"),
        ("-1,50,90,1000,9,9,1", f"{GOOD}: found -1, allowed: a whole number from 0 on"),
        ("2.5,5,50,1000,9,9,1", f"{GOOD}: found 2.5, allowed: a whole number"),
        ("0,0,90,1000,9,9,1", f"{TOTAL}: found 0, allowed: a whole number from 1 on"),
        ("inf,50,90,1000,9,9,1", f"{GOOD}: found inf, allowed"),
        (",,101,1000,9,9,1", f"{ACCURACY}: found 101, allowed: a percentage from 0 to 100"),
        (",,-1,1000,9,9,1", f"{ACCURACY}: found -1, allowed"),
        (",,inf,1000,9,9,1", f"{ACCURACY}: found inf, allowed"),
        ("33,50,0.66,1000,9,9,1", f"{ACCURACY}: found 0.66, allowed: 100 {GOOD} / {TOTAL}, 66.000"),
        ("33192,50000,66.39,1000,9,9,1", None),
        ("33192,50000,66.40,1000,9,9,1", None),
        ("33192,50000,66.371,1000,9,9,1", f"{ACCURACY}: found 66.371, allowed: 100 {GOOD} / {TOTAL}, 66.384"),
        (",,50,0.4,9,9,1", f"{P90}: found 0.4, allowed: nanoseconds from 1 on"),
        (",,50,0,9,9,1", f"{P90}: found 0, allowed"),
        (",,50,1e999,9,9,1", f"{P90}: found inf, allowed"),
        (f",,50,1{'0' * 400},9,9,1", f"{P90}: found 10000"),
        (",,50,1000,-3,9,1", "p50_latency_ns: found -3, allowed"),
        (",,50,1000,9,1.5,1", "queries: found 1.5, allowed"),
        (",,50,1000,9,9,1e999", "width: found inf, allowed: a number up to 2^63"),
        (f",,50,1000,9,9,1{'0' * 400}", "width: found 1000"),
        (",,nan,nan,,,", None),
        ("oom,oom,oom,oom,oom,oom,1", None),
    ],
)
def test_a_figure_that_cannot_be_is_said_with_its_place(tmp_path: Path, cells: str, message: str | None) -> None:
    path = write(tmp_path, COUNTED, "v1,50,100,50,1000,9,9,1", f"v2,{cells}")
    if message is None:
        assert len(read_table(path).rows) == 2
        return
    with pytest.raises(ResultsError) as caught:
        read_table(path)
    assert caught.value.message.startswith(message)
    assert (caught.value.path, caught.value.line) == (path, 3)
    assert caught.value.hint


def test_a_word_with_an_underscore_is_no_number(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, f"variant,{ACCURACY},{P90}", "0_5,50,1000", "1_0,60,2_000", "05,70,3000"))
    assert [row["variant"] for row in table.rows.values()] == ["0_5", "1_0", "05"]
    assert [is_complete(row) for row in table.rows.values()] == [True, False, True]


def test_a_word_in_one_count_leaves_the_other_counts(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, COUNTED, "v1,50,100,50,1000,9,9,1", "v2,oom,oom,,,,,1"))
    assert table.images == [100]


@pytest.mark.parametrize("kind", ["a pipe", "a device", "a folder", "20 GB", "not there"])
def test_what_is_no_table_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "t.csv"
    if kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a device":
        path.symlink_to("/dev/zero")
    elif kind == "a folder":
        path.mkdir()
    elif kind == "20 GB":
        with path.open("wb") as file:
            file.truncate(20 * 2**30)
    with pytest.raises(ResultsError, match="cannot be read: ") as refused:
        read_table(path)
    assert refused.value.path == path


def test_a_table_that_is_too_large_is_refused_with_the_limit(tmp_path: Path) -> None:
    """In seconds, and before a cell of it is looked at."""
    began = time.process_time()
    wide = ["accuracy_pct,p90_latency_ns", *(f"c{n}" for n in range(50_000))]
    with pytest.raises(ResultsError, match="50002 columns, at most 1000 are read"):
        parse_table(f"{','.join(wide)}\n{','.join('1' * len(wide))},1\n".encode(), tmp_path / "t.csv")
    long = "config_id,accuracy_pct,p90_latency_ns\n" + "".join(f"{n},50,{n + 1}\n" for n in range(500_000))
    with pytest.raises(ResultsError, match="more than 10000 rows") as refused:
        parse_table(long.encode(), tmp_path / "t.csv")
    assert refused.value.line == 10_002
    assert time.process_time() - began < 5


def test_the_largest_table_is_read_in_seconds(tmp_path: Path) -> None:
    began = time.process_time()
    lines = [f"{n},f{n % 7},{n % 11 / 10 + 0.1},{32 + n},50,{n + 1}" for n in range(MOST_ROWS)]
    text = "\n".join(["config_id,family,width,resolution,accuracy_pct,p90_latency_ns", *lines])
    assert parse_table(text.encode(), tmp_path / "t.csv").tree.size == MOST_ROWS
    assert time.process_time() - began < 60


def test_many_columns_that_are_not_known_cost_nothing(tmp_path: Path) -> None:
    names = ["accuracy_pct", "p90_latency_ns", *(f"c{n}" for n in range(998))]
    assert parse_table(f"{','.join(names)}\n{','.join('1' * len(names))}\n".encode(), tmp_path / "t.csv").tree.size == 1


def test_a_number_of_thousands_of_digits_is_shown_short(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"\.\.\. \(4000 characters\), allowed: a percentage") as refused:
        parse_table(f"accuracy_pct,p90_latency_ns\n{'9' * 4000},1\n".encode(), tmp_path / "t.csv")
    assert refused.value.line == 2
