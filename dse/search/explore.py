"""The loop: propose, make the model, measure, record; until the budget ends or nothing is left to measure."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from dse.errors import MachineError, ModelError
from dse.harnesses import Harness
from dse.model.configuration import Configuration
from dse.model.front import FrontPoint
from dse.model.measurement import Measurement, Phase
from dse.paths import cache_dir
from dse.search.knowledge import Knowledge, Place, understand
from dse.search.policy import NEVER, STABLE_GAIN, Policy, Step, ladder
from dse.search.problem import Problem
from dse.search.proposals import Decision, decide, make_proposer, search_share
from dse.spaces.placement import placement
from dse.spaces.space import Space
from dse.study import StudyWriter
from harness import protocol
from harness.protocol import AccuracySpec, Failure, PerformanceSpec, Request, Response

_SPOT_CHECK_IMAGES = 64
"""As many as LoadGen's shortest run has queries, so a spot check costs no more than the shortest performance run."""
_FIRST_GUESS_S = 1.5
"""What a trial costs before one was measured here, beyond LoadGen's minimum duration."""
_LOOKUP_S = 0.1
"""What a trial costs whose figures are recorded: its files, and Optuna's view of them."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What this search may spend: wall seconds, new configurations, device seconds; None is without limit.

    Device time is what the harness's processes take; making models and deciding are free.
    """

    time_s: float | None = None
    trials: int | None = None
    device_s: float | None = None

    @property
    def seconds(self) -> float | None:
        """The tighter of the two times."""
        return min((s for s in (self.time_s, self.device_s) if s is not None), default=None)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a search is about to do, found out without measuring."""

    configurations: int
    known: int
    trial_s: float
    budget: Budget
    decision: Decision

    @property
    def unknown(self) -> int:
        """Configurations without a result."""
        return self.configurations - self.known

    @property
    def trials(self) -> int:
        """How many trials the budget reaches, about."""
        limits = [self.unknown]
        if self.budget.trials is not None:
            limits.append(self.budget.trials)
        if self.budget.seconds is not None:
            limits.append(max(1, int(self.budget.seconds / self.trial_s)))
        return min(limits)

    @property
    def time_s(self) -> float:
        """How long that takes, about."""
        return self.trials * self.trial_s

    @property
    def search_s(self) -> float | None:
        """How much of a limited time goes to new configurations; the rest is for confirming."""
        share = search_share(self.decision, self.budget.seconds)
        return None if self.budget.seconds is None else min(share or self.budget.seconds, self.unknown * self.trial_s)


@dataclass
class Progress:
    """Where a search stands; handed to the observer after every step."""

    plan: Plan
    started: float
    done: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    running: Configuration | None = None
    front: list[FrontPoint] = field(default_factory=list)
    last: Measurement | None = None
    trial_times_s: list[float] = field(default_factory=list)
    phase: Phase = "search"
    repeats: int = 0
    """Trials of this session that measured a known configuration again."""
    open: int = 0
    """Configurations that have to be measured again before the front is settled, as far as is known."""
    gain: float | None = None
    """What the configurations that the rest of the budget reaches are expected to add to the hypervolume at most, as a
    share, where the proposer tells."""
    ended: str = ""
    """Why the search ended, for people."""

    @property
    def device_s(self) -> float:
        """Seconds that the device spent on this session's trials."""
        return sum(self.trial_times_s)

    @property
    def elapsed_s(self) -> float:
        """Wall seconds since the search began."""
        return time.monotonic() - self.started

    @property
    def fraction(self) -> float:
        """How much of the budget is spent, 0..1."""
        parts = [self.done / max(self.plan.unknown, 1)]
        if self.plan.budget.trials:
            parts.append(self.done / self.plan.budget.trials)
        if self.plan.budget.time_s:
            parts.append(self.elapsed_s / self.plan.budget.time_s)
        if self.plan.budget.device_s:
            parts.append(self.device_s / self.plan.budget.device_s)
        return min(1.0, max(parts))

    @property
    def remaining_trials(self) -> int:
        """How many more configurations the part of the budget that is for new ones reaches, about."""
        trial_s = median(self.trial_times_s) if self.trial_times_s else self.plan.trial_s
        searched_s = self.plan.search_s
        left_s = self.remaining_s if searched_s is None else min(self.remaining_s, searched_s - self.device_s)
        return max(0, min(self.plan.unknown - self.done, int(left_s / trial_s)))

    @property
    def remaining_s(self) -> float:
        """Wall seconds left, from the costs of the trials so far."""
        trial_s = median(self.trial_times_s) if self.trial_times_s else self.plan.trial_s
        limits = [(self.plan.unknown - self.done) * trial_s]
        if self.plan.budget.trials is not None:
            limits.append((self.plan.budget.trials - self.done) * trial_s)
        if self.plan.budget.time_s is not None:
            limits.append(self.plan.budget.time_s - self.elapsed_s)
        if self.plan.budget.device_s is not None:
            limits.append(self.plan.budget.device_s - self.device_s)
        return max(0.0, min(limits))


Observer = Callable[[Progress], None]


def make_plan(space: Space, measurements: list[Measurement], budget: Budget) -> Plan:
    """What exploring ``space`` within ``budget`` means, given what is known; downloads nothing."""
    place = placement(space, measurements)
    found = len({place(measured) for measured in measurements} - {None})
    costs = [m.response.timing_s["total"] for m in measurements if "total" in m.response.timing_s]
    first_guess_s = _FIRST_GUESS_S + space.fidelity.min_duration if space.recorded is None else _LOOKUP_S
    trial_s = median(costs) if costs else first_guess_s
    unknown = space.tree.size - found
    limits = [budget.trials] if budget.trials is not None else []
    if budget.seconds is not None:
        limits.append(int(budget.seconds / trial_s))
    decision = decide(space.file.sampler, unknown, min(limits) if limits else None)
    return Plan(space.tree.size, found, trial_s, budget, decision)


def explore(
    writer: StudyWriter,
    space: Space,
    harness: Callable[[str | None], Harness],
    plan: Plan,
    seed: int,
    observe: Observer,
    stopped: Callable[[], bool],
    *,
    confirm: bool = False,
    strict: bool = False,
    first: Sequence[Configuration] = (),
) -> Progress:
    """Measure until the budget ends, ``stopped`` says so, or the front is complete and, with ``confirm``, settled.

    Where no time ends it first, the accuracies of the front are counted on all images in the end.

    ``harness`` gets the interpreter of a runtime (None: this one) and returns the harness that measures with it. A
    model that cannot be made costs one trial, as a runtime that crashes does. ``first`` is proposed before anything
    else. With ``strict`` a trial that does not count (throttling, foreign load, drift) raises MachineError, which
    loses nothing. Raises MachineError for a sampler that lacks a package.
    """
    measurements = writer.study.measurements
    place = placement(space, measurements)
    proposer = make_proposer(
        Problem(space.tree, space.objectives, space.constraints), plan.decision.sampler, seed, first
    )
    if space.recorded is None:
        # where the first images are no sample of the others, an accuracy on a part of them tells nothing of the rest
        steps = ladder(space.accuracy_images) if space.data_set.mixed else (space.accuracy_images,)
        policy = Policy(
            proposer, session_start=len(measurements), stable_gain=STABLE_GAIN if confirm else 0.0, ladder=steps
        )
    else:  # a record says the same each time: to ask again would only make it look surer
        steps = (space.recorded.least_images,)
        policy = Policy(proposer, anchor_every=NEVER, ladder=steps)
    progress = Progress(plan, time.monotonic(), front=_understand(space, measurements, place).front)
    observe(progress)
    while not stopped() and not _time_is_up(progress):
        more = plan.budget.trials is None or progress.done < plan.budget.trials
        step = policy.next(
            measurements,
            lambda: _understand(space, measurements, place),
            search=more and _may_search(progress, confirm),
            confirm=confirm,
        )
        if step is None and confirm and more:  # all is settled: what was kept to confirm may be searched
            step = policy.next(measurements, lambda: _understand(space, measurements, place), search=True, confirm=True)
        if step is None:
            if progress.plan.unknown <= progress.done:
                progress.ended = "every configuration is known"
            elif more:
                progress.ended = "the front is stable"
            break
        progress.running, progress.phase = step.configuration, step.phase
        observe(progress)
        began = time.monotonic()
        measured = _measure(writer, space, step, steps, harness)
        progress.trial_times_s.append(time.monotonic() - began)
        now = _understand(space, measurements, place)
        _count(progress, step, measured, now)
        progress.open = len(policy.open(now, confirm=confirm))
        progress.gain = policy.gain(progress.remaining_trials)
        observe(progress)
        reasons = now.judgement.reasons.get(measured.trial)
        if strict and reasons:
            raise MachineError(
                f"trial {measured.trial} does not count: {reasons[0].sentence}",
                hint="mend that and run the same command again; without --strict the trial is left out",
            )
    return progress


def _understand(space: Space, measurements: Sequence[Measurement], place: Place) -> Knowledge:
    return understand(space.objectives, space.constraints, measurements, place, space.accuracy_images)


def _may_search(progress: Progress, confirm: bool) -> bool:
    """Whether new configurations still may be measured; in a limited time, some of it is kept to confirm."""
    share = search_share(progress.plan.decision, progress.plan.budget.seconds) if confirm else None
    return share is None or progress.device_s < share


def _count(progress: Progress, step: Step, measured: Measurement, now: Knowledge) -> None:
    progress.done += step.phase == "search"
    progress.repeats += step.phase != "search"
    progress.running, progress.last, progress.front = None, measured, now.front
    if measured.response.failure:
        reason = measured.response.failure.error
        progress.failures[reason] = progress.failures.get(reason, 0) + 1
    for lost in now.judgement.reasons.get(measured.trial, ()):
        progress.failures[lost.word] = progress.failures.get(lost.word, 0) + 1


def make_request(
    space: Space,
    configuration: Configuration,
    model_path: Path,
    sha256: str,
    *,
    accuracy: AccuracySpec | None,
    spot_check: bool,
) -> Request:
    """The request that measures ``configuration`` at the search's fidelity."""
    spec, _ = space.runtime(configuration)
    return Request(
        model_path=str(model_path),
        model_sha256=sha256,
        data_set=space.data_set.spec,
        cache_dir=str(cache_dir()),
        runtime=spec,
        preprocessing=space.preprocessing,
        performance=PerformanceSpec(
            buffer_size=space.buffer_size(configuration),
            min_duration_ms=round(space.fidelity.min_duration * 1000),
            min_query_count=space.fidelity.min_query_count,
        ),
        accuracy=accuracy,
        spot_check_images=_SPOT_CHECK_IMAGES if spot_check else 0,
    )


def _measure(
    writer: StudyWriter, space: Space, step: Step, steps: Sequence[int], harness: Callable[[str | None], Harness]
) -> Measurement:
    configuration = step.configuration
    record, folder = writer.begin(configuration, step.phase, step.images)
    try:
        model = space.source(configuration).make(space.variant(configuration))
    except ModelError as error:
        response = Response(failure=Failure("model_missing", str(error)))
        protocol.write(response, folder / "response.json")
        return writer.finish(record, response)
    accuracy = None
    if record.accuracy_from == record.number:  # more images, as long as they cost no more than the performance run
        more = tuple(n for n in steps if n > step.images)
        accuracy = AccuracySpec(samples=step.images, more=more, within_s=space.fidelity.min_duration)
    request = make_request(
        space,
        configuration,
        model.path,
        model.sha256,
        accuracy=accuracy,
        spot_check=accuracy is not None or not writer.is_spot_checked(record),
    )
    _, runtime = space.runtime(configuration)
    response = harness(runtime.python).run(request, folder, space.fidelity.trial_timeout)
    return writer.finish(record, response)


def _time_is_up(progress: Progress) -> bool:
    budget = progress.plan.budget
    if budget.device_s is not None and progress.device_s >= budget.device_s:
        return True
    return budget.time_s is not None and progress.elapsed_s >= budget.time_s


def failures_by_reason(measurements: list[Measurement]) -> Mapping[str, int]:
    """How many measurements failed, by error class, most frequent first."""
    counts: dict[str, int] = {}
    for measurement in measurements:
        if measurement.response.failure:
            counts[measurement.response.failure.error] = counts.get(measurement.response.failure.error, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))
