"""Parameter trees: what they count, make, find; for any tree."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.tree import Level, Parameter, ParameterTree

_VALUES = st.sampled_from(["small", "a/b", "x=1", "1", "true", 2, 0.35, True, "50%"])


@st.composite
def trees(draw: st.DrawFn) -> ParameterTree:
    """A tree as `dse.spaces.tree` lets through: no name twice on one walk, no level twice in one parameter."""
    names = iter([f"p{number}" for number in range(100)])

    def parameters(depth: int, names: Iterator[str]) -> tuple[Parameter, ...]:
        return tuple(
            Parameter(
                next(names),
                tuple(
                    Level(value, parameters(depth - 1, names) if depth and draw(st.booleans()) else ())
                    for value in draw(st.lists(_VALUES, min_size=1, max_size=2, unique_by=lambda v: str(v).lower()))
                ),
            )
            for _ in range(draw(st.integers(1, 2)))
        )

    return ParameterTree(parameters(2, names))


_SHARED = ParameterTree(
    (
        Parameter(
            "family",
            (
                Level("small", (Parameter("width", (Level(0.35), Level(1))),)),
                Level("large", (Parameter("width", (Level(1),)), Parameter("se", (Level(True), Level(False))))),
            ),
        ),
        Parameter("threads", (Level(1), Level(2))),
    )
)


@given(trees())
def test_size_is_the_number_of_configurations_and_each_is_unique(tree: ParameterTree) -> None:
    configurations = list(tree.configurations())
    assert len(configurations) == tree.size
    assert len(set(configurations)) == tree.size


@given(trees(), st.data())
def test_locate_inverts_choose(tree: ParameterTree, data: st.DataObject) -> None:
    picked: dict[str, int] = {}

    def pick(key: str, parameter: Parameter) -> int:
        assert key not in picked
        picked[key] = data.draw(st.integers(0, len(parameter.levels) - 1))
        return picked[key]

    configuration = tree.choose(pick)
    assert tree.locate(configuration) == picked
    assert configuration in set(tree.configurations())


@given(trees())
def test_every_configuration_is_found_and_chosen_again(tree: ParameterTree) -> None:
    for configuration in tree.configurations():
        located = tree.locate(configuration)
        assert located is not None
        assert tree.choose(lambda key, _, located=located: located[key]) == configuration  # type: ignore[misc]


@given(trees())
def test_branch_keys_are_unique(tree: ParameterTree) -> None:
    keys = [key for key, _ in tree.branches()]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    "outside",
    [
        {},
        {"family": "small", "width": 0.35},
        {"family": "small", "width": 0.5, "threads": 1},
        {"family": "large", "width": 0.35, "se": True, "threads": 1},
        {"family": "large", "width": 1, "se": 1, "threads": 1},
        {"family": "small", "width": 1, "threads": 1, "more": 1},
        {"family": "small", "width": 1, "threads": True},
    ],
)
def test_what_is_not_in_the_tree_is_not_found(outside: dict[str, str | float | bool]) -> None:
    assert _SHARED.locate(outside) is None


def test_a_parameter_below_several_levels_counts_below_each() -> None:
    assert _SHARED.size == 2 * (2 + 2)
    assert _SHARED.names == ("family", "width", "se", "threads")
    assert _SHARED.levels_of("width") == (0.35, 1)
    assert dict(next(_SHARED.configurations())) == {"family": "small", "width": 0.35, "threads": 1}
    assert [str(c) for c in _SHARED.configurations()][:2] == [
        "family=small width=0.35 threads=1",
        "family=small width=0.35 threads=2",
    ]


def test_true_is_another_level_than_one() -> None:
    tree = ParameterTree.of({"family": {"a": {"x": [1, 0]}, "b": {"x": [True, 1.0, 2]}}})
    assert [repr(level) for level in tree.levels_of("x")] == ["1.0", "0", "True", "2"]


def test_the_empty_tree_has_one_configuration() -> None:
    assert ParameterTree(()).size == 1
    assert [dict(c) for c in ParameterTree(()).configurations()] == [{}]
    assert ParameterTree(()).locate({}) == {}


def test_only_numbers_are_ordered() -> None:
    def ordered(*values: str | float | bool) -> bool:
        return Parameter("p", tuple(map(Level, values))).is_ordered

    assert [ordered(1, 0.5), ordered(1, "a"), ordered(True, False), ordered("1", "2")] == [True, False, False, False]
