"""The front as a picture: each configuration once, by its estimate; the front as a staircase, a third as colour."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from dse.core.analysis import Analysis
from dse.core.metrics import Objective, satisfies
from dse.core.pareto import Valued, staircase
from dse.files import write_bytes
from dse.reports.front import FrontReport

_MARGINS = {"left": 0.12, "right": 0.955, "bottom": 0.1, "top": 0.91}
"""Room for numbers of six digits. Matplotlib finds it by drawing all of it twice."""
FRONT, OTHERS = "#1f6feb", "#b8c0cc"
_FRONT, _BARS, _OTHERS, _EXCLUDED = FRONT, "#555555", OTHERS, "#d98c8c"


@dataclass(frozen=True)
class Dot:
    """What is drawn of one configuration: its figures, and their intervals of 95 % where they are told."""

    trial: int
    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Dots:
    """The configurations of a study beside its front, each in one of these: compared with it, or not and why."""

    represented: tuple[Dot, ...]
    """A point of the front stands for them."""
    dominated: tuple[Dot, ...]
    outside: tuple[Dot, ...]
    """They break a constraint."""
    excluded: tuple[Dot, ...]
    """None of their trials counts: by the first that ran."""


def dots(analysis: Analysis, wanted: Sequence[str]) -> Dots:
    """What is drawn beside the front, of the configurations that have all figures ``wanted``."""
    on_front = {point.configuration for point in analysis.front}
    represented: list[Dot] = []
    dominated: list[Dot] = []
    outside: list[Dot] = []
    for e in analysis.estimates:
        if e.configuration in on_front or not set(wanted) <= set(e.values):
            continue
        holds = satisfies(e.values, analysis.constraints)
        same = e.configuration in analysis.represented
        (represented if same else dominated if holds else outside).append(Dot(e.trial, e.values, analysis.intervals(e)))
    never = (k for k in analysis.known if not k.good)
    first = (next((m for m in k.trials if not m.failed), k.trials[0]) for k in never)
    excluded = [Dot(m.trial, m.values) for m in first if set(wanted) <= set(m.values)]
    return Dots(tuple(represented), tuple(dominated), tuple(outside), tuple(excluded))


def plot_front(report: FrontReport, path: Path) -> None:
    """Write `draw_front` as a picture. Raises OSError."""
    figure = Figure(figsize=(8, 5), dpi=120)
    axes = figure.subplots(gridspec_kw=_MARGINS)
    draw_front(figure, axes, report)
    axes.title.set_fontsize(11)
    image = io.BytesIO()
    figure.savefig(image, format="png", pil_kwargs={"compress_level": 4})  # the default is slower, and saves 3 %
    write_bytes(path, image.getvalue(), follow=False)


def draw_front(figure: Figure, axes: Axes, report: FrontReport, *, legend: bool = True) -> None:
    """Draw the first objective over the second; a third gives the colour.

    A single objective is drawn over the number of the trial.
    """
    y, *others = report.study.objectives
    x, colour = (*others, None, None)[:2]
    points = [Dot(point.trial, point.values, point.intervals) for point in report.points]
    beside = dots(report.analysis, [o.name for o in (y, x) if o])
    same: dict[str, Any] = {"s": 22, "facecolors": "none", "edgecolors": _FRONT, "linewidths": 0.8}
    plain: dict[str, Any] = {"s": 14, "color": _OTHERS}
    hollow: dict[str, Any] = {"s": 14, "facecolors": "none", "edgecolors": _OTHERS, "linewidths": 0.6}
    crossed: dict[str, Any] = {"s": 16, "marker": "x", "color": _EXCLUDED, "linewidths": 0.8}
    for drawn, word, style in (
        (beside.dominated, "dominated", plain),
        (beside.represented, "represented by one of the front", same),
        (beside.outside, "outside the constraints", hollow),
        (beside.excluded, "excluded, not compared", crossed),
    ):
        if drawn:
            axes.scatter(_across(drawn, x), _column(drawn, y), label=f"{word} ({len(drawn)})", **style)
    _bars(axes, beside.dominated, x, y, _OTHERS)
    _bars(axes, points, x, y, _BARS)
    if x:
        _staircase(axes, points, x, y)
    shown = axes.scatter(
        _across(points, x),
        _column(points, y),
        s=46,
        c=_column(points, colour) if colour else _FRONT,
        cmap="viridis_r" if colour else None,
        edgecolors="black",
        linewidths=0.6,
        zorder=3,
        label=f"front ({len(points)}), bars: 95 %" if any(p.intervals for p in points) else f"front ({len(points)})",
    )
    if colour and points:
        figure.colorbar(shown, ax=axes, label=label(colour), fraction=0.05, pad=0.02)
    if x and x.metric.scale == "ratio" and (points or beside.dominated or beside.outside or beside.excluded):
        axes.set_xscale("log")
        plain_numbers(axes.xaxis)
    axes.set_xlabel(label(x) if x else "trial")
    axes.set_ylabel(label(y))
    doubt = "\nnot certain: most runs did not get their processor" if report.analysis.exclusions.starved else ""
    axes.set_title(f"{report.title}{doubt}")
    axes.grid(alpha=0.25, which="both")
    if legend:
        axes.legend(loc="best")


def _bars(axes: Axes, drawn: Sequence[Dot], x: Objective | None, y: Objective, colour: str) -> None:
    """The intervals of 95 % of what is drawn, where they are wider than nothing."""
    for objective, across in ((y, False), (x, True)):
        wide = [d for d in drawn if objective and len(set(d.intervals.get(objective.name, ()))) == 2]
        if not objective or not wide:
            continue
        shown = objective.metric.units.for_people
        ends = [d.intervals[objective.name] for d in wide]
        off = [
            [shown(d.values[objective.name] - low) for d, (low, _) in zip(wide, ends, strict=True)],
            [shown(high - d.values[objective.name]) for d, (_, high) in zip(wide, ends, strict=True)],
        ]
        given: dict[str, Any] = {"xerr" if across else "yerr": off}
        axes.errorbar(_across(wide, x), _column(wide, y), fmt="none", ecolor=colour, elinewidth=0.6, zorder=1, **given)


def _staircase(axes: Axes, points: Sequence[Dot], x: Objective, y: Objective) -> None:
    """The border of what is dominated in the two drawn objectives alone."""
    drawn = list(zip(_column(points, x), _column(points, y), strict=True))
    border = staircase(drawn, (x, y))
    if border:
        axes.step(*zip(*border, strict=True), where="post", color=_FRONT, linewidth=1.2, zorder=2)


def _across(drawn: Sequence[Dot], x: Objective | None) -> list[float]:
    return _column(drawn, x) if x else [dot.trial for dot in drawn]


def _column(drawn: Sequence[Valued], objective: Objective) -> list[float]:
    return [objective.metric.units.for_people(dot.values[objective.name]) for dot in drawn]


def label(objective: Objective) -> str:
    """An axis's: ``p90 latency [ms], lower is better``."""
    better = "higher" if objective.direction == "maximize" else "lower"
    unit = f" [{shown}]" if (shown := objective.metric.units.shown) else ""
    return f"{objective.metric.title}{unit}, {better} is better"


def plain_numbers(axis: Axis, *, between: bool = True) -> None:
    """A logarithmic axis with numbers as people write them, at 1 and, unless there is no room ``between``, 2 and 5."""
    axis.set_tick_params(which="minor", pad=5)  # as far off as those of longer ticks
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:g}" if between and _is_2_or_5(value) else ""))


def _is_2_or_5(value: float) -> bool:
    """Whether a tick on a logarithmic axis is 2 or 5 times a power of ten."""
    return f"{value:.0e}"[0] in "25"
