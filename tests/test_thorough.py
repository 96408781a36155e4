"""What `bin/test` leaves out says why, and hypothesis tries a part of `--all`'s examples."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.thorough import examples, most_thorough, require_reasons, thorough


@pytest.mark.parametrize("mark", [pytest.mark.thorough, pytest.mark.thorough("slow"), pytest.mark.thorough(reason="")])
def test_a_mark_without_a_reason_is_refused(request: pytest.FixtureRequest, mark: pytest.MarkDecorator) -> None:
    require_reasons([request.node])
    request.node.add_marker(mark)
    with pytest.raises(pytest.UsageError, match="has no reason"):
        require_reasons([request.node])


def test_near_equal_cases_are_marked_and_the_others_are_not() -> None:
    found = most_thorough([("a", 1), ("b", 2)], lambda case: case[1] == 2, "like b")
    assert [(case.values, case.id) for case in found] == [(("a", 1), "a-1"), (("b", 2), "b-2")]
    assert [[mark.kwargs for mark in case.marks] for case in found] == [[{"reason": "like b"}], []]
    assert most_thorough([3], lambda _: False, "x")[0].marks == (thorough("x"),)


def test_the_thorough_profile_tries_all_examples() -> None:
    before = settings.get_current_profile_name()
    try:
        settings.load_profile("thorough")
        assert (examples(150), examples(2)) == (150, 5)
        settings.load_profile("fast")
        assert 5 <= examples(150) < 50
    finally:
        settings.load_profile(before)
