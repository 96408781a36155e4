"""The loop: propose, make the model, measure, record; until the budget ends or nothing is left to measure."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from dse.errors import MachineError, ModelError
from dse.harnesses import Harness
from dse.model.configuration import Configuration
from dse.model.measurement import Measurement
from dse.paths import cache_dir
from dse.search.knowledge import Knowledge, Place, understand
from dse.search.plan import Plan, Progress, accuracy_steps
from dse.search.policy import NEVER, STABLE_GAIN, Policy, Step
from dse.search.problem import Problem
from dse.search.proposals import OncePerExperiment, make_proposer, search_share
from dse.spaces.placement import Placement
from dse.spaces.space import Space
from dse.study import StudyWriter
from harness import protocol
from harness.protocol import AccuracySpec, Failure, PerformanceSpec, Request, Response

_SPOT_CHECK_IMAGES = 64
"""As many as LoadGen's shortest run has queries, so a spot check costs no more than the shortest performance run."""
Observer = Callable[[Progress], None]


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
    loses nothing. Raises MachineError for a sampler that lacks a package and for a cache that cannot be used.
    """
    measurements = writer.study.measurements
    place = Placement(space, measurements)
    problem = Problem(space.tree, space.objectives, space.constraints)
    proposer = OncePerExperiment(make_proposer(problem, plan.decision.sampler, seed, first), place)
    steps = accuracy_steps(space)
    if space.recorded is None:
        policy = Policy(
            proposer, session_start=len(measurements), stable_gain=STABLE_GAIN if confirm else 0.0, ladder=steps
        )
    else:  # a record says the same each time: to ask again would only make it look surer
        policy = Policy(proposer, anchor_every=NEVER, ladder=steps)
    now = _understand(space, measurements, place)
    progress = Progress(plan, time.monotonic(), front=now.front)
    progress.after_s = _after_s(policy.left(measurements, now, confirm=confirm), now, progress)
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
            if plan.configurations - place.twins - plan.known <= progress.done:
                progress.ended = "every configuration is known"
            elif more:
                progress.ended = "the front is stable"
            break
        progress.running, progress.phase, progress.began = step.configuration, step.phase, time.monotonic()
        observe(progress)
        began = time.monotonic()
        measured = _measure(writer, space, step, steps, harness)
        progress.trial_times_s.append(time.monotonic() - began)
        now = _understand(space, measurements, place)
        _count(progress, step, measured, now)
        progress.open = len(policy.open(now, confirm=confirm))
        progress.after_s = _after_s(policy.left(measurements, now, confirm=confirm), now, progress)
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
    recorded = space.recorded is not None
    return understand(space.objectives, space.constraints, measurements, place, space.data_set.size, exact=recorded)


def _may_search(progress: Progress, confirm: bool) -> bool:
    """Whether new configurations still may be measured; in a limited time, some of it is kept to confirm."""
    share = search_share(progress.plan.decision, progress.plan.budget.seconds) if confirm else None
    return share is None or progress.device_s < share


def _count(progress: Progress, step: Step, measured: Measurement, now: Knowledge) -> None:
    progress.done += step.phase == "search"
    progress.repeats += step.phase != "search"
    progress.running, progress.last, progress.front = None, measured, now.front
    progress.disturbance = now.judgement.disturbance
    if measured.response.failure:
        reason = measured.response.failure.error
        progress.failures[reason] = progress.failures.get(reason, 0) + 1
    for lost in now.judgement.reasons.get(measured.trial, ()):
        progress.failures[lost.word] = progress.failures.get(lost.word, 0) + 1


def _after_s(steps: Sequence[Step], now: Knowledge, progress: Progress) -> float:
    """What ``steps`` take; all of a limited time where some are to confirm: nobody knows how many more will follow."""
    known = {e.configuration: e for e in now.estimates}
    seconds = len(steps) * progress.trial_s
    for step in steps:
        e = known.get(step.configuration)
        if e is None or step.phase != "confirm":
            continue
        more = step.images > (e.accuracy.total if e.accuracy else 0)
        if not more and progress.plan.budget.seconds is not None:
            return math.inf
        seconds += more * step.images * e.values.get("latency_mean_ns", 0.0) / 1e9
    return seconds


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
        preprocessing=space.preprocessing(configuration),
        performance=PerformanceSpec(
            buffer_size=space.buffer_size(configuration),
            min_duration_ms=round(space.fidelity.min_duration * 1000),
            min_query_count=space.fidelity.min_query_count,
        ),
        accuracy=accuracy,
        spot_check_images=_SPOT_CHECK_IMAGES if spot_check else 0,
        image_order="random",
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
    try:
        response = harness(runtime.python).run(request, folder, space.fidelity.trial_timeout)
    except OSError:
        writer.require_folder(record)
        raise
    return writer.finish(record, response)


def _time_is_up(progress: Progress) -> bool:
    budget = progress.plan.budget
    if budget.device_s is not None and progress.device_s >= budget.device_s:
        return True
    return budget.time_s is not None and progress.elapsed_s >= budget.time_s
