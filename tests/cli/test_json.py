"""Every command that reads prints one object with a schema, which a page of docs/ describes; a pipe may close early."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from dse.cli import make_app
from dse.cli.render import print_json
from tests.cli.published import write_tree
from tests.forks import Forks

_ROOT = Path(__file__).parents[2]
_WRITES = {
    "init",
    "plot",
    "dashboard",
    "submit tree",
    "submit pack",
    "system init",
    "device certificates",
    "device setup",
    "results rm",
    "results export",
    "results serve",
    "space schema",
}
"""What serves, writes, or prints a document of another form."""
_READY = ("models list", "space list", "space show mobilenet_v3.yaml", "space check mobilenet_v3.yaml")
_OF_RESULTS = ("list", "show 1", "front", "explain 1", "import tree", "studies --out p.db", "report")


def _commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, list[str]]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield " ".join(words), [name for parameter in command.params for name in parameter.opts]
    for name, below in (inner or {}).items():
        yield from _commands(below, (*words, name))


_ALL = dict(_commands(typer.main.get_command(make_app())))


def test_every_command_that_reads_has_the_option_and_a_line_in_the_docs() -> None:
    described = set(re.findall(r"`dse ([a-z -]+?)(?: --[a-z-]+)?`", (_ROOT / "docs/json.md").read_text()))
    assert {name for name, options in _ALL.items() if "--json" in options} == described
    assert {name for name, options in _ALL.items() if "--json" not in options} == _WRITES


def test_what_is_printed_has_a_schema_of_its_own_or_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"rows": []})
    assert json.loads(capsys.readouterr().out) == {"schema": 1, "rows": []}
    print_json({"schema": 3, "rows": []})
    assert json.loads(capsys.readouterr().out) == {"schema": 3, "rows": []}


@pytest.mark.parametrize("words", _READY)
def test_what_needs_nothing_prints_one_object(words: str, tmp_path: Path, forks: Forks) -> None:
    assert json.loads(forks.run([*words.split(), "--json"], tmp_path).stdout)["schema"] == 1


def test_results_print_one_object(tmp_path: Path, forks: Forks) -> None:
    write_tree(tmp_path / "tree")
    database = ("--db", "r.duckdb")
    assert forks.run(["results", "import", "tree", *database], tmp_path).returncode == 0
    for words in _OF_RESULTS:
        done = forks.run(["results", *words.split(), *database, "--json"], tmp_path)
        assert json.loads(done.stdout)["schema"] == 1, words


@pytest.mark.parametrize("words", ["space list", "models list --json"])
def test_a_pipe_that_is_closed_early_is_no_error(words: str, tmp_path: Path) -> None:
    """As after `| head -0`: whoever reads has enough before anything is written."""
    program = f"{sys.executable} -m dse {words} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("rror")) == (0, 0), done.stderr
