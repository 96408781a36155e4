"""What is found of a list that changes is what is found of it as a whole, and found out once for each item."""

from __future__ import annotations

from dse_harness.protocol import Accuracy, Performance, Response
from hypothesis import given
from hypothesis import strategies as st

from dse.core.configuration import Configuration
from dse.core.measurement import Measurement
from dse.core.news import Each, news


class _Item:
    """Told from others by its identity alone."""


_ITEMS = [_Item() for _ in range(6)]
_LISTS = st.lists(st.sampled_from(_ITEMS), max_size=8, unique_by=id)


@given(st.lists(_LISTS, max_size=8))
def test_whatever_was_asked_before_the_answer_is_that_of_all(asked: list[list[_Item]]) -> None:
    each = Each(_ITEMS.index)
    theirs: list[_Item] = []
    for items in asked:
        theirs[:] = items  # one list, which changes
        assert each(theirs) == [_ITEMS.index(item) for item in items]


@given(_LISTS, _LISTS)
def test_the_same_item_is_not_asked_about_again_wherever_it_is(items: list[_Item], others: list[_Item]) -> None:
    heard: list[_Item] = []
    each = Each(heard.append)
    each(items)
    each(others)
    assert len(heard) == len({*items, *others})


def _trial(number: int, seconds: int = 1) -> Measurement:
    response = Response(performance=Performance.constant(10**6, query_count=1000), timing_s={"total": seconds})
    return Measurement(number, Configuration({"n": number}), str(number), response)


def test_a_trial_with_another_accuracy_is_the_same_run() -> None:
    trials = [_trial(n) for n in range(4)]
    better = Measurement(2, trials[2].configuration, "2", trials[2].response, accuracy=Accuracy(9, 10, ""))
    found = news([trials[0], trials[2]], [trials[0], trials[1], better, trials[3]])
    assert found == (1, [trials[1], trials[3]], [better])
    assert news(trials, trials[1:]) is None
    assert news(trials, [*trials[:3], _trial(3, seconds=2)]) is None
