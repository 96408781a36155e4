"""What people see: nothing is cut off, nothing is markup."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from dse.cli.render import front_table, print_error, print_json
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
