"""Which trials count: every reason on its own, and the reference configuration's band."""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from dse_harness.protocol import DeviceState, Failure, Performance, Response
from hypothesis import given
from hypothesis import strategies as st

from dse.core.configuration import Configuration
from dse.core.exclusions import Exclusions, find_exclusions
from dse.core.measurement import Measurement, Phase


def state(second: float, governor: str = "performance", foreign: float = 0.0, **changes: object) -> DeviceState:
    time = f"2026-01-01T00:{int(second) // 60:02}:{second % 60:09.6f}+00:00"
    return DeviceState(time, 0.0, (governor,), foreign_cpu_s=foreign, **changes)  # type: ignore[arg-type]


def measured(
    trial: int,
    before: DeviceState,
    after: DeviceState,
    *,
    latency: float = 1e6,
    phase: Phase = "search",
    threads: int = 1,
    cores: float = 1.0,
    name: str = "a",
) -> Measurement:
    performance = Performance.constant(round(latency), query_count=500, duration_ns=10**9)
    response = Response(performance=performance, cores_used=cores, device_before=before, device_after=after)
    return Measurement(trial, Configuration({"name": name, "threads": threads}), name, response, phase=phase)


def words(measurements: Sequence[Measurement]) -> dict[int, list[str]]:
    return {trial: [reason.word for reason in found] for trial, found in find_exclusions(measurements).reasons.items()}


def test_a_flag_that_stays_until_the_next_start_speaks_against_the_run_in_which_it_came() -> None:
    since, came = ("throttling has occurred",), ("throttling has occurred", "under-voltage has occurred")
    trials = [
        measured(0, state(0), state(2)),
        measured(1, state(2), state(4, throttled=since)),
        measured(2, state(4, throttled=since), state(6, throttled=since)),
        measured(3, state(6, throttled=since), state(8, throttled=came)),
        measured(4, state(8, throttled=came), state(10, throttled=came)),
        measured(5, state(10, throttled=("throttled", *came)), state(12, throttled=came)),
    ]
    assert words(trials) == {1: ["throttled"], 3: ["under-voltage"], 5: ["throttled"]}
    sentences = [reason.sentence for found in find_exclusions(trials).reasons.values() for reason in found]
    assert sentences[1] == "the device says: under-voltage has occurred"


def test_a_clock_that_is_set_during_a_run_says_nothing_of_the_load() -> None:
    """Set back, a minute of it would be none; set ahead, a busy one would be an idle day."""
    trials = []
    for n, (set_s, foreign) in enumerate([(0, 0.0), (0, 0.0), (0, 0.0), (-3600, 4.0), (86400, 4.0)]):
        before = state(60 + 2 * n, boottime_s=2.0 * n)
        after = state(60 + 2 * n + 2, foreign=foreign, boottime_s=2.0 * n + 2)
        time = datetime.fromisoformat(after.time_utc) + timedelta(seconds=set_s)
        trials.append(measured(n, before, dataclasses.replace(after, time_utc=time.isoformat())))
    assert words(trials) == {3: ["foreign load"], 4: ["foreign load"]}


def test_reasons_of_the_device() -> None:
    trials = [
        measured(0, state(0), state(2)),
        measured(1, state(2), state(4, throttled=("under-voltage",))),
        measured(2, state(4, throttle_count=3), state(6, throttle_count=5)),
        measured(3, state(6, "powersave"), state(8, "powersave")),
        measured(4, state(8), state(10, foreign=4.0)),
        measured(5, state(10, foreign=4.0), state(12, foreign=4.0)),
        measured(6, state(12, foreign=4.0), state(14, foreign=4.0), threads=2, cores=1.0),
        measured(7, state(14, foreign=4.0), state(16, foreign=4.0), threads=2, cores=1.8),
    ]
    assert words(trials) == {
        1: ["under-voltage"],
        2: ["throttled"],
        3: ["governor"],
        4: ["foreign load"],
        6: ["threads"],
    }


def test_a_trial_of_less_than_a_second_is_judged_by_its_own_length() -> None:
    """One core all the time is one core, whether or not the second changes meanwhile."""
    trials = [
        measured(n, state(0.6 * n, foreign=0.6 * n), state(0.6 * n + 0.6, foreign=0.6 * n + 0.6)) for n in range(9)
    ]
    assert words(trials) == {}
    assert find_exclusions(trials).of("").foreign_cores == pytest.approx(1.0)


def test_times_in_whole_seconds_tell_nothing_of_a_short_trial() -> None:
    """Neither of others nor, since they may be busy, of threads that used little."""
    before, after = (
        dataclasses.replace(state(0, foreign=foreign), time_utc=f"2026-01-01T00:00:0{second}Z")
        for second, foreign in ((0, 0.0), (1, 1.9))
    )
    assert words([measured(0, before, after, threads=2, cores=1.0)]) == {}
    later = dataclasses.replace(after, time_utc="2026-01-01T00:01:00Z", foreign_cpu_s=120.0)
    assert find_exclusions([measured(0, before, later)]).of("").foreign_cores == pytest.approx(2.0)


@pytest.mark.parametrize(("threads", "cores"), [(1, 0.27), (1, 0.56), (1, 0.89), (2, 0.6), (4, 0.8)])
def test_a_run_that_did_not_get_the_processor_is_excluded_whatever_is_usual(threads: int, cores: float) -> None:
    """Others were busy in every trial, so that their load is the usual one; the figures are wrong all the same."""
    trials = [
        measured(n, state(2 * n, foreign=2.0 * n), state(2 * n + 2, foreign=2.0 * n + 2), threads=threads, cores=cores)
        for n in range(8)
    ]
    assert words(trials) == {n: ["starved"] for n in range(8)}
    reason = find_exclusions(trials).reasons[0][0]
    assert reason.sentence == f"the run got {cores:.2f} of a processor, 0.90 at least is wanted"
    assert reason.passing


@pytest.mark.parametrize(("threads", "cores"), [(1, 0.98), (1, 0.91), (2, 1.4), (4, 1.2)])
def test_a_run_that_got_its_processor_counts(threads: int, cores: float) -> None:
    assert words([measured(0, state(0), state(2), threads=threads, cores=cores)]) == {}


def test_a_study_that_was_starved_says_so_with_its_figures() -> None:
    def study(starved: int, quiet: int) -> list[Measurement]:
        return [
            measured(n, state(2 * n), state(2 * n + 2), cores=0.3 + 0.01 * n if n < starved else 1.0)
            for n in range(starved + quiet)
        ]

    assert find_exclusions(study(2, 2)).starved is None
    assert find_exclusions(study(3, 2)).starved == (
        "3 of 5 runs did not get the processor that they asked for (0.30 to 0.32 of one): something else used it, "
        "and no figure here is certain"
    )
    assert find_exclusions([]).starved is None


def paced(times: Sequence[tuple[int, int]]) -> list[Measurement]:
    return [
        dataclasses.replace(run, response=dataclasses.replace(run.response, pace_before_ns=before, pace_after_ns=after))
        for n, (before, after) in enumerate(times)
        for run in [measured(n, state(2 * n), state(2 * n + 2))]
    ]


def test_a_run_during_which_something_shared_the_processor_does_not_count() -> None:
    trials = paced([(100, 103), (101, 175), (170, 99), (104, 98), (129, 104)])
    assert words(trials) == {1: ["slowed"], 2: ["slowed"], 4: ["slowed"]}
    assert find_exclusions(trials).reasons[1][0].sentence == (
        "something shares the processor: a fixed loop took 1.79 times its best time"
    )


def test_a_loop_is_compared_with_those_of_the_same_interpreter() -> None:
    trials = paced([(100, 103), (180, 183), (101, 99), (181, 179)])
    assert words(trials) == {1: ["slowed"], 3: ["slowed"]}
    for run in trials[1::2]:
        run.response.versions["python"] = "3.10.4"
    assert words(trials) == {}


def test_where_most_runs_were_slowed_they_count_and_it_is_said() -> None:
    trials = paced([(100, 103), (150, 175), (170, 99), (160, 160), (170, 101)])
    found = find_exclusions(trials)
    assert not found.reasons
    assert found.disturbance == (
        "in 4 of 5 runs the processor was slower than at its best, up to 1.8 times by a fixed loop: "
        "something shares it, or its clock fell"
    )


def held(shares: Sequence[float | None]) -> list[Measurement]:
    return [
        dataclasses.replace(run, response=dataclasses.replace(run.response, slow_share=share))
        for run, share in zip(paced([(100, 101)] * len(shares)), shares, strict=True)
    ]


def test_a_run_in_a_tenth_of_which_the_processor_was_slower_does_not_count() -> None:
    trials = held([None, 0.02, 0.1, 0.234])
    assert words(trials) == {3: ["slowed"]}
    assert find_exclusions(trials).reasons[3][0].sentence == (
        "something shares the processor: it was slower for 23% of the run"
    )
    assert find_exclusions(held([0.2] * 4)).disturbance == (
        "in 4 of 4 runs the processor was slower than at its best: something shares it, or its clock fell"
    )


def test_responses_of_before_say_nothing_of_the_pace() -> None:
    assert words([measured(0, state(0), state(2))]) == {}


def test_a_machine_that_is_always_busy_is_its_own_usual_state() -> None:
    trials = [measured(n, state(2 * n, foreign=2.0 * n), state(2 * n + 2, foreign=2.0 * n + 2)) for n in range(8)]
    assert words(trials) == {}
    assert find_exclusions(trials).disturbance == "other processes use 1.0 cores: stop them, or latencies stay noisy"
    assert find_exclusions(trials[:1] + [measured(n, state(n), state(n + 1)) for n in range(1, 8)]).disturbance is None


def series(levels: str) -> list[Measurement]:
    """Letters are references: n normal, f fast, s slow, S slower; dots are other trials."""
    found = []
    for n, letter in enumerate(levels):
        reference = letter != "."
        found.append(
            measured(
                n,
                state(2 * n),
                state(2 * n + 2),
                latency={"s": 1.5e6, "S": 2.5e6, "f": 0.6e6}.get(letter, 1e6),
                phase="reference" if reference else "search",
                name="reference" if reference else f"c{n}",
            )
        )
    return found


def test_an_outlier_of_the_reference_costs_its_own_run_only() -> None:
    """One slow run, and the next one as usual: nothing that ran before it is thrown away."""
    found = find_exclusions(series("n..n..sn..n"))
    assert {trial: [reason.word for reason in why] for trial, why in found.reasons.items()} == {6: ["outlier"]}
    assert "trial 7, the next run of it, did not" in found.reasons[6][0].sentence
    assert found.of("").is_good
    assert words(series("n..n..s.n..")) == {6: ["outlier"]}


def test_a_slow_reference_that_no_other_run_refuted_yet_is_no_drift() -> None:
    found = find_exclusions(series("n..n..s"))
    assert {trial: [reason.word for reason in why] for trial, why in found.reasons.items()} == {6: ["outlier"]}
    assert not found.of("").is_good


def test_a_second_slow_reference_confirms_that_the_device_drifted() -> None:
    assert words(series("n..n..ss")) == {4: ["drift"], 5: ["drift"], 6: ["drift"]}


def test_two_outliers_that_disagree_confirm_nothing() -> None:
    """Slow and then fast is no drift in either direction."""
    assert words(series("n..n..sfn")) == {6: ["outlier"], 7: ["outlier"]}


def test_a_device_that_goes_on_drifting_is_confirmed_though_its_references_differ() -> None:
    """Outside on the same side, and not in agreement: there is no new state yet, and the trials are in doubt."""
    assert set(words(series("n..n..sS"))) == {4, 5, 6, 7}
    assert not find_exclusions(series("n..n..sS")).of("").is_good
    assert set(words(series("n..n..sSn"))) == {4, 5, 6, 7}


def test_a_steady_device_is_never_doubted() -> None:
    found = find_exclusions(series("n..n..n.."))
    assert not found.reasons
    assert found.of("").is_good


def test_two_slow_references_are_a_new_state() -> None:
    found = find_exclusions(series("n..n..ss..s"))
    assert sorted(found.reasons) == [4, 5, 6]
    assert found.of("").is_good


def test_it_depends_on_the_order_of_trials_alone() -> None:
    trials = series("n..s.s...n")
    assert find_exclusions(trials) == find_exclusions(list(trials))


def noisy(noise: float, seed: int, slow: int | None = None) -> dict[int, list[str]]:
    """Eight references in a row with that noise; the one called ``slow`` takes 1.5 times as long."""
    chance = random.Random(seed)
    factors = [math.exp(noise * chance.gauss(0, 1)) * (1.5 if n == slow else 1.0) for n in range(8)]
    return words(
        [
            measured(n, state(2 * n), state(2 * n + 2), latency=1e6 * factor, phase="reference", name="reference")
            for n, factor in enumerate(factors)
        ]
    )


def test_noise_is_seldom_taken_for_drift_and_drift_seldom_for_noise() -> None:
    assert sum(bool(noisy(0.05, seed)) for seed in range(200)) < 10
    for slow in (1, 3, 6):
        assert sum(slow in noisy(0.05, seed, slow) for seed in range(100)) > 85


def other_reference(trials: Sequence[Measurement], name: str) -> list[Measurement]:
    """The same trials with another experiment as the reference configuration."""
    return [dataclasses.replace(m, key=name) if m.phase == "reference" else m for m in trials]


def test_the_reference_is_an_experiment_whatever_the_space_calls_it() -> None:
    """A parameter at its default came to the space: the configuration has another form, the experiment is the same."""
    renamed = [
        dataclasses.replace(m, configuration=Configuration({**m.configuration, "delegate": "xnnpack"}))
        if m.trial > 4
        else m
        for m in series("n..n..s.n..")
    ]
    assert words(renamed) == {6: ["outlier"]}


def test_another_experiment_is_compared_with_itself_alone() -> None:
    """The fidelity was edited: the reference configuration runs for longer now, and that is no drift."""
    edited = [*series("n..n.."), *(other_reference(series("......ss..s"), "longer")[6:])]
    found = find_exclusions(edited)
    assert not found.reasons
    assert (found.of("").reference, found.of("").is_good) == ("longer", True)


def test_the_first_run_of_another_reference_says_nothing_of_the_trials_before() -> None:
    edited = [*series("n..s.."), *(other_reference(series("......n.n."), "longer")[6:])]
    assert words(edited) == {3: ["outlier"]}


def under(trials: Sequence[Measurement], governors: str) -> list[Measurement]:
    """The trials under the governor of each letter: p is performance, s is powersave."""
    names = {"p": ("performance",), "s": ("powersave",)}
    found = []
    for m, letter in zip(trials, governors, strict=True):
        assert m.response.device_before is not None
        assert m.response.device_after is not None
        response = dataclasses.replace(
            m.response,
            device_before=dataclasses.replace(m.response.device_before, cpu_governors=names[letter]),
            device_after=dataclasses.replace(m.response.device_after, cpu_governors=names[letter]),
        )
        found.append(dataclasses.replace(m, response=response))
    return found


def test_another_governor_is_the_usual_one_once_the_reference_ran_twice_under_it() -> None:
    once = find_exclusions(under(series("n..n.."), "sspppp"))
    assert sorted(once.reasons) == [2, 3, 4, 5]
    assert not once.of("").is_good
    twice = find_exclusions(under(series("n..nn.."), "ssppppp"))
    assert sorted(twice.reasons) == [0, 1]
    assert (twice.of("").is_good, twice.of("").governor_since) == (True, 3)
    back = find_exclusions(under(series("n..n..n"), "ssppsss"))
    assert sorted(back.reasons) == [2, 3]


def test_figures_that_cannot_be_are_no_reason_to_stop() -> None:
    """What an odd response may hold: no latency at all, times without a zone or that are none."""
    odd = [dataclasses.replace(state(0), time_utc=text) for text in ("yesterday", "2026-01-01T00:00:00", "")]
    trials = [measured(n, before, state(9), latency=0.0, phase="reference") for n, before in enumerate(odd)]
    assert find_exclusions(trials).reasons == {}


def test_a_trial_is_judged_among_those_of_its_own_device() -> None:
    """Another governor and a latency of its own are a board's, and no drift of this machine."""
    here = series("n..n..n")
    board = [
        dataclasses.replace(
            measured(len(here) + n, state(n, "schedutil"), state(n + 1, "schedutil"), latency=5e6, phase=m.phase),
            device="board",
        )
        for n, m in enumerate(here)
    ]
    found = find_exclusions([*here, *board])
    assert found.reasons == {}
    assert set(found.devices) == {"", "board"}
    alike = find_exclusions([*here, *(dataclasses.replace(m, device="") for m in board)])
    assert alike.reasons


def test_what_is_wrong_with_a_device_is_said_with_its_name() -> None:
    runs = [dataclasses.replace(measured(n, state(n), state(n + 1), cores=0.4), device="board") for n in range(3)]
    assert (find_exclusions(runs).starved or "").startswith("board: 3 of 3 runs did not get the processor")


def test_trials_are_judged_after_others_as_they_are_together() -> None:
    """What each says by itself is kept, and what is usual changes: the load of others, then the governor."""
    trials, exclusions = [], None
    for trial in range(24):
        governor, second = "performance" if trial < 8 else "ondemand", 2 * trial
        busy = 1.0 if trial % 2 or trial > 16 else 0.0
        before, after = state(second, governor), state(second + 2, governor, foreign=2 * busy)
        phase: Phase = "reference" if trial in (0, 10, 12) else "search"
        trials.append(measured(trial, before, after, phase=phase, threads=1 + trial % 3, cores=1.0 - trial % 5 / 20))
        exclusions = find_exclusions(trials, exclusions)
        assert exclusions == find_exclusions(trials)
    assert {reason.word for found in exclusions.reasons.values() for reason in found} >= {"governor", "starved"}


@st.composite
def _study(draw: st.DrawFn) -> list[Measurement]:
    """Trials of two boards, or of one, some of them slow, beside a load, under another governor, failed or recorded."""
    found, devices = [], draw(st.sampled_from(["", "ab"]))
    for number in range(draw(st.integers(1, 30))):
        governor, busy = draw(st.sampled_from("ppps")), draw(st.sampled_from([0.0, 0.0, 0.2, 1.0]))
        before = state(2 * number, governor)
        after = state(2 * number + 2, draw(st.sampled_from([governor, "p"])), foreign=2 * busy)
        m = measured(
            number,
            before,
            after,
            latency=draw(st.sampled_from([0.0, 1e6, 1.01e6, 1.3e6, 2e6])),
            phase=draw(st.sampled_from(["search", "confirm", "reference", "reference"])),
            threads=draw(st.integers(1, 2)),
            cores=draw(st.sampled_from([0.5, 1.0, 1.0, 1.5])),
            name=draw(st.sampled_from("xxxxyz")),
        )
        response = dataclasses.replace(
            m.response,
            pace_before_ns=draw(st.sampled_from([None, 100, 105, 110, 140])),
            pace_after_ns=draw(st.sampled_from([100, 105, 140])),
            slow_share=draw(st.sampled_from([None, 0.05, 0.2])),
            versions={"python": draw(st.sampled_from(["3.11", "3.12"]))},
        )
        kind = draw(st.sampled_from(["", "", "", "", "failed", "recorded", "begun"]))
        if kind == "failed":
            response = dataclasses.replace(response, failure=Failure("crashed", "at once"))
        if kind == "recorded":
            response = Response(performance=response.performance)
        if kind == "begun":
            response = dataclasses.replace(response, device_after=None)
        device = draw(st.sampled_from(devices)) if devices else ""
        found.append(dataclasses.replace(m, response=response, device=device))
    return found


@given(_study(), st.randoms(use_true_random=False), st.integers(1, 4), st.booleans())
def test_in_any_order_or_all_at_once_they_are_judged_the_same(
    trials: list[Measurement], chance: random.Random, batch: int, in_order: bool
) -> None:
    order = list(range(len(trials)))
    if not in_order:
        chance.shuffle(order)
    exclusions: Exclusions | None = None
    known: dict[int, Measurement] = {}
    for start in range(0, len(order), batch):
        known |= {number: trials[number] for number in order[start : start + batch]}
        known[order[0]] = dataclasses.replace(known[order[0]], accuracy_from=start)  # as if a better one was found
        now = [known[number] for number in sorted(known)]
        exclusions = find_exclusions(now, exclusions)
        once = find_exclusions(now)
        assert exclusions == once
        assert list(exclusions.devices) == list(once.devices)
