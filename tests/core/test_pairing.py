"""Accuracies compared image by image: what is the same, what is off together, what a part is corrected by."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from dse_harness.answers import pack
from dse_harness.protocol import Accuracy
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dse.core.pairing import Pairing
from dse.core.panel import MOST_WEIGHTS, Panel, Pattern
from dse.core.proportion import wilson_error

DRAWS = 2000
Right = NDArray[np.bool_]


def accuracy(right: Sequence[bool] | Right, images: int = 10_000, order: str = "random") -> Accuracy:
    """Of a model that answered the first images so."""
    bits = np.asarray(right, bool)
    return Accuracy(int(bits.sum()), len(bits), "", "random", images, pack(bits, order))  # type: ignore[arg-type]


def pairing(*rights: Sequence[bool] | Right, images: int = 10_000) -> Pairing:
    return Pairing([accuracy(right, images) for right in rights], range(len(rights)), images)


def models(count: int, images: int, seed: int = 0) -> Right:
    """Models of different strength that find the same images difficult, ``[count, images]``."""
    rng = np.random.default_rng(seed)
    ease = rng.normal(2.2, 1.5, images)
    return ease + rng.normal(0, 0.5, (count, 1)) + rng.normal(0, 1, (count, images)) > 0


@given(st.lists(st.booleans(), min_size=500, max_size=540), st.integers(0, 600))
def test_a_model_does_not_differ_from_itself(right: list[bool], more: int) -> None:
    """Whoever counted it, also where its accuracy is corrected."""
    whole = [True, False] * 300
    found = pairing(right, whole, right, images=600 + more)
    assert found.shared == [0, 1, 0]
    assert found.difference_error(0, 2) == 0
    drawn = found.drawn(0, 50)
    assert (drawn[0] == drawn[2]).all()
    assert found.estimate(0) == found.estimate(2)


@pytest.mark.parametrize("panel", [64, 2000])
def test_who_answers_alike_on_few_images_need_not_be_the_same(panel: int) -> None:
    right = models(1, 2000)[0]
    found = pairing(right[:64], right[:64], models(1, panel, seed=1)[0])
    assert found.shared == [0, 1, 2]
    assert 0.008 < found.difference_error(0, 1) < 0.03
    drawn = found.drawn(0, DRAWS)
    assert (drawn[0] - drawn[1]).std() == pytest.approx(found.difference_error(0, 1), rel=0.1)
    whole = pairing(right[:64], right[:64], images=64)
    assert whole.shared == [0, 0]


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=200))
def test_the_difference_of_two_is_as_sure_as_mcnemar_says(answers: list[tuple[bool, bool]]) -> None:
    """Of n images b and c are right for one of both alone: n squared times the variance is b + c - (b - c)^2 / n, and
    one more for the halves that are added to each kind of pair.
    """
    one, other = (list(side) for side in zip(*answers, strict=True))
    n, b = len(answers), sum(x and not y for x, y in answers)
    c = sum(y and not x for x, y in answers)
    share = 1 - n / 10_000
    squares = b + c + 1 - (b - c) ** 2 / n + ((b - c) / n) ** 2
    expected = math.sqrt(share * squares) / n
    assert pairing(one, other).difference_error(0, 1) == pytest.approx(expected, rel=1e-3, abs=1e-6)


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_an_accuracy_by_itself_is_as_sure_as_wilson_says_and_never_surer(counts: tuple[int, int]) -> None:
    total, good = counts
    answers = accuracy([True] * good + [False] * (total - good)).answers
    pattern = Pattern(answers.right if answers else "", total)
    panel = Panel("", (pattern,), 10_000)
    vector = panel.vector(pattern)
    error = math.sqrt(float(vector @ vector) + panel.own_variance(pattern))
    assert error >= 0.9 * wilson_error(good, total, 10_000)
    assert error <= wilson_error(good, total, 10_000) + 0.8 / total


def test_draws_are_off_together_as_the_errors_say() -> None:
    right = models(4, 2000)
    found = pairing(*right[:2], *(row[:500] for row in right[2:]))
    drawn = np.stack([found.drawn(0, DRAWS)[index] for index in range(4)]).astype(float)
    for one in range(4):
        assert drawn[one].std() == pytest.approx(found._errors[one], rel=0.08)
        for other in range(one):
            spread = (drawn[one] - drawn[other]).std()
            assert spread == pytest.approx(found.difference_error(one, other), rel=0.08)
    independent = math.hypot(found._errors[0], found._errors[1])
    assert found.difference_error(0, 1) < 0.9 * independent


def test_what_is_known_of_the_whole_data_set_has_no_error() -> None:
    right = models(3, 1000)
    found = pairing(*right[:2], right[2][:200], images=1000)
    for index in range(2):
        counted = found.estimate(index)
        assert counted is not None
        assert (counted.value, counted.error, counted.by) == (right[index].mean(), 0.0, 0)
        assert not found.drawn(0, 50)[index].any()
    assert found.difference_error(0, 1) == 0
    part = found.estimate(2)
    assert part is not None
    assert part.by == 2
    assert found.difference_error(0, 2) == pytest.approx(part.error, rel=1e-3)


def test_a_part_that_is_easier_than_the_rest_is_corrected() -> None:
    """Of images in random order: a model that answers as another one is as good as that one turned out to be."""
    right = np.ones(1000, bool)
    right[[3, 9, 40, *range(100, 200)]] = False
    other = right.copy()
    other[[1, 2]] = False
    found = pairing(right, other, right[:100], images=10_000)
    part, whole = found.estimate(2), found.estimate(0)
    assert part is not None
    assert whole is not None
    assert (whole.value, whole.by) == (0.897, 0)
    assert part.value < 0.93
    assert part.by == 2
    assert part.error < wilson_error(97, 100, 10_000)


def test_corrected_accuracies_are_nearer_and_their_errors_right() -> None:
    """Over random orders of 4,000 images, of which some models saw 1,000 and others 250."""
    right, rng, by_count, by_correction, scaled = models(12, 4000), np.random.default_rng(1), [], [], []
    for _ in range(60):
        order = rng.permutation(4000)
        shuffled = right[:, order]
        found = pairing(*shuffled[:6, :1000], *shuffled[6:, :250], images=4000)
        for index in range(6, 12):
            truth, counted = right[index].mean(), found.estimate(index)
            assert counted is not None
            by_count.append(shuffled[index, :250].mean() - truth)
            by_correction.append(counted.value - truth)
            scaled.append((counted.value - truth) / counted.error)
    assert np.std(by_correction) < 0.92 * np.std(by_count)
    assert np.mean(np.square(scaled)) == pytest.approx(1, abs=0.25)


def test_what_else_is_measured_changes_no_draw() -> None:
    right = models(5, 700)
    alone, together = pairing(right[0]), pairing(*right[1:], right[0])
    assert (alone.drawn(3, 100)[0] == together.drawn(3, 100)[4]).all()
    assert (alone.drawn(4, 100)[0] != alone.drawn(3, 100)[0]).any()


def test_more_images_than_weights() -> None:
    right = models(3, 3 * MOST_WEIGHTS + 5)
    found = pairing(*right, images=50_000)
    for index in range(3):
        good, total = int(right[index].sum()), right.shape[1]
        drawn = found.drawn(0, DRAWS)[index].astype(float)
        assert drawn.std() == pytest.approx(wilson_error(good, total, 50_000), rel=0.1)
    vectors = models(3, 3 * MOST_WEIGHTS + 5)
    d = vectors[0].astype(int) - vectors[1]
    expected = d.std() / math.sqrt(len(d)) * math.sqrt(1 - len(d) / 50_000)
    assert found.difference_error(0, 1) == pytest.approx(expected, rel=0.1)


def test_accuracies_without_answers_are_independent_and_as_they_were_counted() -> None:
    old = Accuracy(450, 500, "a" * 64, "random", 10_000)
    same, other = Accuracy(450, 500, "a" * 64, "random", 10_000), Accuracy(440, 500, "b" * 64, "random", 10_000)
    whole = accuracy(models(1, 2000)[0])
    found = Pairing([old, same, other, whole, None, other], [0, 1, 2, 3, None, 2], 10_000)
    assert found.shared == [0, 0, 2, 3, 4, 2]
    assert set(found.drawn(0, 10)) == {3}
    counted = found.estimate(0)
    assert counted is not None
    assert (counted.value, counted.error, counted.by) == (0.9, wilson_error(450, 500, 10_000), 0)
    assert found.estimate(4) is None
    assert found.difference_error(0, 1) == found.difference_error(2, 5) == 0
    assert found.difference_error(0, 2) == pytest.approx(
        math.hypot(wilson_error(450, 500, 10_000), wilson_error(440, 500, 10_000))
    )
    assert Pairing([old, other], [0, 1], None).difference_error(0, 1) == 0


def test_answers_in_another_order_are_not_compared() -> None:
    right = models(1, 500)[0]
    found = Pairing([accuracy(right), accuracy(right, order="list")], [0, 1], 10_000)
    assert found.shared == [0, 1]
    assert found.difference_error(0, 1) == pytest.approx(math.sqrt(2) * wilson_error(int(right.sum()), 500, 10_000))


def test_differences_of_many_are_those_of_each_pair() -> None:
    right = models(5, 1000)
    old = Accuracy(450, 500, "a" * 64, "random", 10_000)
    known = [*(accuracy(row) for row in right[:3]), *(accuracy(row[:250]) for row in right[3:]), old, old]
    found = Pairing(known, [0, 1, 2, 3, 4, 5, 5], 10_000)
    every = np.arange(7)
    table = found.difference_errors(every[:, None], every)
    assert table.shape == (7, 7)
    assert table == pytest.approx(table.T, rel=1e-4)
    assert not table.diagonal().any()
    assert table[5, 6] == 0
    for one in range(7):
        errors = found.difference_errors(np.full(7, one), every)
        assert errors == pytest.approx([found.difference_error(one, other) for other in range(7)], rel=1e-4)
        assert errors == pytest.approx(table[one], rel=1e-4)


def test_some_of_them_are_corrected_by_all() -> None:
    right = models(4, 1000)
    found = pairing(*right[:3], right[3][:250])
    taken = found.take([3, 1]).take([0])
    assert taken.estimate(0) == found.estimate(3)
    assert (taken.drawn(0, 20)[0] == found.drawn(0, 20)[3]).all()
