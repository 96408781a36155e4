"""What is said of figures: nothing certain of a starved study, nothing uncertain of a recorded one."""

from __future__ import annotations

import dataclasses
import json

from dse_harness.protocol import Accuracy, DeviceState, Performance, Response
from hypothesis import given
from hypothesis import strategies as st

from dse.core.analysis import Analysis, analyze, as_measured
from dse.core.configuration import Configuration
from dse.core.explanation import explain
from dse.core.measurement import Measurement
from dse.core.metrics import METRICS, Constraint, Objective

OBJECTIVES = tuple(
    Objective(METRICS.get(n), METRICS.get(n).direction) for n in ("accuracy", "latency_p90_ns", "model_memory_bytes")
)


def measured(trial: int, good: int, p90: int, memory: int, total: int = 2000, cores: float | None = 1.0) -> Measurement:
    performance = Performance.constant(p90, query_count=1000, duration_ns=10**9)
    accuracy = Accuracy(good, total, "")
    response = Response(performance=performance, accuracy=accuracy, model_memory_bytes=memory, cores_used=cores)
    return Measurement(trial, Configuration({"n": trial}), str(trial), response, accuracy, trial)


def known(*measurements: Measurement, images: int = 10_000, exact: bool = False) -> Analysis:
    return analyze(OBJECTIVES, (), measurements, as_measured, images, exact=exact)


def test_an_accuracy_on_a_part_of_the_data_set_has_an_interval() -> None:
    (point,) = known(measured(0, 1845, 10**6, 2**20)).front
    low, high = point.intervals["accuracy"]
    assert low < 0.9192 < high
    (point,) = known(measured(0, 9192, 10**6, 2**20, total=10_000)).front
    assert point.intervals["accuracy"] == (0.9192, 0.9192)


def test_a_starved_study_has_figures_and_no_certainty() -> None:
    fed, starved = measured(0, 1845, 10**6, 2**20), [measured(n, 1900, 10**5, 2**19, cores=0.4) for n in (1, 2)]
    found = known(fed, *starved)
    (point,) = found.front
    assert (point.trial, point.intervals, point.probability) == (0, {}, None)
    assert "2 of 3 runs did not get the processor" in (found.exclusions.starved or "")
    assert explain(found, fed.configuration).probability is None
    assert explain(found, starved[0].configuration).verdict == "excluded"
    assert found.counts.trials_sentence == "3 trials: 1 counts, 2 excluded (2 starved)"


def test_recorded_figures_are_exact() -> None:
    found = known(*(measured(n, 1800 + n, 10**6 + n, 2**20, cores=None) for n in range(9)), exact=True)
    assert [(p.intervals, p.probability) for p in found.front] == [({}, None)] * 9
    assert all(not any(e.errors.values()) for e in found.estimates)
    assert set(found.membership) == {1.0}


def test_by_how_little_it_is_on_the_front_and_over_whom() -> None:
    """Six KiB of memory, and slower: people want to know before they deploy it."""
    near, other = measured(11, 1845, 10**6, 60 * 2**20), measured(16, 1845, 1_100_000, 60 * 2**20 - 6 * 2**10)
    far = measured(3, 1500, 10**5, 2**20)
    found = known(far, near, other)
    explanation = explain(found, other.configuration)
    assert explanation.sentence == (
        "nothing dominates it; on the front by 6.0 KiB (0.0098 %) of model memory over trial 11, "
        "which is as good or better in all else"
    )
    assert explain(found, near.configuration).sentence == (
        "nothing dominates it; on the front by 0.100 ms (10 %) of p90 latency over trial 16, "
        "which is as good or better in all else"
    )
    alone = explain(known(far), far.configuration)
    assert (alone.sentence, alone.by) == ("nothing dominates it", None)


def test_a_verdict_is_told_with_what_would_decide() -> None:
    """Accuracies and sizes tell that nothing beats two of them. Latencies tell nothing before repeats do."""
    figures = [(1900, 1_000_000, 3 * 2**20), (1600, 800_000, 2 * 2**20), (1500, 1_300_000, 4 * 2**20)]
    once = [measured(n, *each) for n, each in enumerate(figures)]
    first = known(*once)
    assert [first.standings[m.configuration] for m in once] == ["on", "on", "plausible"]
    said = explain(first, once[2].configuration)
    assert said.standing == "plausible"
    assert said.certainty == "plausible: it cannot be told from trial 1 yet; a few more repeats tell"
    repeats = [
        dataclasses.replace(measured(3 * k + n, good, round(p90 * wobble), size), configuration=once[n].configuration)
        for k, wobble in enumerate((1.01, 0.99, 1.02, 1.0, 0.98, 1.01), start=1)
        for n, (good, p90, size) in enumerate(figures)
    ]
    found = known(*once, *repeats)
    assert [found.standings[m.configuration] for m in once] == ["on", "on", "off"]
    assert explain(found, once[0].configuration).certainty == (
        "certainly on the front of what was measured, at 95 % with all other verdicts"
    )
    recorded = known(*once, exact=True)
    assert (recorded.standings, explain(recorded, once[0].configuration).standing) == ({}, None)


def test_who_breaks_a_constraint_is_nobodys_neighbour() -> None:
    found = known(measured(0, 1845, 10**6, 2**20), measured(1, 1846, 10**6, 2**20))
    held = analyze(
        OBJECTIVES,
        (Constraint(METRICS.get("accuracy"), "<=", 0.9225),),
        [m for k in found.known for m in k.trials],
        as_measured,
        10_000,
    )
    assert explain(held, Configuration({"n": 0})).by is None


_WHOLE = st.sampled_from([0, 1, 1000, 2**62, 2**63 - 1])
_CORES = st.sampled_from([None, 0.0, 0.5, 1.0, 1e18])


@st.composite
def _odd(draw: st.DrawFn, trial: int) -> Measurement:
    """What a response may hold, at the ends of what is let through."""
    performance = Performance(*[draw(_WHOLE) for _ in range(8)], draw(_WHOLE), draw(_WHOLE), 1, True, True, True, True)
    total = draw(st.sampled_from([1, 5, 2**63 - 1]))
    accuracy = Accuracy(draw(st.sampled_from([0, 1, total])), total, "")
    states = [
        DeviceState(f"2026-01-01T00:00:0{second}.000000Z", 0.0, foreign_cpu_s=draw(st.sampled_from([None, 0.0, 9e18])))
        for second in (0, 1)
    ]
    response = Response(
        performance=performance,
        accuracy=accuracy,
        model_memory_bytes=draw(_WHOLE),
        cores_used=draw(_CORES),
        device_before=states[0],
        device_after=states[1],
    )
    name = draw(st.integers(0, 2))
    phase = draw(st.sampled_from(["search", "reference"]))
    return Measurement(trial, Configuration({"n": name}), str(name), response, accuracy, trial, phase=phase)  # type: ignore[arg-type]


@given(
    st.integers(1, 6).flatmap(lambda n: st.tuples(*(_odd(trial) for trial in range(n)))), st.sampled_from([1, 10_000])
)
def test_the_ends_of_what_a_response_may_hold_are_figures_too(trials: tuple[Measurement, ...], images: int) -> None:
    found = known(*trials, images=images)
    for point in found.front:
        json.dumps([dict(point.values), point.intervals, point.probability], allow_nan=False)
        assert all(low <= point.values[name] <= high for name, (low, high) in point.intervals.items())
    for k in found.known:
        assert explain(found, k.configuration).sentence
    assert found.counts.trials == len(trials)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 10**7), st.sampled_from([500, 2000])), min_size=1, max_size=12
    ),
    st.booleans(),
)
def test_what_was_found_out_before_changes_no_result(runs: list[tuple[int, int, int]], exact: bool) -> None:
    trials = [
        dataclasses.replace(
            measured(n, total * 2 // 3, p90, 2**20, total=total, cores=None),
            configuration=Configuration({"n": name}),
            key=str(name),
            accuracy_key=str(name % 2),
        )
        for n, (name, p90, total) in enumerate(runs)
    ]
    before = None
    for count in range(1, len(trials) + 1):
        found = analyze(OBJECTIVES, (), trials[:count], as_measured, 10_000, exact=exact, before=before)
        once = known(*trials[:count], exact=exact)
        assert found == once
        assert (found.estimates, found.front, found.noise) == (once.estimates, once.front, once.noise)
        before = found
