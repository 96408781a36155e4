"""Trials that end in any order, one after the other: what is known then is what they say all at once."""

from __future__ import annotations

from collections.abc import Sequence

from dse_harness.protocol import Accuracy, Performance, Response, SpotCheck
from hypothesis import given
from hypothesis import strategies as st

from dse.core.accuracies import Accuracies
from dse.core.analysis import Analysis, analyze, as_measured
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement
from dse.core.metrics import METRICS, Objective

_OBJECTIVES = tuple(Objective(METRICS.get(n), METRICS.get(n).direction) for n in ("accuracy", "latency_p90_ns"))
_IMAGES = (100, 400, 1600)


@st.composite
def _trials(draw: st.DrawFn) -> list[Measurement]:
    """Of a few models on a few numbers of images; some do not answer as others do, some are slow, some were slowed."""
    found = []
    for number in range(draw(st.integers(1, 14))):
        name, rung, pace = draw(st.integers(0, 4)), draw(st.none() | st.integers(0, 2)), draw(st.integers(100, 140))
        accuracy = None if rung is None else Accuracy(_IMAGES[rung] * (90 + name % 3) // 100, _IMAGES[rung], "")
        response = Response(
            performance=Performance.constant(10**6 * (1 + name) + draw(st.integers(0, 10**5)), query_count=1000),
            accuracy=accuracy,
            spot_check=SpotCheck(8, draw(st.sampled_from("aaab"))) if draw(st.booleans()) else None,
            cores_used=draw(st.sampled_from([1.0, 1.0, 1.0, 0.5])),
            pace_before_ns=pace,
            pace_after_ns=pace,
        )
        key = f"model {name % 3}"
        found.append(Measurement(2 * number, Configuration({"n": name}), str(name), response, accuracy_key=key))
    return found


def _analyze(trials: Sequence[Measurement], before: Analysis | None = None) -> Analysis:
    return analyze(_OBJECTIVES, (), trials, as_measured, 1600, before=before)


@given(_trials(), st.randoms(use_true_random=False), st.integers(1, 4))
def test_in_any_order_or_all_at_once_they_say_the_same(trials: list[Measurement], chance: object, batch: int) -> None:
    order = list(range(len(trials)))
    chance.shuffle(order)  # type: ignore[attr-defined]
    accuracies, known, before = Accuracies(), dict[int, Measurement](), None
    for start in range(0, len(order), batch):
        for number in order[start : start + batch]:
            accuracies.add(trials[number].trial, str(trials[number].accuracy_key), trials[number].response)
            known[number] = trials[number]
        known = {number: measured.with_best(accuracies) for number, measured in sorted(known.items())}
        found, once = _analyze(list(known.values()), before), _analyze([trials[number] for number in known])
        assert found.measurements == once.measurements
        assert found.known == once.known
        assert found.differing == once.differing
        assert found.estimates == once.estimates
        assert found.noise == once.noise
        before = found


def test_what_nothing_new_was_heard_of_is_not_found_out_again() -> None:
    """A trial in between, whose model's accuracy nobody shares, leaves all others as they were."""
    trials = [
        Measurement(
            number,
            Configuration({"n": number}),
            str(number),
            Response(performance=Performance.constant(10**6 + number, query_count=1000)),
            accuracy_key=str(number),
        )
        for number in range(5)
    ]
    before = _analyze([trials[n] for n in (0, 1, 3, 4)])
    after = _analyze(trials, before)
    assert [k.configuration["n"] for k in after.known] == [0, 1, 2, 3, 4]
    assert [one is other for one, other in zip(before.known[:2], after.known[:2], strict=True)] == [True, True]
    assert [one is other for one, other in zip(before.known[2:], after.known[3:], strict=True)] == [True, True]
    assert after.gathered is before.gathered
