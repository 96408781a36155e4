"""The loop: propose, make the model, measure, record; until the budget ends or nothing is left to measure."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from dse.errors import ModelError
from dse.harnesses import Harness
from dse.model.configuration import Configuration
from dse.model.front import front
from dse.model.measurement import Measurement
from dse.paths import cache_dir
from dse.search.proposals import Decision, decide, make_proposer
from dse.spaces.space import Space
from dse.study import StudyWriter, known_keys
from harness import protocol
from harness.protocol import AccuracySpec, Failure, PerformanceSpec, Request, Response

_FIRST_GUESS_S = 1.5
"""What a trial costs before one was measured here, beyond LoadGen's minimum duration."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What this search may spend: wall seconds, new trials, or both; None is without limit."""

    time_s: float | None = None
    trials: int | None = None


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
        if self.budget.time_s is not None:
            limits.append(max(1, int(self.budget.time_s / self.trial_s)))
        return min(limits)

    @property
    def time_s(self) -> float:
        """How long that takes, about."""
        return self.trials * self.trial_s


@dataclass
class Progress:
    """Where a search stands; handed to the observer after every step."""

    plan: Plan
    started: float
    done: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    running: Configuration | None = None
    front: list[Measurement] = field(default_factory=list)
    last: Measurement | None = None
    trial_times_s: list[float] = field(default_factory=list)

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
        return min(1.0, max(parts))

    @property
    def remaining_s(self) -> float:
        """Wall seconds left, from the costs of the trials so far."""
        trial_s = median(self.trial_times_s) if self.trial_times_s else self.plan.trial_s
        limits = [(self.plan.unknown - self.done) * trial_s]
        if self.plan.budget.trials is not None:
            limits.append((self.plan.budget.trials - self.done) * trial_s)
        if self.plan.budget.time_s is not None:
            limits.append(self.plan.budget.time_s - self.elapsed_s)
        return max(0.0, min(limits))


Observer = Callable[[Progress], None]


def make_plan(space: Space, measurements: list[Measurement], budget: Budget) -> Plan:
    """What exploring ``space`` within ``budget`` means, given what is known; downloads nothing."""
    known = known_keys(measurements)
    found = sum(
        space.is_identified(configuration) and space.measurement_key(configuration) in known
        for configuration in space.tree.configurations()
    )
    costs = [sum(m.response.timing_s.get(p, 0.0) for p in ("total",)) for m in measurements if m.response.timing_s]
    trial_s = median(costs) if costs else _FIRST_GUESS_S + space.fidelity.min_duration
    unknown = space.tree.size - found
    limits = [budget.trials] if budget.trials is not None else []
    if budget.time_s is not None:
        limits.append(int(budget.time_s / trial_s))
    return Plan(space.tree.size, found, trial_s, budget, decide(space, unknown, min(limits) if limits else None))


def explore(
    writer: StudyWriter,
    space: Space,
    harness: Callable[[str | None], Harness],
    plan: Plan,
    seed: int,
    observe: Observer,
    stopped: Callable[[], bool],
) -> Progress:
    """Measure until the budget ends, ``stopped`` says so, or every configuration is known.

    ``harness`` gets the interpreter of a runtime (None: this one) and returns the harness that measures with it. A
    model that cannot be made costs one trial, as a runtime that crashes does.
    """
    measurements = writer.study.measurements
    known = known_keys(measurements)
    proposer = make_proposer(space, plan.decision, seed, measurements)
    progress = Progress(plan, time.monotonic(), front=current_front(space, measurements))
    observe(progress)
    while not stopped() and not _spent(progress):
        configuration = proposer.propose(lambda c: known.get(space.measurement_key(c)))
        if configuration is None:
            break
        progress.running = configuration
        observe(progress)
        began = time.monotonic()
        measured = _measure(writer, space, configuration, harness)
        known[measured.key] = measured
        proposer.tell(measured)
        progress.trial_times_s.append(time.monotonic() - began)
        progress.done += 1
        progress.running, progress.last = None, measured
        if measured.response.failure:
            reason = measured.response.failure.error
            progress.failures[reason] = progress.failures.get(reason, 0) + 1
        progress.front = current_front(space, measurements)
        observe(progress)
    return progress


def current_front(space: Space, measurements: list[Measurement]) -> list[Measurement]:
    """The front of those measurements that belong to the space as it is now."""
    inside = [m for m in measurements if space.tree.locate(m.configuration) is not None]
    return front(inside, space.objectives, space.constraints)


def make_request(
    space: Space, configuration: Configuration, model_path: Path, sha256: str, *, accuracy: bool
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
        accuracy=AccuracySpec(samples=space.accuracy_images) if accuracy else None,
    )


def _measure(
    writer: StudyWriter, space: Space, configuration: Configuration, harness: Callable[[str | None], Harness]
) -> Measurement:
    record, folder = writer.begin(configuration)
    try:
        model = space.source(configuration).make(space.variant(configuration))
    except ModelError as error:
        response = Response(failure=Failure("model_missing", str(error)))
        protocol.write(response, folder / "response.json")
        return writer.finish(record, response)
    request = make_request(
        space, configuration, model.path, model.sha256, accuracy=record.accuracy_from == record.number
    )
    _, runtime = space.runtime(configuration)
    response = harness(runtime.python).run(request, folder, space.fidelity.trial_timeout)
    return writer.finish(record, response)


def _spent(progress: Progress) -> bool:
    budget = progress.plan.budget
    if budget.trials is not None and progress.done >= budget.trials:
        return True
    return budget.time_s is not None and progress.elapsed_s >= budget.time_s


def failures_by_reason(measurements: list[Measurement]) -> Mapping[str, int]:
    """How many measurements failed, by error class, most frequent first."""
    counts: dict[str, int] = {}
    for measurement in measurements:
        if measurement.response.failure:
            counts[measurement.response.failure.error] = counts.get(measurement.response.failure.error, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))
