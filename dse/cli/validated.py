"""What official runs found beside what exploration had found, as the last lines of `dse validate` and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from dse.core.indifference import default_indifference
from dse.core.metrics import METRICS, objective, values_of
from dse.errors import DseError
from dse.reports.official import official_document
from dse.study import Study
from dse.submission.official_figures import HEADLINES, OfficialFigures, figures_of
from dse.submission.point import ValidatedPoint
from dse.submission.validate import Outcome, Plan

SCHEMA = 1
_SHOWN = ("accuracy", "latency_p90_ns", "model_memory_bytes", "peak_memory_bytes")
_P90 = "latency_p90_ns"
_ESTIMATES = {_P90: "latency_early_stopping_p90_ns", "latency_p99_ns": "latency_early_stopping_p99_ns"}
_TITLES = {_P90: "p90", "latency_p99_ns": "p99"}


def explored_values(study: Study) -> dict[int, Mapping[str, float]]:
    """What `dse front` shows of each trial on the front, by metric."""
    return {point.trial: {**values_of(point.response), **point.values} for point in study.analysis.front}


def p90_indifference(study: Study) -> float:
    """By what share two p90 may differ without meaning anything (0.03: 3 %); the default in a study that has none."""
    return _indifference(study, _P90)


def _indifference(study: Study, name: str) -> float:
    own = {**default_indifference([objective(name)]), **study.analysis.indifference}
    return own[name]


def comparison(outcomes: Sequence[Outcome], explored: Mapping[int, Mapping[str, float]]) -> RenderableType:
    """A row per validated point: official and explored figures, and how many times the p90 is the explored one."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    official = [outcome.point.performance.response for outcome in outcomes if outcome.point]
    own = all(response.model_memory_bytes is not None for response in official)  # older runs have no other
    memory = METRICS.get("model_memory_bytes" if own else "peak_memory_bytes")
    headlines = dict.fromkeys(HEADLINES[outcome.point.scenario] for outcome in outcomes if outcome.point)
    title = " or ".join(_TITLES.get(name, METRICS.get(name).title) for name in headlines) or "p90"
    estimates = " or ".join(METRICS.get(_ESTIMATES[name]).title for name in headlines if name in _ESTIMATES)
    figures = ("accuracy", "explored", title, "explored", "ratio", estimates or "estimate", memory.title, "explored")
    for name in ("trial", *figures):
        table.add_column(name, justify="right", no_wrap=True)
    for outcome in outcomes:
        if outcome.point is None:
            continue
        found, before = figures_of(outcome.point), _before(outcome.point, explored)
        estimate = found.values.get(_ESTIMATES.get(found.headline, ""))
        explored_one = before.get(found.headline)
        table.add_row(
            str(outcome.trial),
            *_pair("accuracy", found.accuracy, before),
            *_pair(found.headline, found.values[found.headline], before),
            "-" if explored_one is None else f"{found.ratio(explored_one):.2f}",
            METRICS.get(_P90).show(estimate)
            if estimate
            else "too few queries"
            if found.headline in _ESTIMATES
            else "-",
            *_pair(memory.name, found.values.get(memory.name), before),
        )
    return table


def remarks(outcomes: Sequence[Outcome], explored: Mapping[int, Mapping[str, float]], study: Study) -> list[str]:
    """A sentence for each point whose result differs from the explored one by more than the study's indifference."""
    said = []
    for outcome in outcomes:
        if outcome.point is None:
            continue
        found = figures_of(outcome.point)
        before, indifference = (
            _before(outcome.point, explored).get(found.headline),
            _indifference(study, found.headline),
        )
        if before is not None and found.differs(before, indifference):
            title = _TITLES.get(found.headline, METRICS.get(found.headline).title)
            said.append(
                f"trial {outcome.trial}: the official {title} is {found.ratio(before):.2f} times the explored one, "
                f"which is more than the indifference of {100 * indifference:.3g} %. Take the official one; other "
                "load, heat or a larger buffer make such a difference"
            )
    return said


def validation_document(
    study: Study,
    todo: Plan,
    outcomes: Sequence[Outcome],
    front: Sequence[ValidatedPoint],
    problems: Sequence[DseError],
) -> dict[str, Any]:
    """What `dse validate --json` prints; figures of ``explored`` and ``official`` are in the metrics' units."""
    explored, indifference = explored_values(study), p90_indifference(study)
    by_trial = {outcome.trial: outcome for outcome in outcomes}
    return {
        "schema": SCHEMA,
        "study": study.name,
        "round": todo.round.name,
        "rehearsal": todo.duration_ms is not None,
        "seconds": round(todo.seconds, 1),
        "p90_indifference": indifference,
        "points": [
            {
                "trial": step.candidate.trial,
                "name": step.candidate.name,
                **_outcome_document(
                    by_trial.get(step.candidate.trial), explored.get(step.candidate.trial, {}), front, indifference
                ),
            }
            for step in todo.steps
        ],
        "left_out": [str(problem) for problem in problems],
    }


def _outcome_document(
    outcome: Outcome | None, before: Mapping[str, float], front: Sequence[ValidatedPoint], indifference: float
) -> dict[str, Any]:
    explored = {name: before.get(name) for name in _SHOWN}
    if outcome is None:
        return {"status": "planned", "explored": explored}
    if outcome.point is None:
        return {"status": "not validated", "reason": outcome.reason, "explored": explored}
    found: OfficialFigures = figures_of(outcome.point)
    p90 = before.get(_P90) if found.headline == _P90 else None
    return {
        "status": "validated" if outcome.point in front else "dominated",
        **({"device": outcome.point.device, "system": outcome.point.system} if outcome.point.device else {}),
        "explored": explored,
        "official": official_document(found, before),
        "p90_ratio": None if p90 is None else found.ratio(p90),
        "p90_differs": None if p90 is None else found.differs(p90, indifference),
    }


def _before(point: ValidatedPoint, explored: Mapping[int, Mapping[str, float]]) -> Mapping[str, float]:
    """What exploration says of a point now, or said when it was validated, where its trial is not on the front."""
    return explored.get(point.trial, point.explored)


def _pair(name: str, official: float | None, before: Mapping[str, float]) -> tuple[str, str]:
    show = METRICS.get(name).show
    explored = before.get(name)
    return "-" if official is None else show(official), "-" if explored is None else show(explored)
