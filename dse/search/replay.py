"""A recorded table in place of a device: the same suggestions, the same policy, thousands of times faster."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from dse_harness.protocol import Accuracy, AccuracySpec, Failure, Performance, Response

from dse.core.analysis import Analysis, analyze, as_measured
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement, Phase
from dse.errors import Remedy, ResultsError
from dse.search.policy import NEVER, REFERENCE_EVERY, Policy, Step, rungs
from dse.search.suggesters import decide, make_suggester, search_share
from dse.tabular.benchmark import Table

_IMAGES = 10**9
"""Accuracies are counts of images; with this many, the recorded percentage keeps all of its digits."""
_START_S, _RUN_S, _QUERIES = 1.0, 2.0, 64
"""What a measurement costs beside its images: to start a process, then LoadGen's minimum duration, or queries, as in
imagenet_tflite.yaml."""


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


class TableDevice:
    """Measures by looking up a table; ``noise`` is the standard deviation of the logarithm of a latency.

    Accuracies are the recorded ones, counted at the first measurement of a configuration; where they are ``growing``, a
    run over the first of the images is drawn so that all of them together have the recorded accuracy.
    """

    def __init__(self, table: Table, noise: float, seed: int, *, growing: bool = False) -> None:
        self.steps = rungs(table.images) if growing else (_IMAGES,)
        """On how many images an accuracy is counted first, ..., in the end."""
        self.device_s = 0.0
        """What the measurements so far would have cost."""
        self._table = table
        self._noise = noise
        self._seed = seed
        self._growing = growing
        self._rng = random.Random(seed)
        self._counted: dict[Configuration, tuple[int, Accuracy]] = {}

    def measure(self, trial: int, step: Step) -> Measurement:
        """The trial of a step; a failed one where the table has no figures."""
        configuration, values = step.configuration, self._table.lookup(step.configuration)
        key = configuration.fingerprint
        self.device_s += _START_S
        if not values:
            response = Response(failure=Failure("invoke_failed", "the table has no figures"))
            return Measurement(trial, configuration, key, response, phase=step.phase)
        latency_ns = values["latency_p90_ns"]
        self.device_s += max(_RUN_S, _QUERIES * latency_ns / 1e9)
        noisy_ns = round(latency_ns * math.exp(self._noise * self._rng.gauss(0, 1)))
        response = Response(
            performance=Performance.constant(noisy_ns), accuracy=self._accuracy(step, values["accuracy"], latency_ns)
        )
        if response.accuracy:
            self._counted[configuration] = trial, response.accuracy
        counted_by, accuracy = self._counted[configuration]
        return Measurement(
            trial, configuration, key, response, accuracy, counted_by, phase=step.phase, accuracy_key=key
        )

    def _accuracy(self, step: Step, recorded: float, latency_ns: float) -> Accuracy | None:
        """The accuracy run that the step asks for, unless so many images are counted already."""
        _, known = self._counted.get(step.configuration, (0, Accuracy(0, 0, "")))
        if known.total >= step.images:
            return None
        if not self._growing:
            found = Accuracy(round(recorded * _IMAGES), _IMAGES, "")
            self.device_s += self._table.images * latency_ns / 1e9
        else:
            more = tuple(n for n in self.steps if n > step.images)
            total = AccuracySpec(step.images, more, _RUN_S).images(self._table.images, latency_ns)
            rest, right = self._table.images - known.total, round(recorded * self._table.images) - known.good
            chance = np.random.default_rng([self._seed, int(step.configuration.fingerprint[:12], 16), total])
            drawn = int(chance.hypergeometric(right, rest - right, total - known.total))
            found = Accuracy(known.good + drawn, total, "")
            self.device_s += total * latency_ns / 1e9
        return found


def replay(
    table: Table, sampler: str, seed: int, noise: float = 0.0, budget: int | None = None, *, growing: bool = False
) -> Run:
    """Search ``table`` with the policy of `dse explore`: reference, search, confirm, until settled or out of
    ``budget``.

    The budget counts measurements, repeats too. Without noise and ``growing`` accuracies there is nothing to confirm.
    Where ``auto`` measures everything, it does not begin with the cheapest but with what promises most. Raises
    ResultsError for growing accuracies in a table without counts of images.
    """
    if growing and not table.images:
        raise ResultsError(
            f"{table.name} does not say on how many images its accuracies were counted",
            remedy=Remedy.COUNT_ACCURACIES,
        )
    device = TableDevice(table, noise, seed, growing=growing)
    images = table.images if growing else None
    decision = decide(sampler, table.tree.size, budget)
    suggester = make_suggester(table.problem, "ehvi" if decision.sampler == "screen" else decision.sampler, seed)
    policy = Policy(suggester, reference_every=REFERENCE_EVERY if noise else NEVER, rungs=device.steps)
    measured: list[Measurement] = []
    shares: list[float] = []
    found: dict[Configuration, None] = {}
    search_until = search_share(decision, budget)
    confirm = noise > 0 or growing
    while budget is None or len(measured) < budget:
        searching = search_until is None or len(measured) < search_until
        step = policy.next(measured, lambda: _analyze(table, measured, images), search=searching, confirm=confirm)
        if step is None and not searching:
            search_until = None
            continue
        if step is None:
            break
        measured.append(device.measure(len(measured), step))
        if step.configuration not in found:
            found[step.configuration] = None
            share = table.hypervolume(list(found))
        shares.append(share)
    true = table.front()
    reported = {estimate.configuration for estimate in _analyze(table, measured, images).front}
    right = len(true & reported)
    return Run(
        seed=seed,
        hypervolume=shares,
        recall=right / len(true),
        precision=right / len(reported) if reported else 0.0,
        configurations=len(found),
        device_s=device.device_s,
        phases=dict(Counter(m.phase for m in measured)),
    )


def _analyze(table: Table, measured: Sequence[Measurement], images: int | None) -> Analysis:
    return analyze(table.problem.objectives, (), measured, as_measured, images)
