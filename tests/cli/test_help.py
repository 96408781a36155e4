"""What --help shows at 80 columns: an example that can be copied, whole lines, defaults in one form."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from dse.cli import make_app


def _commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield words
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, (*words, name))


_APP = make_app()
_ALL = list(_commands(typer.main.get_command(_APP)))


@pytest.mark.parametrize("words", _ALL, ids=" ".join)
def test_help_has_an_example_that_can_be_copied(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = CliRunner().invoke(_APP, [*words, "--help"], catch_exceptions=False).stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("  Example: "))
    end = next(number for number in range(start, len(lines)) if not lines[number].endswith("\\"))
    assert not lines[end + 1]  # else the command was broken between two words
    example = shlex.split("\n".join(lines[start : end + 1]))
    assert example[1] == "dse"
    assert example[2 : 2 + len(words)] == [*words] or words == ("submit", "tree")


@pytest.mark.parametrize("words", _ALL, ids=" ".join)
def test_help_is_in_one_form(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = CliRunner().invoke(_APP, [*words, "--help"], catch_exceptions=False).stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert not re.search(r"\w\.\.\.$", shown, re.MULTILINE)  # no summary is cut off
    assert not re.search(r"\[default: \(|Default:", shown)
    assert not re.search(r"^  [a-z]+ <", shown, re.MULTILINE)  # arguments in capitals
    assert not re.search(r" <(str|path|int|float)", shown)  # an option says what it takes: metavar="FILE"
