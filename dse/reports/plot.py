"""The front as a picture: what was measured in grey, the front as a staircase, memory as colour."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from dse.files import write_bytes
from dse.model.front import FrontPoint, Valued
from dse.model.metrics import Objective
from dse.study import Study

_SCALES = {"1": (100.0, "%"), "ns": (1e-6, "ms"), "B": (2**-20, "MiB")}
_FRONT, _OTHERS = "#1f6feb", "#b8c0cc"


def plot_front(study: Study, points: Sequence[FrontPoint], path: Path) -> None:
    """Draw the first objective over the second; a third gives the colour. Raises OSError."""
    y, x, *others = study.objectives
    figure = Figure(figsize=(8, 5), dpi=120, layout="constrained")
    axes = figure.subplots()
    measured = [m for m in study.measurements if x.name in m.values and y.name in m.values]
    axes.scatter(_column(measured, x), _column(measured, y), s=14, color=_OTHERS, label=f"measured ({len(measured)})")
    _staircase(axes, points, x, y)
    colour = others[0] if others else None
    drawn = axes.scatter(
        _column(points, x),
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
    if x.metric.unit == "ns":
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(
            FuncFormatter(lambda value, _: f"{value:g}" if str(value / 10 ** _decade(value))[0] in "25" else "")
        )
    axes.set_xlabel(_label(x))
    axes.set_ylabel(_label(y))
    axes.set_title(
        f"{study.name}: {len(points)} of {len(measured)} measured configurations are not dominated", fontsize=11
    )
    axes.grid(alpha=0.25, which="both")
    axes.legend(loc="best")
    image = io.BytesIO()
    figure.savefig(image, format="png")
    write_bytes(path, image.getvalue())


def _staircase(axes: Axes, points: Sequence[FrontPoint], x: Objective, y: Objective) -> None:
    """The border of what is dominated in the two drawn objectives alone."""
    worst_first = sorted(points, key=lambda m: m.values[x.name], reverse=x.direction == "maximize")
    sign = 1 if y.direction == "maximize" else -1
    border: list[FrontPoint] = []
    for point in worst_first:
        if not border or sign * point.values[y.name] > sign * border[-1].values[y.name]:
            border.append(point)
    if border:
        axes.step(_column(border, x), _column(border, y), where="post", color=_FRONT, linewidth=1.2, zorder=2)


def _column(measurements: Sequence[Valued], objective: Objective) -> list[float]:
    scale = _SCALES[objective.metric.unit][0]
    return [measurement.values[objective.name] * scale for measurement in measurements]


def _label(objective: Objective) -> str:
    better = "higher" if objective.direction == "maximize" else "lower"
    return f"{objective.metric.title} [{_SCALES[objective.metric.unit][1]}], {better} is better"


def _decade(value: float) -> int:
    return len(f"{value:e}".partition("e")[2]) and int(f"{value:e}".partition("e")[2])
