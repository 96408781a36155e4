"""Counts add up whatever became of the trials."""

from __future__ import annotations

from dse_harness.protocol import Failure, Response
from hypothesis import given
from hypothesis import strategies as st

from dse.core.configuration import Configuration
from dse.core.counts import Counts, count, fates_of
from dse.core.exclusions import Exclusions
from dse.core.known import Known
from dse.core.measurement import Measurement
from dse.core.reason import Reason

_FATES = ("counts", "failed", "elsewhere", "drift", "foreign load")


@given(st.lists(st.tuples(st.sampled_from(_FATES), st.integers(0, 3))))
def test_every_trial_and_every_configuration_is_counted_once(fates: list[tuple[str, int]]) -> None:
    measurements, groups, reasons = [], {}, {}
    for trial, (fate, number) in enumerate(fates):
        failure = Failure("crashed", "it did") if fate == "failed" else None
        configuration = Configuration({"n": number})
        measurements.append(Measurement(trial, configuration, str(number), Response(failure=failure)))
        if fate != "elsewhere":
            groups.setdefault(configuration, []).append(measurements[-1])
        if fate in ("drift", "foreign load"):
            reasons[trial] = (Reason(fate, "so it is"), Reason("governor", "that too"))
    exclusions = Exclusions(reasons)
    known = [
        Known(c, tuple(trials), tuple(m for m in trials if not m.failed and exclusions.counts(m)))
        for c, trials in groups.items()
    ]
    found = count(known, list(map(fates_of, known)), len(fates), sum(m.failed for m in measurements), exclusions)
    assert found.trials == len(fates)
    assert found.counting + found.excluded + found.failed + found.elsewhere == found.trials
    assert found.reasons.get("drift", 0) == sum(fate == "drift" for fate, _ in fates)
    assert found.measured == len({number for fate, number in fates if fate == "counts"})
    assert found.measured + found.configurations_excluded + found.configurations_failed == len(groups)


def test_the_sentences() -> None:
    counts = Counts(98, 53, 2, 1, {"drift": 40, "foreign load": 2}, 35, 1, 2)
    assert counts.trials_sentence == (
        "98 trials: 53 count, 42 excluded (40 drift, 2 foreign load), 2 failed, "
        "1 of no configuration of the space as it is now"
    )
    assert counts.configurations_sentence == "38 configurations: 35 measured, 1 excluded, 2 failed"
    assert Counts(1, 1, measured=1).trials_sentence == "1 trial: 1 counts"
