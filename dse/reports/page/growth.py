"""How a front grew while the device measured: the share of its hypervolume over device time."""

from __future__ import annotations

import itertools

import numpy as np

from dse.core.indifference import scaled_costs
from dse.core.metrics import satisfies
from dse.core.pareto import dominates, hypervolume
from dse.study import Study


def growth(study: Study) -> dict[str, list[float]]:
    """Device seconds from the first trial on, and the share of the hypervolume of the front that is known now.

    A configuration counts from the end of its first trial that counts on, with the figures that all of its repeats came
    to. The reference point is the worst figure in each objective. Empty where nothing is on the front.
    """
    analysis, objectives = study.analysis, study.objectives
    names = [o.name for o in objectives]
    known = {
        min(e.trials): scaled_costs(e.values, objectives)
        for e in analysis.estimates
        if all(name in e.values for name in names) and satisfies(e.values, analysis.constraints)
    }
    seconds = [m.response.timing_s.get("total", 0.0) for m in study.measurements]
    if not known or not sum(seconds):
        return {"device_s": [], "share": []}
    table = np.array(list(known.values()))
    low, span = table.min(axis=0), np.ptp(table, axis=0)
    span[span == 0] = 1.0
    corner = np.full(len(names), 1.0 + 1e-6)  # what is worst in an objective adds a little, too
    front: list[tuple[float, ...]] = []
    device_s, volumes = [], []
    for measured, now_s in zip(study.measurements, itertools.accumulate(seconds), strict=True):
        new = known.get(measured.trial)
        if new is None or any(dominates(old, new) or old == new for old in front):
            continue
        front = [old for old in front if not dominates(new, old)] + [new]
        device_s.append(now_s)
        volumes.append(hypervolume((np.array(front) - low) / span, corner))
    last_s = sum(seconds)
    whole = volumes[-1] or 1.0
    return {"device_s": [*device_s, last_s], "share": [volume / whole for volume in [*volumes, volumes[-1]]]}
