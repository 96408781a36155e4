"""What every metric must do. Subclass `MetricTests`, and pytest collects it:

from dse.testing.metrics import MetricTests

class TestEnergy(MetricTests):
    metric = energy
    response = Response(metrics={"energy": MetricValue(0.3, "J")})
"""

from __future__ import annotations

import math
from itertools import pairwise

from dse_harness.protocol import Failure, Response

from dse.core.metrics import METRICS, Constraint, Metric, Objective, parse_constraint

_VALUES = (0.0, 1e-6, 0.25, 0.5, 1.0)


class MetricTests:
    """Of ``metric``, whose value is in ``response``."""

    metric: Metric
    response: Response

    def test_it_is_registered_under_its_name(self) -> None:
        """An entry point of the group ``dse.metrics`` has the metric's name."""
        assert self.metric.name.isidentifier()
        assert METRICS.get(self.metric.name) == self.metric

    def test_it_says_what_it_is(self) -> None:
        """Tables, pictures and sentences need all of these."""
        assert self.metric.title
        assert self.metric.direction in ("maximize", "minimize")
        assert self.metric.scale in ("ratio", "absolute")
        assert self.metric.noise is None or 0 < self.metric.noise < math.inf

    def test_it_is_read_from_a_response(self) -> None:
        """A finite number."""
        value = self.metric.read(self.response)
        assert value is not None
        assert math.isfinite(value)
        assert value == self.metric.read(self.response)

    def test_a_response_without_it_has_none(self) -> None:
        """A failed trial, and a run that did not measure it, raise nothing."""
        assert self.metric.read(Response()) is None
        assert self.metric.read(Response(failure=Failure("timeout", "late"))) is None

    def test_its_values_are_shown_with_their_unit(self) -> None:
        """In one line, and a difference too."""
        value = self.metric.read(self.response) or 0.0
        for shown in (self.metric.show(value), self.metric.units.show_difference(value)):
            assert any(character.isdigit() for character in shown)
            assert "\n" not in shown
        assert self.metric.show(value).endswith(self.metric.units.shown)

    def test_its_scale_keeps_the_order(self) -> None:
        """More is more on the axis on which values are compared, and nothing is infinite there."""
        scaled = [self.metric.scaled(value * self._largest) for value in _VALUES]
        assert all(map(math.isfinite, scaled))
        assert all(a <= b for a, b in pairwise(scaled))
        assert scaled[2] < scaled[3] < scaled[4]

    def test_a_better_value_costs_less(self) -> None:
        """In the metric's direction."""
        objective = Objective(self.metric, self.metric.direction)
        small, large = 0.25 * self._largest, 0.5 * self._largest
        better, worse = (large, small) if self.metric.direction == "maximize" else (small, large)
        assert objective.cost(better) < objective.cost(worse)
        assert objective.margin(better, worse) > 0 > objective.margin(worse, better)

    def test_a_constraint_on_it_is_read_and_written(self) -> None:
        """In its own unit, and with each suffix."""
        constraint = Constraint(self.metric, "<=", 0.5 * self._largest)
        assert parse_constraint(str(constraint)) == constraint
        for suffix, worth in self.metric.units.suffixes.items():
            assert math.isclose(parse_constraint(f"{self.metric.name} >= 1 {suffix}").bound, worth)

    @property
    def _largest(self) -> float:
        return min(self.metric.units.most, 1e9)
