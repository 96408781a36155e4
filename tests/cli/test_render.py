"""What people see: nothing is cut off, nothing is markup."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from dse.cli.console import console as rich_console
from dse.cli.figures import FiguresTable
from dse.cli.render import front_table, next_command, print_error, print_json, print_lines, print_table, say
from dse.errors import SpaceError
from dse.study import Study


@pytest.mark.parametrize("width", [60, 80, 200])
def test_every_figure_of_the_front_is_readable_at_any_width(small_study: Path, width: int) -> None:
    study = Study.read(small_study)
    points = study.analysis.front
    console = Console(file=io.StringIO(), width=width)
    console.print(front_table(points, study.objectives))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= width
    for point in points:
        for objective in study.objectives:
            assert objective.metric.show(point.values[objective.name]) in shown
        assert f"threads={point.configuration['threads']}" in shown


def test_an_error_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(SpaceError("found [bold]x[/] in 'a[0]'", path="a file.yaml", line=3, hint="write [1, 2]"))
    assert capsys.readouterr().err == "error: a file.yaml:3: found [bold]x[/] in 'a[0]'\n  try: write [1, 2]\n"


def test_json_keeps_letters_and_refuses_what_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": "ä[b]"})
    assert capsys.readouterr().out == '{\n  "schema": 1,\n  "a": "ä[b]"\n}\n'
    with pytest.raises(ValueError, match="Out of range"):
        print_json({"a": float("nan")})


_TEXT = st.text(
    st.sampled_from("abc xyz=0.5 %\u00b1\u00ad\u4e2d\u0301\u200b\t\n\x1b[1m/\u2500\U0001f600:"), max_size=40
)
_LONG = st.one_of(_TEXT, st.lists(_TEXT, min_size=4, max_size=9).map(" ".join))


@st.composite
def _tables(draw: st.DrawFn) -> FiguresTable:
    columns, rows = draw(st.integers(1, 3)), draw(st.integers(0, 3))
    cells = st.tuples(*[_TEXT] * columns)
    return FiguresTable(
        title=draw(st.none() | _LONG),
        captions=tuple(draw(st.lists(_LONG, max_size=2))),
        header=draw(cells),
        figures=tuple(draw(cells) for _ in range(rows)),
        configurations=tuple(draw(_LONG) for _ in range(rows)),
        remarks=tuple(draw(_LONG) for _ in range(rows)),
    )


@given(_tables(), st.lists(_LONG, max_size=2))
def test_a_table_in_a_file_is_the_same_with_rich_and_without(table: FiguresTable, notes: list[str]) -> None:
    expected, found = io.StringIO(), io.StringIO()
    console = rich_console(expected, 160)
    console.print(table)
    for note in notes:
        console.print(note)
    with redirect_stdout(found):
        print_table(table, notes)
    assert found.getvalue() == expected.getvalue()


@given(st.lists(_LONG, min_size=1, max_size=4), _LONG)
def test_sentences_in_a_file_are_the_same_with_rich_and_without(lines: list[str], sentence: str) -> None:
    expected, found, told = io.StringIO(), io.StringIO(), io.StringIO()
    rich_console(expected, 160).print("\n".join(lines))
    with redirect_stdout(found), redirect_stderr(told):
        print_lines(lines)
        say(sentence)
    assert found.getvalue() == expected.getvalue()
    expected = io.StringIO()
    rich_console(expected, 160, soft_wrap=True).print(sentence)
    assert told.getvalue() == expected.getvalue()


def test_colours_are_there_for_who_asks_for_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    next_command("dse front", "shows it")
    assert capsys.readouterr().err == "next: dse front  shows it\n"
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    next_command("dse front", "shows it")
    print_table(FiguresTable("title", (), ("a",), (("1",),), ("b",), ("",)))
    shown = capsys.readouterr()
    assert "\x1b[1;32mnext: " in shown.err
    assert "\x1b[3mtitle" in shown.out


def test_plain_lines_do_without_rich() -> None:
    program = (
        "import sys; from dse.cli.render import *; from dse.errors import DseError\n"
        "print_table(FiguresTable('title', (), ('a',), (('1',),), ('b',), ('',)), ['note'])\n"
        "next_command('dse front', 'shows it'); print_error(DseError('wrong', hint='right'))\n"
        "sys.exit('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr == "next: dse front  shows it\nerror: wrong\n  try: right\n"
    assert done.stdout.splitlines()[::4] == ["title", "note"]
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("represents", "shown"),
    [
        ((), ""),
        ((4,), ", also 4"),
        ((4, 5, 6, 7, 8), ", also 4, 5, 6, 7, 8"),
        ((4, 5, 6, 7, 8, 9), ", also 4, 5, 6, 7 and 2 more"),
    ],
)
def test_what_a_row_stands_for_is_named_up_to_a_few(small_study: Path, represents: tuple[int, ...], shown: str) -> None:
    study = Study.read(small_study)
    points = [replace(study.analysis.front[0], represents=represents)]
    (row,) = front_table(points, study.objectives).configurations
    assert row.endswith(shown)
    assert ("also" in row) == bool(represents)


@pytest.mark.parametrize(("standing", "shown"), [("on", "certain"), ("plausible", "83 %"), (None, "83 %")])
def test_what_is_certainly_on_the_front_is_said(
    small_study: Path, standing: Literal["on", "plausible"] | None, shown: str
) -> None:
    study = Study.read(small_study)
    points = [replace(study.analysis.front[0], probability=0.83, standing=standing)]
    table = front_table(points, study.objectives)
    assert table.figures[0][-1] == shown
    assert any(caption.startswith("certain: ") for caption in table.captions) == (standing == "on")


def test_columns_without_room_are_left_out_and_named() -> None:
    header = ("trial", *(f"figure number {n}" for n in range(6)))
    table = FiguresTable(None, (), header, (tuple("1234567"),), ("small minimalistic threads=1",), ("",))
    for columns in (20, 40, 60, 80, 118, 119):
        lines = [line for line, _ in table.lines(columns)]
        shown = [name for name in header if name in lines[0]]
        dropped = [name for name in header if name not in shown]
        assert shown == list(header[: len(shown)])
        assert len(lines[0].rstrip()) <= max(columns, 22)
        assert (f"no room in {columns} columns: {', '.join(dropped)}" in lines) == bool(dropped)
    assert dropped == []
