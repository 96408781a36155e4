"""A tabular benchmark in place of a device: the same session as a real search, in memory, thousands of times faster."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from dse_harness.protocol import Accuracy, AccuracySpec, Performance, PerformanceSpec, Response

from dse.core.budget import Budget
from dse.core.configuration import Configuration
from dse.core.indifference import Indifference
from dse.core.measurement import Measurement, Phase
from dse.core.policy import REFERENCE_EVERY, STABLE_GAIN, Policy, Step, rungs
from dse.core.session import Session
from dse.core.task import EachItsOwn, Task
from dse.core.tree import LISTED
from dse.errors import Remedy, ResultsError
from dse.search.costs import LearnedCosts, Work
from dse.search.plan import plan_search
from dse.search.suggesters import make_suggester
from dse.tabular.benchmark import BenchmarkProblem

_START_S, _RUN_S, _QUERIES = 1.0, 2.0, 64
"""What a measurement costs beside its images: to start a process, then LoadGen's minimum duration, or queries, as in
imagenet_tflite.yaml."""
_UNKNOWN_NS = 10e6
"""What a model is thought to take that nobody measured yet."""


@dataclass(frozen=True)
class Run:
    """One search on a table. ``hypervolume`` has an entry for each measurement that had to be paid for.

    ``phases`` says how many of them searched, confirmed, repeated what did not count, or measured the reference
    configuration. ``device_s`` is what they would have cost: a second to start, LoadGen's 2 s and 64 queries at least,
    and the images of the accuracy runs, each at the recorded p90.
    """

    seed: int
    hypervolume: list[float]
    recall: float
    precision: float
    configurations: int
    device_s: float
    phases: Mapping[Phase, int] = field(default_factory=dict)


def drive(session: Session, measure: Callable[[Step], Response]) -> Iterator[Measurement]:
    """Carry out ``session`` by a function; time passes only as its responses say (``timing_s["total"]``)."""
    while (step := session.ask(elapsed_s=session.device_s)) is not None:
        yield session.tell(step, measure(step))


class TableDevice:
    """Measures by looking up a table; ``noise`` is the standard deviation of the logarithm of a latency, of all
    configurations or of each.

    Accuracies are the recorded ones; where they are ``growing``, a run over the first of the images is drawn so that
    all of them together have the recorded accuracy. A response says what it would have cost, in seconds.
    """

    def __init__(
        self,
        table: BenchmarkProblem,
        noise: float | Callable[[Configuration], float],
        seed: int,
        *,
        growing: bool = False,
    ) -> None:
        self.rungs = rungs(table.images) if growing else (table.least_images,)
        """On how many images an accuracy is counted first, ..., in the end."""
        self._table = table
        self._noise = noise
        self._seed = seed
        self._growing = growing
        self._rng = random.Random(seed)
        self._counted: dict[Configuration, Accuracy] = {}

    def measure(self, step: Step) -> Response:
        """What comes of ``step``; a failure where the table has no figures."""
        recorded = self._table.response(step.configuration)
        performance, accuracy = recorded.performance, recorded.accuracy
        if performance is None or accuracy is None:
            return replace(recorded, timing_s={"total": _START_S})
        latency_ns = performance.latency_p90_ns
        noise = self._noise(step.configuration) if callable(self._noise) else self._noise
        if noise:
            performance = Performance.constant(round(latency_ns * math.exp(noise * self._rng.gauss(0, 1))))
        timing_s = {"performance": max(_RUN_S, _QUERIES * latency_ns / 1e9)}
        if step.runs_accuracy:
            accuracy = self._part(step, accuracy, latency_ns) if self._growing else accuracy
            timing_s["accuracy"] = accuracy.total * latency_ns / 1e9 if self._table.images else 0.0
        timing_s["total"] = _START_S + sum(timing_s.values())
        return replace(
            recorded, performance=performance, accuracy=accuracy if step.runs_accuracy else None, timing_s=timing_s
        )

    def _part(self, step: Step, recorded: Accuracy, latency_ns: int) -> Accuracy:
        """The accuracy on a part of the images: those that were counted before, and others."""
        known, images = self._counted.get(step.configuration, Accuracy(0, 0, "")), self._table.images
        more = tuple(n for n in self.rungs if n > step.images)
        total = AccuracySpec(step.images, more, _RUN_S).images(images, latency_ns)
        rest, right = images - known.total, round(images * recorded.good / recorded.total) - known.good
        chance = np.random.default_rng([self._seed, int(step.configuration.fingerprint[:12], 16), total])
        drawn = int(chance.hypergeometric(right, rest - right, total - known.total))
        found = self._counted[step.configuration] = Accuracy(known.good + drawn, total, "", "random", images)
        return found


def replay(
    table: BenchmarkProblem,
    sampler: str,
    seed: int,
    noise: float = 0.0,
    budget: Budget = Budget(),  # noqa: B008  # frozen
    *,
    growing: bool = False,
) -> Run:
    """Search ``table`` as `dse explore` searches a device, within ``budget``, which is what it is there.

    Without noise and ``growing`` accuracies figures are exact, and there is nothing to confirm. Raises ResultsError for
    growing accuracies in a table without counts of images.
    """
    if growing and not table.images:
        raise ResultsError(
            f"{table.name} does not say on how many images its accuracies were counted",
            remedy=Remedy.COUNT_ACCURACIES,
        )
    device = TableDevice(table, noise, seed, growing=growing)
    session = replay_session(table, sampler, seed, device.rungs, budget, is_exact=not noise, growing=growing)
    shares: list[float] = []
    found: dict[Configuration, None] = {}
    for measured in drive(session, device.measure):
        if measured.configuration not in found:
            found[measured.configuration] = None
            share = table.hypervolume(list(found))
        shares.append(share)
    true = table.front()
    reported = {point.configuration for point in session.analysis.front}
    right = len(true & reported)
    return Run(
        seed=seed,
        hypervolume=shares,
        recall=right / len(true),
        precision=right / len(reported) if reported else 0.0,
        configurations=len(found),
        device_s=session.device_s,
        phases=dict(Counter(m.phase for m in session.measurements)),
    )


def replay_session(
    table: BenchmarkProblem,
    sampler: str,
    seed: int,
    images: tuple[int, ...],
    budget: Budget,
    *,
    is_exact: bool = True,
    growing: bool = False,
    history: Sequence[Measurement] = (),
    indifference: Indifference | None = None,
) -> Session:
    """The session that searches ``table`` after ``history``, its accuracies counted on ``images``; its latencies exact
    or noisy. By default every difference matters: nobody who published a table said which do not.
    """
    confirm, size = growing or not is_exact, table.tree.size
    work = Work(
        rungs=images,
        run=PerformanceSpec(min_duration_ms=round(_RUN_S * 1000), min_query_count=_QUERIES),
        accuracy=lambda least, _: AccuracySpec(least, tuple(n for n in images if n > least), _RUN_S),
        model=lambda configuration: configuration,
        guess_ns=lambda _: _UNKNOWN_NS,
        listed=table.tree.configurations() if size <= LISTED else None,
        start_s=_START_S,
    )
    experiments = EachItsOwn()
    costs = LearnedCosts(work, (), experiments)
    plan = plan_search(sampler, budget, costs, configurations=size)
    problem = replace(
        table.problem,
        indifference=indifference or {},
        at_latency_s=costs.at_latency_s if budget.seconds is not None else None,
    )
    task = Task(
        problem,
        Policy(
            images,
            confirm=confirm,
            stable_gain=STABLE_GAIN if confirm else 0.0,
            reference_every=None if is_exact else REFERENCE_EVERY,
        ),
        budget,
        search_s=plan.share_s if confirm else None,
        images=images[-1] if growing else None,
        exact=not confirm,
    )
    suggester = make_suggester(problem, plan.decision.sampler, seed)
    return Session(task, suggester, experiments, costs, history)
