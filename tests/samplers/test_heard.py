"""What follows from a list that grows is what follows from it as a whole, and is found out once."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.samplers.heard import Either, Growing, GrowingSet, Heard

LISTS = st.lists(st.integers(0, 5), max_size=8)


def _odd_twice(some: Sequence[int]) -> list[int]:
    return [each for each in some if each % 2 for _ in range(2)]


@given(asked=st.lists(LISTS, max_size=8))
def test_whatever_was_asked_before_the_answer_is_that_of_all(asked: list[list[int]]) -> None:
    growing, as_set = Growing(_odd_twice), GrowingSet(_odd_twice)
    for items in asked:
        assert growing(items) == _odd_twice(items)
        assert as_set(items) == set(_odd_twice(items))


@given(items=LISTS, more=LISTS)
def test_only_what_is_new_at_the_end_is_asked_about(items: list[int], more: list[int]) -> None:
    heard: list[int] = []
    growing = Growing(lambda some: heard.extend(some) or some)
    growing(items)
    items += more  # theirs, and they may add to it
    growing(items)
    growing(items)
    assert heard == items


@given(one=st.sets(st.integers(0, 9)), other=LISTS)
def test_either_is_the_union(one: set[int], other: list[int]) -> None:
    both = Either(one, other)
    assert sorted(both) == sorted(one | set(other))
    assert len(both) == len(one | set(other))
    assert [each in both for each in range(10)] == [each in one | set(other) for each in range(10)]


@given(asked=st.lists(LISTS, max_size=8))
def test_whatever_estimates_were_heard_before_the_answer_is_that_of_all(asked: list[list[int]]) -> None:
    heard = Heard(lambda estimates: [e.trial for e in estimates])
    past: list[Estimate] = []
    for trials in asked:
        past += [Estimate(Configuration(), {}, trial=trial) for trial in trials]  # a list that grows
        assert heard(past) == [e.trial for e in past]
        assert heard(past[:2]) == [e.trial for e in past[:2]]
