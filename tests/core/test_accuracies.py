"""Whose accuracy counts for a trial."""

from __future__ import annotations

import pytest
from dse_harness.protocol import Accuracy, Response, SpotCheck

from dse.core.accuracies import Accuracies
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement

ONE, OTHER = SpotCheck(64, "one"), SpotCheck(64, "other")


def found(good: int, total: int, spot_check: SpotCheck | None = ONE) -> Response:
    return Response(accuracy=Accuracy(good, total, ""), spot_check=spot_check)


@pytest.fixture
def accuracies() -> Accuracies:
    known = Accuracies()
    known.add(0, "a", found(3, 4))
    known.add(1, "a", found(30, 40))
    known.add(2, "a", found(31, 40))
    known.add(3, "a", found(1, 40, OTHER))
    known.add(4, "b", found(1, 4, None))
    known.add(5, "b", Response())
    return known


def test_most_images_count_and_of_equals_the_earliest(accuracies: Accuracies) -> None:
    best = accuracies.best("a", ONE)
    assert best is not None
    assert (best.trial, best.accuracy.total) == (1, 40)


def test_another_answer_shares_nothing(accuracies: Accuracies) -> None:
    best = accuracies.best("a", OTHER)
    assert best is not None
    assert best.trial == 3
    assert accuracies.best("a", SpotCheck(64, "third")) is None


def test_where_nobody_looked_nothing_speaks_against_sharing(accuracies: Accuracies) -> None:
    for spot_check in (None, ONE, SpotCheck(10, "fewer images")):
        assert (best := accuracies.best("b", spot_check)) is not None
        assert best.trial == 4
    assert accuracies.best("a", None) is not None
    assert accuracies.best("c", None) is None


@pytest.mark.parametrize(
    ("response", "good", "source"),
    [
        (Response(spot_check=ONE), 30, 1),  # shared
        (found(39, 50), 39, 9),  # its own, on more images
        (found(9, 10), 30, 1),  # its own has fewer
        (found(29, 40), 29, 9),  # as many: what a trial found itself counts
        (Response(spot_check=SpotCheck(64, "third")), None, None),
    ],
)
def test_a_trial_gets_the_best_that_fits(
    accuracies: Accuracies, response: Response, good: int | None, source: int | None
) -> None:
    measured = Measurement(9, Configuration(), "", response, accuracy_key="a").with_best(accuracies)
    assert (measured.accuracy.good if measured.accuracy else None) == good
    assert measured.accuracy_from == source


def test_a_part_in_the_order_of_the_list_counts_for_nothing_beside_one_drawn_at_random() -> None:
    known = Accuracies()
    known.add(0, "a", found(30, 40))
    before = known.best("a", ONE)
    assert before is not None
    assert before.accuracy.total == 40
    drawn = Response(accuracy=Accuracy(5, 10, "", "random", 100), spot_check=SpotCheck(64, "one", "random"))
    known.add(1, "a", drawn)
    for spot_check in (ONE, drawn.spot_check, None):
        best = known.best("a", spot_check)
        assert best is not None
        assert best.trial == 1
    known.add(2, "a", found(60, 100))
    assert (best := known.best("a", drawn.spot_check)) is not None
    assert best.trial == 2, "all images, in whatever order"
