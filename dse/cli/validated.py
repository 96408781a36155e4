"""What official runs found beside what exploration had found, as the last lines of `dse validate` and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from dse.core.metrics import METRICS, values_of
from dse.errors import DseError
from dse.reports.official import official_document
from dse.study import Study
from dse.submission.official_figures import OfficialFigures, figures_of
from dse.submission.point import ValidatedPoint
from dse.submission.validate import Outcome, Plan

SCHEMA = 1
_SHOWN = ("accuracy", "latency_p90_ns", "model_memory_bytes", "peak_memory_bytes")


def explored_values(study: Study) -> dict[int, Mapping[str, float]]:
    """What `dse front` shows of each trial on the front, by metric."""
    return {point.trial: {**values_of(point.response), **point.values} for point in study.analysis.front}


def comparison(outcomes: Sequence[Outcome], explored: Mapping[int, Mapping[str, float]]) -> RenderableType:
    """A row per validated point: official and explored figures, and how many times the p90 is the explored one."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    official = [outcome.point.performance.response for outcome in outcomes if outcome.point]
    own = all(response.model_memory_bytes is not None for response in official)  # older runs have no other
    memory = METRICS.get("model_memory_bytes" if own else "peak_memory_bytes")
    figures = ("accuracy", "explored", "p90", "explored", "ratio", "early-stopping p90", memory.title, "explored")
    for name in ("trial", *figures):
        table.add_column(name, justify="right", no_wrap=True)
    for outcome in outcomes:
        if outcome.point is None:
            continue
        found, before = figures_of(outcome.point), explored.get(outcome.trial, {})
        estimate = found.early_stopping_p90_ns
        p90 = before.get("latency_p90_ns")
        table.add_row(
            str(outcome.trial),
            *_pair("accuracy", found.accuracy, before),
            *_pair("latency_p90_ns", found.latency_p90_ns, before),
            "-" if p90 is None else f"{found.p90_ratio(p90):.2f}",
            "too few queries" if estimate is None else METRICS.get("latency_p90_ns").show(estimate),
            *_pair(memory.name, found.values.get(memory.name), before),
        )
    return table


def remarks(outcomes: Sequence[Outcome], explored: Mapping[int, Mapping[str, float]]) -> list[str]:
    """A sentence for each point whose p90 is more than about 5 % off the explored one."""
    said = []
    for outcome in outcomes:
        p90 = explored.get(outcome.trial, {}).get("latency_p90_ns")
        if outcome.point is None or p90 is None:
            continue
        found = figures_of(outcome.point)
        if found.is_noteworthy(p90):
            said.append(
                f"trial {outcome.trial}: the official p90 is {found.p90_ratio(p90):.2f} times the explored one. "
                "Take the official one; other load, heat or a larger buffer make such a difference"
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
    explored = explored_values(study)
    by_trial = {outcome.trial: outcome for outcome in outcomes}
    return {
        "schema": SCHEMA,
        "study": study.name,
        "round": todo.round.name,
        "rehearsal": todo.duration_ms is not None,
        "seconds": round(todo.seconds, 1),
        "points": [
            {
                "trial": step.candidate.trial,
                "name": step.candidate.name,
                **_outcome_document(by_trial.get(step.candidate.trial), explored.get(step.candidate.trial, {}), front),
            }
            for step in todo.steps
        ],
        "left_out": [str(problem) for problem in problems],
    }


def _outcome_document(
    outcome: Outcome | None, before: Mapping[str, float], front: Sequence[ValidatedPoint]
) -> dict[str, Any]:
    explored = {name: before.get(name) for name in _SHOWN}
    if outcome is None:
        return {"status": "planned", "explored": explored}
    if outcome.point is None:
        return {"status": "not validated", "reason": outcome.reason, "explored": explored}
    found: OfficialFigures = figures_of(outcome.point)
    p90 = before.get("latency_p90_ns")
    return {
        "status": "validated" if outcome.point in front else "dominated",
        "explored": explored,
        "official": official_document(found, before),
        "p90_ratio": None if p90 is None else found.p90_ratio(p90),
    }


def _pair(name: str, official: float | None, before: Mapping[str, float]) -> tuple[str, str]:
    show = METRICS.get(name).show
    explored = before.get(name)
    return "-" if official is None else show(official), "-" if explored is None else show(explored)
