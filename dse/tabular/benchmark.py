"""A tabular benchmark as a search problem whose answer is known: how much of its front a search has found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from dse_harness.protocol import Response

from dse.core.configuration import Configuration
from dse.core.metrics import objective
from dse.core.pareto import hypervolume, nondominated
from dse.core.problem import Problem
from dse.tabular.backend import response_of
from dse.tabular.columns import ACCURACY, GOOD, P90, TOTAL
from dse.tabular.table import is_complete, read_table

_IMAGES = 10**9


class BenchmarkProblem:
    """Configurations with their recorded accuracy (0..1) and p90 latency (ns). Rows without both count as failed."""

    def __init__(self, path: Path) -> None:
        """Read a CSV file. Raises ResultsError."""
        self._recorded = read_table(path)
        self.name = path.name
        self.tree = self._recorded.tree
        self.problem = Problem(self.tree, (objective("accuracy"), objective("latency_p90_ns")))
        measured = [values for values in map(self.lookup, self._recorded.rows) if values]
        self._axes = np.array([self._scaled_costs(values) for values in measured])
        self._low = self._axes.min(axis=0)
        self._range = np.where(np.ptp(self._axes, axis=0) > 0, np.ptp(self._axes, axis=0), 1.0)
        self._best = self._volume(self._axes)

    @property
    def images(self) -> int:
        """On how many images accuracies were counted, the largest number; 0 where the table has percentages only."""
        return max(self._recorded.images, default=0)

    def lookup(self, configuration: Configuration) -> dict[str, float]:
        """The recorded accuracy and latency; empty where the table has none."""
        row = self._recorded.find(configuration)
        if row is None or not is_complete(row):
            return {}
        return {"accuracy": float(row[ACCURACY]) / 100, "latency_p90_ns": float(row[P90])}

    @property
    def least_images(self) -> int:
        """On how many images accuracies were counted at least; 1 where the table has percentages only."""
        return min(self._recorded.images, default=1)

    def response(self, configuration: Configuration) -> Response:
        """What measuring ``configuration`` would have brought; a failure where the table has no figures.

        A percentage without counts stands as so many of a thousand million images, which keeps all of its digits.
        """
        row = self._recorded.find(configuration)
        if row is not None and not self._recorded.images:
            row = {**row, GOOD: round(float(row.get(ACCURACY, 0)) * _IMAGES / 100), TOTAL: _IMAGES}
        return response_of(self._recorded, row)

    def hypervolume(self, found: Sequence[Configuration]) -> float:
        """The share of the whole table's hypervolume that ``found`` has.

        Over the costs of accuracy and p90 on their metrics' scales, each from 0 to 1 over the table, reference point
        (1, 1). All of it where the whole table spans none.
        """
        axes = np.array([self._scaled_costs(values) for values in map(self.lookup, found) if values])
        if not self._best:
            return 1.0
        return self._volume(axes) / self._best if len(axes) else 0.0

    def front(self) -> set[Configuration]:
        """The configurations that are truly on the front."""
        known = [(configuration, self.lookup(configuration)) for configuration in self.tree.configurations()]
        complete = [(configuration, values) for configuration, values in known if values]
        kept = nondominated([[o.cost(values[o.name]) for o in self.problem.objectives] for _, values in complete])
        return {configuration for (configuration, _), keep in zip(complete, kept, strict=True) if keep}

    def _volume(self, axes: np.ndarray[Any, Any]) -> float:
        return hypervolume((axes - self._low) / self._range, (1.0, 1.0))

    def _scaled_costs(self, values: dict[str, float]) -> list[float]:
        return [o.cost(o.metric.scaled(values[o.name])) for o in self.problem.objectives]
