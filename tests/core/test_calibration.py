"""Boards are taken for different until runs show that they are the same; what they share is no matter."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.calibration import LOOKS, BoardRun, Sameness, compare_boards
from dse.core.configuration import Configuration

METRIC, LIMIT = "latency_p90_ns", math.log(1.03)
CONFIGURATIONS = [Configuration({"threads": threads}) for threads in (1, 2, 4)]


def rounds(
    count: int,
    slower: Callable[[str, Configuration], float] = lambda *_: 0.0,
    boards: tuple[str, ...] = ("a", "b"),
    noise: float = 0.01,
    seed: int = 0,
    shared: Callable[[int], float] = lambda _: 0.0,
) -> list[BoardRun]:
    chance = random.Random(seed)
    return [
        BoardRun(
            board,
            number,
            configuration,
            {METRIC: slower(board, configuration) + shared(number) + noise * chance.gauss(0, 1)},
        )
        for number in range(count)
        for configuration in CONFIGURATIONS
        for board in boards
    ]


def verdict(runs: list[BoardRun], boards: tuple[str, ...] = ("a", "b")) -> Sameness:
    return compare_boards(runs, boards, {METRIC: LIMIT}).verdict


@pytest.mark.parametrize(
    ("slower", "found"),
    [
        (lambda *_: 0.0, "same"),
        (lambda board, _: 0.005 * (board == "b"), "same"),
        (lambda board, _: 0.05 * (board == "b"), "ratio"),
        (lambda board, c: 0.1 * (board == "b") * (c["threads"] == 4), "different"),
    ],
)
def test_boards_are_the_same_or_differ_by_a_ratio_or_by_more(
    slower: Callable[[str, Configuration], float], found: str
) -> None:
    assert verdict(rounds(40, slower)) == found


def test_few_rounds_and_noisy_ones_show_nothing() -> None:
    assert verdict([]) == "undecided"
    assert verdict(rounds(4)) == "undecided"
    assert verdict(rounds(10, noise=0.1)) == "undecided"
    assert verdict(rounds(40)[:-1]) == "same"  # a run that does not count costs its pair


def test_boards_that_differ_by_more_than_does_not_matter_do_not_pass() -> None:
    """At each look of a calibration; so does none that looks and stops when it passes."""
    passed = 0
    for seed in range(100):
        runs = rounds(LOOKS[-1], lambda board, _: LIMIT * (board == "b"), seed=seed, noise=0.02)
        passed += any(verdict([run for run in runs if run.round < look]) == "same" for look in LOOKS)
    assert passed <= 5


def test_the_same_boards_pass() -> None:
    assert sum(verdict(rounds(LOOKS[-1], noise=0.02, seed=seed)) == "same" for seed in range(20)) == 20


def test_every_two_boards_have_to_be_the_same() -> None:
    boards = ("a", "b", "c")
    found = compare_boards(rounds(40, lambda board, _: 0.05 * (board == "c"), boards), boards, {METRIC: LIMIT})
    assert [(pair.one, pair.other, pair.verdict) for pair in found.pairs] == [
        ("a", "b", "same"),
        ("a", "c", "ratio"),
        ("b", "c", "ratio"),
    ]
    assert found.verdict == "ratio"
    assert found.of(("a", "b")).verdict == "same"
    against = found.against_first("c", METRIC)
    assert against
    assert against.margin == pytest.approx(0.05, abs=0.005)
    assert found.against_first("a", METRIC) is None


def test_an_outlier_is_left_out_and_many_are_none() -> None:
    runs = rounds(40)

    def with_outliers(every: int) -> list[BoardRun]:
        return [
            BoardRun(run.board, run.round, run.configuration, {METRIC: run.scaled[METRIC] + 0.7})
            if run.board == "b" and run.round % every == 0
            else run
            for run in runs
        ]

    assert verdict(with_outliers(10)) == "same"
    assert verdict(with_outliers(3)) != "same"


def test_sizes_in_whole_pages_that_seldom_differ_are_the_same() -> None:
    """More than half of the differences are 0, so a page is far from what is usual; no page of a thousand matters."""
    pages = [
        BoardRun(run.board, run.round, run.configuration, {METRIC: 0.0005 * (run.board == "b" and run.round % 3 == 0)})
        for run in rounds(20)
    ]
    assert verdict(pages) == "same"


@given(st.floats(-1, 1), st.integers(0, 20))
def test_what_a_round_does_to_all_boards_is_no_difference(amount: float, seed: int) -> None:
    steady, shaken = rounds(9, seed=seed), rounds(9, seed=seed, shared=lambda number: amount * number)
    (one,), (other,) = (compare_boards(runs, ("a", "b"), {METRIC: LIMIT}).pairs for runs in (steady, shaken))
    assert other.margin == pytest.approx(one.margin, abs=1e-9)
    assert other.half == pytest.approx(one.half, abs=1e-6)


@given(st.floats(-0.2, 0.2), st.integers(0, 20))
def test_who_is_compared_with_whom_changes_the_sign_alone(amount: float, seed: int) -> None:
    runs = rounds(13, lambda board, _: amount * (board == "b"), seed=seed)
    (one,), (other,) = (compare_boards(runs, boards, {METRIC: LIMIT}).pairs for boards in (("a", "b"), ("b", "a")))
    assert one.verdict == other.verdict
    assert one.margin == pytest.approx(-other.margin)


@given(st.sets(st.integers(0, 19)), st.sets(st.integers(0, 19)))
def test_runs_whose_partners_do_not_count_are_partners(of_a: set[int], of_b: set[int]) -> None:
    shared = {number: 100.0 * number for number in range(20)}
    runs = [r for r in rounds(20, noise=0.0, shared=shared.get) if r.round in (of_a if r.board == "a" else of_b)]
    for gap in compare_boards(runs, ("a", "b"), {METRIC: LIMIT}).pairs[0].gaps:
        assert gap.rounds == min(len(of_a), len(of_b))
        if of_a == of_b and gap.rounds:
            assert gap.margin == 0


def test_boards_of_which_each_loses_half_of_its_runs_are_compared() -> None:
    kept = [run for run in rounds(40) if run.round % 2 == (run.board == "a")]
    assert verdict(kept) == "same"
