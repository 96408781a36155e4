"""Advice is data below the command line, and has the command line's words in it."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import dse
from dse.cli import _COMMANDS
from dse.cli.remedies import advice, message, worded
from dse.errors import Remedy, SpaceError, UsageError

_ROOT = Path(dse.__file__).parent
_COMMAND_LINE = re.compile(rf"(?<![\w-])--[a-z]|\bdse ({'|'.join(_COMMANDS)})\b")
_ALLOWED = {
    "doctor.py": "options of pip, in the command that mends an installation",
    "fleet/setup.py": "options of a device's pip",
    "fleet/check.py": "the command that mends a device, beside those for its own shell",
    "submission/mlcommons_checker.py": "options of MLCommons' checker",
    "submission/mark.py": "the text of a file in a submission's tree",
    "submission/system.py": "the comment at the top of a file that people edit",
}
_DETAILS = {
    "study": "my study",
    "variable": "DSE_MODELS",
    "where": "total = 500",
    "path": "a b.json",
    "trials": "3, 5",
    "round": "v6.1",
    "found": "v6.0",
    "asked": "v6.1",
    "boards": "pi1 pi2",
    "engines": "litert==2.1.0",
    "file": "lab.yaml",
}


def _literals(path: Path) -> Iterator[str]:
    """Every text of a module that is no docstring."""
    tree = ast.parse(path.read_text())
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in bare:
            yield node.value


def test_nothing_below_the_command_line_names_an_option_or_a_command() -> None:
    named = {
        f"{path.relative_to(_ROOT)}: {text}"
        for path in _ROOT.rglob("*.py")
        if path.relative_to(_ROOT).parts[0] != "cli" and str(path.relative_to(_ROOT)) not in _ALLOWED
        for text in _literals(path)
        if _COMMAND_LINE.search(text)
    }
    assert named == set()


@pytest.mark.parametrize("remedy", Remedy, ids=lambda remedy: remedy.name)
def test_every_remedy_has_words_for_the_command_line_and_for_python(remedy: Remedy) -> None:
    typed = worded(remedy, _DETAILS)
    assert "\n" not in typed
    assert "{" not in typed
    assert not _COMMAND_LINE.search(remedy.value)
    assert {name for _, name, _, _ in string.Formatter().parse(remedy.value) if name} <= _DETAILS.keys()


@pytest.mark.parametrize(
    ("remedy", "details", "typed"),
    [
        (Remedy.OTHER_STUDY_NAME, {}, "take another --study name"),
        (Remedy.LIST_TRIALS, {"study": "my study"}, "dse trials 'my study' says why no trial is on it"),
        (Remedy.SET_VARIABLE, {"variable": "DSE_LABELS"}, "export DSE_LABELS=..., or --labels FILE"),
        (Remedy.SELECT_ROWS, {"where": "total = 500"}, '--where "total = 500"'),
        (Remedy.SELECT_ROWS, {"where": "device = 'a$b'"}, """--where 'device = '"'"'a$b'"'"''"""),
        (Remedy.VALIDATE_TRIALS, {"trials": "3, 5"}, "the other points: --trial 3 --trial 5"),
        (Remedy.REHEARSE_OTHERS, {"round": "v6.1"}, "rehearse --round v6.1, or other trials with --trial, or move this folder away"),  # noqa: E501
    ],
)  # fmt: skip
def test_the_words_have_the_details_in_them(remedy: Remedy, details: dict[str, str], typed: str) -> None:
    assert worded(remedy, details) == typed


def test_a_remedy_comes_before_the_hint_and_python_reads_it_without_options() -> None:
    error = SpaceError("no such folder", remedy=Remedy.NAME_IMAGES, hint="or correct the path")
    assert advice(error) == "name the folder of the images with --images DIR; or correct the path"
    assert error.advice == "name the folder of the images; or correct the path"
    assert advice(SpaceError("empty")) is None


def test_an_argument_is_an_option_on_the_command_line() -> None:
    error = UsageError("found x, allowed: y", argument="round_name", path="here")
    assert str(error) == "here: round_name: found x, allowed: y"
    assert message(error) == "here: --round: found x, allowed: y"
    assert message(UsageError("found x", argument="sort")) == "--sort: found x"
