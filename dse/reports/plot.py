"""The front as a picture: what was measured in grey, the front as a staircase, memory as colour."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from dse.files import write_bytes
from dse.model.front import FrontPoint, Valued, staircase
from dse.model.judgement import judge
from dse.model.measurement import Measurement
from dse.model.metrics import Objective
from dse.study import Study

_SCALES = {"1": (100.0, "%"), "ns": (1e-6, "ms"), "B": (2**-20, "MiB")}
_FRONT, _OTHERS = "#1f6feb", "#b8c0cc"


def plot_front(study: Study, points: Sequence[FrontPoint], title: str, path: Path) -> None:
    """Draw the first objective over the second; a third gives the colour. Raises OSError.

    A single objective is drawn over the number of the trial.
    """
    y, *others = study.objectives
    x, colour = (*others, None, None)[:2]
    figure = Figure(figsize=(8, 5), dpi=120, layout="constrained")
    axes = figure.subplots()
    measured = [m for m in study.measurements if all(o.name in m.values for o in (y, *others[:1]))]
    reasons = judge(study.measurements).reasons
    counting = [m for m in measured if m.trial not in reasons]
    axes.scatter(_across(counting, x), _column(counting, y), s=14, color=_OTHERS, label=f"trials ({len(counting)})")
    if left_out := [m for m in measured if m.trial in reasons]:
        axes.scatter(
            _across(left_out, x),
            _column(left_out, y),
            s=14,
            facecolors="none",
            edgecolors=_OTHERS,
            linewidths=0.6,
            label=f"left out ({len(left_out)})",
        )
    if x:
        _staircase(axes, points, x, y)
    drawn = axes.scatter(
        _across(points, x),
        _column(points, y),
        s=46,
        c=_column(points, colour) if colour else _FRONT,
        cmap="viridis_r" if colour else None,
        edgecolors="black",
        linewidths=0.6,
        zorder=3,
        label=f"front ({len(points)})",
    )
    if colour and points:
        figure.colorbar(drawn, ax=axes, label=_label(colour))
    if x and x.metric.unit == "ns" and measured:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:g}" if _is_2_or_5(value) else ""))
    axes.set_xlabel(_label(x) if x else "trial")
    axes.set_ylabel(_label(y))
    axes.set_title(title, fontsize=11)
    axes.grid(alpha=0.25, which="both")
    axes.legend(loc="best")
    image = io.BytesIO()
    figure.savefig(image, format="png")
    write_bytes(path, image.getvalue(), follow=False)


def _staircase(axes: Axes, points: Sequence[FrontPoint], x: Objective, y: Objective) -> None:
    """The border of what is dominated in the two drawn objectives alone."""
    drawn = list(zip(_column(points, x), _column(points, y), strict=True))
    border = staircase(drawn, maximize=(x.direction == "maximize", y.direction == "maximize"))
    if border:
        axes.step(*zip(*border, strict=True), where="post", color=_FRONT, linewidth=1.2, zorder=2)


def _across(points: Sequence[FrontPoint] | Sequence[Measurement], x: Objective | None) -> list[float]:
    return _column(points, x) if x else [point.trial for point in points]


def _column(measurements: Sequence[Valued], objective: Objective) -> list[float]:
    scale = _SCALES[objective.metric.unit][0]
    return [measurement.values[objective.name] * scale for measurement in measurements]


def _label(objective: Objective) -> str:
    better = "higher" if objective.direction == "maximize" else "lower"
    return f"{objective.metric.title} [{_SCALES[objective.metric.unit][1]}], {better} is better"


def _is_2_or_5(value: float) -> bool:
    """Whether a tick on a logarithmic axis is 2 or 5 times a power of ten."""
    return f"{value:.0e}"[0] in "25"
