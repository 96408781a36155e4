"""The loop: suggest, make the model, measure, record; until the budget ends or nothing is left to measure."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from dse_harness import protocol
from dse_harness.protocol import AccuracySpec, Failure, Request, Response

from dse.backends import Backend
from dse.core.analysis import Analysis
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement, Phase
from dse.core.problem import Problem
from dse.errors import MachineError, ModelError, Remedy
from dse.paths import cache_dir
from dse.search.costs import Costs
from dse.search.plan import Plan, Progress, accuracy_steps, analyze_space
from dse.search.policy import NEVER, STABLE_GAIN, Policy, Step
from dse.search.suggesters import OncePerExperiment, make_suggester, search_share
from dse.spaces.placement import Placement
from dse.spaces.space import Space
from dse.study.writer import StudyWriter

_SPOT_CHECK_IMAGES = 64
"""As many as LoadGen's shortest run has queries, so a spot check costs no more than the shortest performance run."""
_RESERVED = {"search": 1.2}
_RESERVED_LATER = 2.0
"""So many times what the front's accuracies lack is kept for them, as others come to the front once some have fallen.
New configurations compete with that for time; repeats can as well wait until it is done."""
_MOST_RESERVED = 0.8
"""Where all of them take more than this share of a budget, it cannot have all, and half of it is kept."""
Observer = Callable[[Progress], None]


def explore(
    writer: StudyWriter,
    space: Space,
    backend: Backend,
    plan: Plan,
    seed: int,
    observe: Observer,
    stopped: Callable[[], bool],
    *,
    confirm: bool = False,
    strict: bool = False,
    first: Sequence[Configuration] = (),
    spent_s: float = 0.0,
    clock: Callable[[], float] = time.monotonic,
) -> Progress:
    """Measure until the budget ends, ``stopped`` says so, or the front is complete and, with ``confirm``, settled.

    In the end the accuracies of the front are counted on all images; of a limited time, enough is kept for that.

    ``backend`` is where it is measured. A model that cannot be made costs one trial, as a runtime that crashes does.
    ``first`` is suggested before anything else. With ``strict`` a trial that does not count (throttling, foreign load,
    drift) raises MachineError, which loses nothing. Earlier searches of the study took ``spent_s``. Raises
    MachineError for a sampler that lacks a package and for a cache that cannot be used.
    """
    search = _Search(writer, space, plan, seed, first, confirm=confirm, clock=clock)
    progress = search.progress
    observe(progress)
    while not stopped():
        step = search.next_step()
        if step is None:
            break
        progress.running, progress.phase, progress.began = step.configuration, step.phase, clock()
        observe(progress)
        measured = _measure(writer, space, step, search.steps, backend, spent_s + progress.elapsed_s)
        search.count(step, measured, clock() - progress.began)
        observe(progress)
        reasons = search.now.exclusions.reasons.get(measured.trial)
        if strict and reasons:
            raise MachineError(
                f"trial {measured.trial} does not count: {reasons[0].sentence}",
                remedy=Remedy.MEND_OR_NOT_STRICT,
            )
    return progress


class _Search:
    """What a search knows between two trials, and which one comes next."""

    def __init__(
        self,
        writer: StudyWriter,
        space: Space,
        plan: Plan,
        seed: int,
        first: Sequence[Configuration],
        *,
        confirm: bool,
        clock: Callable[[], float],
    ) -> None:
        self._space, self._confirm = space, confirm
        self._measurements = writer.study.measurements
        self._place = Placement(space, self._measurements)
        self.steps = accuracy_steps(space)
        problem = Problem(space.tree, space.objectives, space.constraints)
        suggester = OncePerExperiment(make_suggester(problem, plan.decision.sampler, seed, first), self._place)
        if not space.backend.is_deterministic:
            gain = STABLE_GAIN if confirm else 0.0
            policy = Policy(suggester, session_start=len(self._measurements), stable_gain=gain, rungs=self.steps)
        else:  # a record says the same each time: to ask again would only make it look surer
            policy = Policy(suggester, reference_every=NEVER, rungs=self.steps)
        self._policy = policy
        self._costs = Costs(space, self.steps, self._measurements, self._place)
        self.now = self._analyze()
        self.progress = Progress(plan, clock(), clock)
        self._look()

    def next_step(self) -> Step | None:
        """What to measure next; None when the budget or the work has ended, which `Progress.ended` says."""
        progress, policy = self.progress, self._policy
        budget, skipped = progress.plan.budget, False
        if progress.budget_left_s <= 0 or (budget.trials == 0 and not policy.incomplete(self.now)):
            progress.ended = "the budget is spent"
            return None
        more, lacking = progress.trials_left > 0, policy.incomplete(self.now)
        search = more and self._may_search()
        while True:
            step = self._suggested(search=search)
            if step is None and self._confirm and more and not search:
                search = True  # all is settled: what was kept to confirm may be searched
                continue
            if step is None:
                progress.ended = self._ended(more, skipped)
                return None
            if self._is_too_long(step):
                policy.skip(step)
                skipped = True
                continue
            return self._unless_reserved(step, lacking)

    def count(self, step: Step, measured: Measurement, took_s: float) -> None:
        """Take in the trial of ``step``."""
        progress = self.progress
        progress.trial_times_s.append(took_s)
        progress.done += step.phase == "search"
        progress.repeats += step.phase != "search"
        progress.running, progress.last = None, measured
        self.now = self._analyze()
        self._costs.add(measured, took_s)
        self._look()

    def _suggested(self, *, search: bool) -> Step | None:
        return self._policy.next(self._measurements, lambda: self.now, search=search, confirm=self._confirm)

    def _ended(self, more: bool, skipped: bool) -> str:
        progress = self.progress
        if skipped:
            return "what is left takes longer than the rest of the budget"
        if progress.plan.configurations - self._place.duplicates - progress.plan.known <= progress.done:
            return "every configuration is known"
        return "the front is stable" if more else "the limit on configurations is reached"

    def _is_too_long(self, step: Step) -> bool:
        """Whether the images that ``step`` asks for take longer than the rest of the budget."""
        return step.phase == "confirm" and self._costs.step_s(step) > self.progress.budget_left_s

    def _unless_reserved(self, step: Step, lacking: Sequence[Step]) -> Step:
        """``step``, or to complete what the front is ``lacking`` where that could not be afforded after it."""
        left_s, seconds = self.progress.budget_left_s, self.progress.plan.budget.seconds
        if seconds is None or not lacking or step in lacking:
            return step
        costs_s = [self._costs.step_s(lack) for lack in lacking]
        if left_s - self._costs.step_s(step) >= self._kept_s(seconds, step.phase):
            return step
        cheapest = min(range(len(lacking)), key=lambda i: costs_s[i])
        if costs_s[cheapest] > left_s:
            return step
        self._policy.put_back(step)
        return self._policy.asked(lacking[cheapest])

    def _kept_s(self, seconds: float, phase: Phase, another_s: float = 0.0) -> float:
        """How much of ``seconds`` a trial of ``phase`` leaves for the front's accuracies and one of ``another_s``.

        Counted on all images some fall, and others take their places: those are in it by their chance.
        """
        lacking_s = sum(self._costs.step_s(step) for step in self._policy.incomplete(self.now))
        joining_s = sum(chance * self._costs.step_s(step) for step, chance in self._policy.joining(self.now))
        kept_s = _RESERVED.get(phase, _RESERVED_LATER) * (lacking_s + joining_s + another_s)
        return kept_s if kept_s <= _MOST_RESERVED * seconds else seconds / 2

    def _analyze(self) -> Analysis:
        return analyze_space(self._space, self._measurements, self._place)

    def _may_search(self) -> bool:
        """Whether new configurations still may be measured; in a limited time, some of it is kept to confirm.

        And some to complete their accuracies, as far as all can be completed.
        """
        seconds, left_s = self.progress.plan.budget.seconds, self.progress.budget_left_s
        if seconds is not None and left_s < seconds / 2:
            one_s, all_s = self._costs.new_s(1), self._costs.another_s
            if left_s - one_s < self._kept_s(seconds, "search", all_s) < seconds / 2:
                return False
        return self._search_left_s() > 0

    def _search_left_s(self) -> float:
        plan = self.progress.plan
        share = search_share(plan.decision, plan.budget.seconds) if self._confirm else None
        left_s = self.progress.budget_left_s
        return left_s if share is None else min(left_s, share - self.progress.device_s)

    def _look(self) -> None:
        """Bring `progress` up to date with what is known now."""
        progress, now, policy, costs = self.progress, self.now, self._policy, self._costs
        progress.front = now.front
        progress.disturbance = now.exclusions.disturbance
        failures = (m.response.failure.error for m in self._measurements if m.response.failure)
        progress.failures = Counter(failures)
        progress.excluded = now.counts.reasons
        progress.open = len(policy.open(now, confirm=self._confirm))
        progress.incomplete = [costs.step_s(step) for step in policy.incomplete(now)]
        progress.search_left_s = costs.new_s(progress.trials_left) + costs.joining_s(progress.trials_left)
        search_s = self._search_left_s()
        progress.reach = (
            progress.trials_left if search_s == math.inf else costs.reach(max(0.0, search_s), progress.trials_left)
        )
        progress.after_s = self._after_s(policy.left(self._measurements, now, confirm=self._confirm))
        progress.gain = policy.gain(progress.reach)

    def _after_s(self, steps: Sequence[Step]) -> float:
        """What ``steps`` take; all of a limited time where some are to confirm: nobody knows how many will follow."""
        counted = {e.configuration: e.accuracy.total if e.accuracy else 0 for e in self.now.estimates}
        if self.progress.plan.budget.seconds is not None:
            repeats = (s for s in steps if s.phase == "confirm" and s.images <= counted.get(s.configuration, 0))
            if next(repeats, None) is not None:
                return math.inf
        return sum(self._costs.step_s(step) for step in steps)


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
    return space.experiment(configuration).request(
        model_path=model_path,
        model_sha256=sha256,
        data_set=space.data_set.spec,
        cache=cache_dir(),
        accuracy=accuracy,
        spot_check_images=_SPOT_CHECK_IMAGES if spot_check else 0,
        image_order="random",
    )


def _measure(
    writer: StudyWriter,
    space: Space,
    step: Step,
    steps: Sequence[int],
    backend: Backend,
    elapsed_s: float,
) -> Measurement:
    configuration = step.configuration
    record, folder = writer.begin(configuration, step.phase, step.images, elapsed_s)
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
    try:
        python = space.runtime(configuration).python
        response = backend.run(request, folder, space.fidelity.trial_timeout, python=python)
    except OSError:
        writer.require_folder(record)
        raise
    return writer.finish(record, response)
