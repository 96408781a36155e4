"""Which configurations have given values, against a list of all of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dse.core.configuration import Value
from dse.core.matching import match
from dse.core.tree import ParameterTree

TREE = ParameterTree.of(
    {
        "family": {
            "small": {"form": {"minimal": {"width": [0.35, 0.5]}, "full": {"swish": ["op", "parts"]}}},
            "large": None,
        },
        "side": [48, 64],
        "quick": [True, False],
        "threads": [1],
    }
)
GIVEN = st.dictionaries(
    st.sampled_from(["family", "form", "width", "swish", "side", "quick", "threads", "nothing"]),
    st.sampled_from(["small", "large", "minimal", "full", 0.35, 0.5, "op", 48, 64, 1, True, 7]),
    max_size=4,
)


def _has(one: Value | None, other: Value) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def test_plain_levels_become_the_tree_that_they_say() -> None:
    assert TREE.size == (2 + 2 + 1) * 2 * 2
    assert TREE.names == ("family", "form", "width", "swish", "side", "quick", "threads")


@given(GIVEN)
def test_it_counts_what_a_list_of_all_has(wanted: dict[str, Value]) -> None:
    fitting = [c for c in TREE.configurations() if all(_has(c.get(n), v) for n, v in wanted.items())]
    found = match(TREE, wanted)
    assert found.count == len(fitting)
    assert found.only == (fitting[0] if len(fitting) == 1 else None)
    for name in found.open:
        assert len({str(c.get(name)) for c in fitting}) > 1


def test_what_is_still_to_be_said() -> None:
    assert match(TREE, {"family": "large", "side": 48}).open == ("quick",)
    assert match(TREE, {"width": 0.5}).open == ("side", "quick")
    assert match(TREE, {"width": 0.5, "side": 48, "quick": True}).only is not None
