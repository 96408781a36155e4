"""A recorded table in place of a device: the same proposals, the same policy, thousands of times faster."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from dse.model.configuration import Configuration
from dse.model.measurement import Measurement, Phase
from dse.search.knowledge import Knowledge, as_measured, understand
from dse.search.policy import ANCHOR_EVERY, Policy
from dse.search.proposals import decide, make_proposer, search_share
from dse.search.table import Table
from harness.protocol import Accuracy, Failure, Performance, Response

_IMAGES = 10**9
"""Accuracies are counts of images; with this many, the recorded percentage keeps all of its digits."""
_NEVER = 10**9


@dataclass(frozen=True)
class Run:
    """One search on a table. ``hypervolume`` has an entry for each measurement that had to be paid for."""

    seed: int
    hypervolume: list[float]
    recall: float
    precision: float
    configurations: int


class TableDevice:
    """Measures by looking up a table; ``noise`` is the standard deviation of the logarithm of a latency."""

    def __init__(self, table: Table, noise: float, seed: int) -> None:
        self._table = table
        self._noise = noise
        self._rng = random.Random(seed)

    def measure(self, trial: int, configuration: Configuration, phase: Phase) -> Measurement:
        """A trial of ``configuration``; a failed one where the table has no figures."""
        values = self._table.lookup(configuration)
        if not values:
            response = Response(failure=Failure("invoke_failed", "the table has no figures"))
            return Measurement(trial, configuration, configuration.fingerprint, response, phase=phase)
        latency = round(values["latency_p90_ns"] * math.exp(self._noise * self._rng.gauss(0, 1)))
        performance = Performance(
            latency_min_ns=latency,
            latency_mean_ns=latency,
            latency_p50_ns=latency,
            latency_p90_ns=latency,
            latency_p95_ns=latency,
            latency_p99_ns=latency,
            latency_p999_ns=latency,
            latency_max_ns=latency,
            early_stopping_p90_ns=None,
            query_count=0,
            duration_ns=0,
            valid=True,
            min_duration_met=True,
            min_queries_met=True,
            early_stopping_met=True,
        )
        accuracy = Accuracy(round(values["accuracy"] * _IMAGES), _IMAGES, "")
        response = Response(performance=performance, accuracy=accuracy)
        return Measurement(trial, configuration, configuration.fingerprint, response, accuracy, trial, phase)


def replay(table: Table, sampler: str, seed: int, noise: float = 0.0, budget: int | None = None) -> Run:
    """Search ``table`` with the policy of `dse explore`: anchor, search, confirm, until settled or out of ``budget``.

    The budget counts measurements, repeats too. Without noise there is nothing to confirm. All measurements of a table
    cost the same: where ``auto`` measures everything, it does not begin with the cheapest but with what promises most.
    """
    device = TableDevice(table, noise, seed)
    decision = decide(sampler, table.tree.size, budget)
    proposer = make_proposer(table.problem, "surrogate" if decision.sampler == "screen" else decision.sampler, seed)
    policy = Policy(proposer, anchor_every=ANCHOR_EVERY if noise else _NEVER)
    measured: list[Measurement] = []
    shares: list[float] = []
    found: dict[Configuration, None] = {}
    search_until = search_share(decision, budget)
    while budget is None or len(measured) < budget:
        searching = search_until is None or len(measured) < search_until
        step = policy.next(measured, lambda: _understand(table, measured), search=searching, confirm=noise > 0)
        if step is None and not searching:
            search_until = None
            continue
        if step is None:
            break
        measured.append(device.measure(len(measured), step.configuration, step.phase))
        if step.configuration not in found:
            found[step.configuration] = None
            share = table.hypervolume(list(found))
        shares.append(share)
    true = table.front()
    reported = {estimate.configuration for estimate in _understand(table, measured).front}
    right = len(true & reported)
    return Run(seed, shares, right / len(true), right / len(reported) if reported else 0.0, len(found))


def _understand(table: Table, measured: Sequence[Measurement]) -> Knowledge:
    return understand(table.problem.objectives, (), measured, as_measured)
