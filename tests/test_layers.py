"""Imports point one way: what is below knows nothing of what is above it. A new room gets its floor here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FLOORS = (
    {"address", "durations", "errors", "files", "finding", "installed", "log"}
    | {"processes", "quiet", "reading", "shipped", "values"},
    {"core", "packages", "paths", "plain_yaml", "sections", "trust", "zoo"},
    {"data_sets", "kept", "machine", "samplers"},
    {"imagenet", "models", "tabular"},
    {"backends"},
    {"spaces"},
    {"study"},
    {"search", "results", "submission", "reports", "doctor", "fleet"},
    {"api"},
    {"systems"},
    {"cli", "testing"},
    {"__main__"},
)
"""The rooms of dse, lowest first; those of one floor may not import one another, but for `BESIDE`."""

BESIDE: dict[str, set[str]] = {
    "tabular": {"models"},
    "reports": {"results", "submission"},
    "doctor": {"submission", "fleet"},
    "fleet": {"search"},
    "submission": {"search"},
}

PURE = {
    "base64",
    "bisect",
    "collections",
    "dataclasses",
    "datetime",
    "enum",
    "fractions",
    "functools",
    "itertools",
    "math",
}
PURE |= {"moocore", "numpy", "operator", "pathlib", "re", "statistics", "types", "typing"}
"""What the core may import besides itself, the protocol and fingerprints: no files, clock, chance or Optuna."""


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _sources(folder: str) -> tuple[Path, ...]:
    found = tuple(sorted((ROOT / folder).rglob("*.py")))
    assert found, f"nothing in {folder}"
    return found


@cache
def _imports(path: Path) -> tuple[str, ...]:
    """The full names of what a module imports when it runs; what types need alone is left out."""
    return tuple(_found_imports(path))


def _found_imports(path: Path) -> Iterator[str]:
    waiting: list[ast.AST] = [_tree(path)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        waiting += ast.iter_child_nodes(node)


def _floor(room: str) -> int:
    found = [number for number, rooms in enumerate(FLOORS) if room in rooms]
    assert found, f"{room} has no floor in FLOORS"
    return found[0]


def _room(path: Path) -> str:
    return path.relative_to(ROOT / "dse").with_suffix("").parts[0]


@pytest.mark.parametrize("room", sorted({_room(path) for path in _sources("dse")} - {"__init__"}))
def test_a_module_imports_what_is_below_its_room(room: str) -> None:
    """But for the public names, which come from wherever they are."""
    for path in [path for path in _sources("dse") if _room(path) == room]:
        for name in _imports(path):
            package, _, rest = f"{name}.".partition(".")
            other = rest.partition(".")[0]
            if package != "dse" or other in {room, "__version__", ""} or other in BESIDE.get(room, ()):
                continue
            assert _floor(other) < _floor(room), f"{path} imports {name}"


def test_the_harness_knows_nothing_of_dse() -> None:
    for path in _sources("harness/dse_harness"):
        assert not [name for name in _imports(path) if name.partition(".")[0] == "dse"], path


def test_the_command_line_alone_has_its_libraries() -> None:
    for path in [*_sources("dse"), *_sources("harness/dse_harness")]:
        if ROOT / "dse/cli" not in path.parents:
            assert not {name.partition(".")[0] for name in _imports(path)} & {"typer", "rich", "click"}, path


def test_the_core_is_pure() -> None:
    for path in _sources("dse/core"):
        for name in _imports(path):
            if name.startswith(("dse.core.", "dse_harness.protocol.", "dse_harness.registry.", "__future__.")):
                continue
            texts = {f"dse.files.{each}" for each in ("fingerprint", "canonical_json", "sha256_text")}
            assert name in texts or name.partition(".")[0] in PURE, f"{path} imports {name}"
        calls = [node.func for node in ast.walk(_tree(path)) if isinstance(node, ast.Call)]
        called = {ast.unparse(function).rpartition(".")[2] for function in calls}
        assert not called & {"open", "print", "now", "today", "read_text", "write_text", "read_bytes", "exists"}, path
