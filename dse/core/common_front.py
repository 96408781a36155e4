"""Several studies of the same objectives, one for each system: the front over all, and what is on every front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dse.core.analysis import Analysis
from dse.core.configuration import Configuration
from dse.core.indifference import covers, epsilon_front, scaled_costs, surest, tolerances
from dse.core.metrics import Objective
from dse.core.pareto import FrontPoint, nondominated


@dataclass(frozen=True)
class Placed:
    """A point of the front of a study, and whether it is on the front over all.

    Where it is not, ``beaten_by`` is the study that has a point there which covers it: is worse by no more than the
    indifference in any objective.
    """

    study: str
    point: FrontPoint
    beaten_by: str | None


@dataclass(frozen=True)
class OnEvery:
    """A configuration that is on every front, itself or by one that is the same there: its trial in each study."""

    configuration: Configuration
    trials: Mapping[str, int]


@dataclass(frozen=True)
class CommonFront:
    """The fronts of studies side by side: each point ``placed`` among all, and what is on ``every`` front.

    ``measured`` is how many configurations all of them have measured.
    """

    objectives: tuple[Objective, ...]
    indifference: Mapping[str, float]
    placed: tuple[Placed, ...]
    every: tuple[OnEvery, ...]
    measured: int

    @property
    def over_all(self) -> list[Placed]:
        """The front over all, in the order of the studies."""
        return [each for each in self.placed if each.beaten_by is None]


def common_front(analyses: Mapping[str, Analysis]) -> CommonFront:
    """The fronts of ``analyses``, by study. Raises ValueError where their objectives differ.

    What does not matter is the largest of what does not matter in one of them.
    """
    first = next(iter(analyses.values()))
    for name, analysis in analyses.items():
        if analysis.objectives != first.objectives:
            found = ", ".join(f"{o.direction} {o.name}" for o in analysis.objectives)
            expected = ", ".join(f"{o.direction} {o.name}" for o in first.objectives)
            raise ValueError(f"{name} has the objectives {found}, the others {expected}")
    objectives = first.objectives
    indifference = {
        o.name: max(analysis.indifference.get(o.name, 0.0) for analysis in analyses.values()) for o in objectives
    }
    points = [(name, point) for name, analysis in analyses.items() for point in analysis.front]
    measured = [{e.configuration for e in analysis.estimates} for analysis in analyses.values()]
    return CommonFront(
        objectives,
        indifference,
        tuple(_placed(points, objectives, tolerances(objectives, indifference))),
        tuple(_on_every(analyses)),
        len(set.intersection(*measured)),
    )


def _placed(
    points: Sequence[tuple[str, FrontPoint]], objectives: Sequence[Objective], within: Sequence[float]
) -> list[Placed]:
    costs = [scaled_costs(point.values, objectives) for _, point in points]
    able = [i for i, keep in enumerate(nondominated(costs)) if keep]
    kept = [each.index for each in epsilon_front(costs, able, within, lambda i: (i,), surest(objectives))]
    placed = []
    for i, (name, point) in enumerate(points):
        covering = [] if i in kept else [points[k][0] for k in kept if covers(costs[k], costs[i], within)]
        others = [other for other in covering if other != name]
        placed.append(Placed(name, point, next(iter([*others, *covering]), None)))
    return placed


def _on_every(analyses: Mapping[str, Analysis]) -> list[OnEvery]:
    fronts = [{**_shown(analysis), **analysis.represented} for analysis in analyses.values()]
    own = [{e.configuration: e.trial for e in analysis.estimates} for analysis in analyses.values()]
    return [
        OnEvery(c, {name: of[c] for name, of in zip(analyses, own, strict=True)})
        for c in fronts[0]
        if all(c in front for front in fronts)
    ]


def _shown(analysis: Analysis) -> dict[Configuration, int]:
    return {point.configuration: point.trial for point in analysis.front}
