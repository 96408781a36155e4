"""The parameters section: any tree reads back; what is no tree is refused with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dse.core.tree import Parameter, ParameterTree
from dse.errors import SpaceError
from dse.spaces.document import parse_document
from dse.spaces.tree import read_tree, written_tree

_LEVELS = st.lists(
    st.sampled_from(["small", "a/b", "x=1", "2", 2, 4, 0.35, True, False, "", "größe", 10**20]),
    min_size=1,
    max_size=3,
    unique_by=lambda value: str(value).lower(),
)


@st.composite
def contents(draw: st.DrawFn, depth: int = 2, prefix: str = "p") -> dict[str, Any]:
    """What may stand below ``parameters``; half of the parameters are lists, the others open further ones."""
    content: dict[str, Any] = {}
    for number in range(draw(st.integers(1, 2))):
        name, levels = f"{prefix}{number}", draw(_LEVELS)
        content[name] = levels
        if depth and draw(st.booleans()):
            content[name] = {level: draw(st.none() | contents(depth - 1, f"{name}_")) for level in levels}
    return content


def _read(source: str) -> ParameterTree:
    document = parse_document(source, Path("space.yaml"))
    return read_tree(document, document.content["parameters"])


def _written(parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    return {
        parameter.name: {level.value: _written(level.children) or None for level in parameter.levels}
        for parameter in parameters
    }


@given(contents())
def test_a_tree_written_as_yaml_reads_back(content: dict[str, Any]) -> None:
    tree = _read(yaml.safe_dump({"parameters": content}, sort_keys=False, allow_unicode=True))
    long = yaml.safe_dump({"parameters": _written(tree.roots)}, sort_keys=False, allow_unicode=True)
    short = yaml.safe_dump({"parameters": written_tree(tree.roots)}, sort_keys=False, allow_unicode=True)
    assert _read(long) == _read(short) == tree
    assert _spelled_out(content) == _written(tree.roots)
    assert tree.size == len(list(tree.configurations())) == len(set(tree.configurations()))


def _spelled_out(content: dict[str, Any]) -> dict[str, Any]:
    return {
        name: dict.fromkeys(levels)
        if isinstance(levels, list)
        else {level: below and _spelled_out(below) for level, below in levels.items()}
        for name, levels in content.items()
    }


def test_the_two_ways_to_write_a_parameter_mean_the_same() -> None:
    assert _read("parameters: {threads: [1, 2]}") == _read("parameters:\n  threads:\n    1:\n    2:\n")


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("parameters: []", 1, "found an empty list, expected parameters"),
        ("parameters: {}", 1, "found an empty dict, expected parameters"),
        ("parameters: 3", 1, "found int 3, expected parameters"),
        ("parameters:\n  threads:\n", 2, "parameters.threads: found nothing, expected a list of levels"),
        ("parameters:\n  threads: 3\n", 2, "parameters.threads: found int 3, expected a list of levels"),
        ("parameters:\n  threads: []\n", 2, "found an empty list"),
        ("parameters:\n  a: [1]\n  threads: [1,\n    [2]]\n", 4, "parameters.threads.1: found list [2] as a level"),
        ("parameters:\n  threads: [1, null]\n", 2, "found nothing as a level"),
        ("parameters:\n  threads: [.nan]\n", 2, "as a level"),
        ("parameters:\n  threads: [.inf]\n", 2, "as a level"),
        ("parameters:\n  null: [1]\n", 2, "as a parameter's name"),
        ("parameters:\n  no name: [1]\n", 2, "'no name' as a parameter's name"),
        ("parameters:\n  1: [1]\n", 2, "1 as a parameter's name"),
        ("parameters:\n  threads: [1, 1]\n", 2, "duplicate level 1"),
        ("parameters:\n  threads: [1, 1.0]\n", 2, "duplicate level 1.0"),
        ("parameters:\n  threads: [1, '1']\n", 2, "duplicate level '1'"),
        ("parameters:\n  threads: ['true', yes]\n", 2, "duplicate level True"),
        ("parameters:\n  a:\n    x: [1]\n", 3, "parameters.a.x: found list [1], expected parameters"),
        ("parameters:\n  a:\n    x: {a: [1]}\n", 3, "a is already set"),
        ("parameters:\n  a:\n    x:\n      b: [1]\n  b: [1]\n", 4, "b is already set"),
        ("parameters:\n  b: [1]\n  a:\n    x:\n      b: [1]\n", 5, "b is already set"),
        ("parameters:\n  a:\n    x: {c: [1]}\n  b:\n    y:\n      c: [1]\n", 6, "c is already set"),
        ("parameters:\n  a:\n    x: {c: {1: {d: [1]}}}\n  b:\n    y: {e: {1: {d: [1]}}}\n", 5, "d is already set"),
    ],
)
def test_what_is_no_tree_is_refused_with_line_and_key(source: str, line: int, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        _read(source)
    assert (str(caught.value.path), caught.value.line) == ("space.yaml", line), caught.value
    assert message in caught.value.message


def test_levels_side_by_side_may_open_the_same_parameter() -> None:
    tree = _read("parameters:\n  a:\n    x: {w: [1, 2]}\n    y: {w: [3]}\n    z:\n")
    assert tree.size == 4
    assert tree.levels_of("w") == (1, 2, 3)
