"""Figures of a study for papers: vector or raster, of a width in inches, with letters of eight points."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dse.core.configuration import Value, text
from dse.core.estimate import Estimate
from dse.core.metrics import Objective
from dse.core.pareto import FrontPoint
from dse.errors import NothingMeasuredError, UsageError
from dse.files import write_bytes
from dse.reports.front import front_report
from dse.reports.page.growth import growth
from dse.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".pdf", ".svg", ".png")
WIDTH_INCHES = 6.0
_LETTERS_POINTS = 8
_STYLE: dict[Any, Any] = {
    "font.size": _LETTERS_POINTS,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "legend.fontsize": 7,
    "pdf.fonttype": 42,  # letters stay letters, which journals ask for
    "svg.fonttype": "none",
    "svg.hashsalt": "dse",
}
_NO_DATE = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}, ".png": {}}
_PERCENTILES = ("min", "p50", "p90", "p95", "p99", "p999", "max")
_NARROW_INCHES = 5.0
"""Below it, as in a column of two, labels are shorter."""
_LETTERS_AN_INCH = 15
_LEVEL_INCHES = 0.2
"""Of height for each level in the figure of parameters."""
_MOST_ROWS = 30
"""Of a front in the figure of latencies."""


def plot(study: Study, kind: str = "front", width: float = WIDTH_INCHES) -> Figure:
    """A figure of ``study``, ``width`` inches wide: a matplotlib Figure that no window shows.

    ``front`` is the first objective over the second, with 95 % intervals; ``history`` how the front grew with the time
    of the device; ``latency`` the percentiles of LoadGen's latencies for each row of the front; ``parameters`` every
    objective by the levels of each parameter, with lines between configurations that differ in nothing else.

    Raises UsageError for another kind, NothingMeasuredError where there is nothing to draw.

    >>> import dse
    >>> figure = dse.plot(dse.open_study("studies/example"), "history")
    >>> figure.savefig("history.pdf")
    """
    if kind not in KINDS:
        raise UsageError(f"found {kind!r}, allowed: {', '.join(KINDS)}")
    if not 1 <= width <= 100:
        raise UsageError(f"found {width:g}, allowed: 1 to 100 inches", argument="width")
    if not study.analysis.estimates:
        raise NothingMeasuredError("no configuration was measured", path=study.folder)
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_STYLE):
        figure = Figure(figsize=(width, 0.8 + 0.54 * width), layout="constrained")
        KINDS[kind](figure, study)
    return figure


def write_plot(figure: Figure, path: Path) -> None:
    """Write what `plot` made; the same study makes the same bytes. Raises UsageError for another format, OSError."""
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise UsageError(f"found {path.name!r}, allowed: a name that ends with {', '.join(FORMATS)}", argument="out")
    from matplotlib import rc_context

    image = io.BytesIO()
    with rc_context(_STYLE):
        figure.savefig(image, format=suffix[1:], dpi=300, metadata=_NO_DATE[suffix])
    write_bytes(path, image.getvalue(), follow=False)


def _front(figure: Figure, study: Study) -> None:
    from dse.reports.plot import draw_front

    axes = figure.subplots()
    draw_front(figure, axes, front_report(study), legend=False)
    _legend_below(figure, axes)
    if _is_narrow(figure):
        for each in figure.axes:  # the colour bar has its own
            each.set_xlabel(_short(each.get_xlabel()))
            each.set_ylabel(_short(each.get_ylabel()))
        axes.set_title(_wrapped(figure, axes.get_title()))


def _history(figure: Figure, study: Study) -> None:
    from dse.reports.plot import FRONT

    found, axes = growth(study), figure.subplots()
    if not found["share"]:
        raise NothingMeasuredError("nothing is on the front", path=study.folder)
    axes.step([0.0, *found["device_s"]], [0.0, *(100 * share for share in found["share"])], where="post", color=FRONT)
    axes.set_xlabel("time of the device [s]")
    axes.set_ylabel("hypervolume [% of the front's]")
    axes.set_xlim(left=0)
    axes.set_ylim(0, 103)
    points = study.analysis.front
    ends = accumulate(m.response.timing_s.get("total", 0.0) for m in study.measurements)
    ended = {m.trial: end for m, end in zip(study.measurements, ends, strict=True)}
    first = [ended[min(p.trials)] for p in points]
    axes.plot(first, [0] * len(first), "|", color="black", markersize=9, label="a row of the front, first measured")
    axes.set_title(_titled(figure, study, f"how {len(points)} rows of the front were found"))
    axes.grid(alpha=0.25)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.03))


def _latency(figure: Figure, study: Study) -> None:
    from dse.reports.plot import FRONT, plain_numbers

    timed = [point for point in study.analysis.front if point.response.performance is not None][:_MOST_ROWS]
    if not timed:
        raise NothingMeasuredError("no row of the front has LoadGen's percentiles", path=study.folder)
    axes = figure.subplots()
    rows = range(len(timed))
    ms = [{name: _percentile_ms(point, name) for name in _PERCENTILES} for point in timed]
    thin: dict[str, Any] = {"color": "#8899aa", "linewidth": 1}
    thick: dict[str, Any] = {"color": FRONT, "linewidth": 5, "alpha": 0.5}
    axes.hlines(rows, [row["min"] for row in ms], [row["max"] for row in ms], label="shortest to longest", **thin)
    axes.hlines(rows, [row["p50"] for row in ms], [row["p90"] for row in ms], label="p50 to p90", **thick)
    for name, mark in (("p50", "o"), ("p90", "D"), ("p99", "|"), ("p999", "x")):
        shown = "p99.9" if name == "p999" else name
        axes.plot([row[name] for row in ms], rows, mark, color="black", markersize=4, label=shown)
    axes.set_xscale("log")
    plain_numbers(axes.xaxis)
    axes.set_yticks(rows, [f"{point.trial}" for point in timed])
    axes.invert_yaxis()
    axes.set_xlabel("latency [ms] of the queries of one run")
    axes.set_ylabel("trial")
    left_out = len(study.analysis.front) - len(timed)
    axes.set_title(_titled(figure, study, "latencies of the front" + (f"; {left_out} more rows" if left_out else "")))
    axes.grid(alpha=0.25, axis="x", which="both")
    _legend_below(figure, axes)


def _percentile_ms(point: FrontPoint, name: str) -> float:
    found = point.response.performance
    return float(getattr(found, f"latency_{name}_ns")) / 1e6


def _parameters(figure: Figure, study: Study) -> None:
    from dse.reports.plot import plain_numbers

    names = _varied(study)
    if not names:
        raise NothingMeasuredError("all that was measured has the same level of every parameter", path=study.folder)
    objectives = study.objectives
    rows = [1 + len(_levels(study, name)) for name in names]
    figure.set_size_inches(figure.get_figwidth(), 0.8 + _LEVEL_INCHES * sum(rows))
    layout = {"height_ratios": rows}
    grid = figure.subplots(len(names), len(objectives), squeeze=False, sharex="col", gridspec_kw=layout)
    for row, name in enumerate(names):
        for column, objective in enumerate(objectives):
            axes = grid[row][column]
            _strip(axes, study, name, objective)
            if objective.metric.scale == "ratio":
                axes.set_xscale("log")
                plain_numbers(axes.xaxis, between=not _is_narrow(figure))
            if column:
                axes.set_yticklabels([])
            else:
                axes.set_ylabel(name)
            if row == len(names) - 1:
                unit = f" [{objective.metric.units.shown}]" if objective.metric.units.shown else ""
                axes.set_xlabel(f"{objective.metric.title}{unit}".replace(" ", "\n" if _is_narrow(figure) else " "))
    words = "lines join configurations that differ in this parameter alone"
    figure.suptitle(_titled(figure, study, words), fontsize=_LETTERS_POINTS)
    figure.align_ylabels(grid[:, 0])


def _varied(study: Study) -> list[str]:
    """The parameters with two levels or more among what was measured."""
    estimates = study.analysis.estimates
    names = dict.fromkeys(name for e in estimates for name in e.configuration)
    return [name for name in names if len({e.configuration[name] for e in estimates if name in e.configuration}) > 1]


def _strip(axes: Axes, study: Study, name: str, objective: Objective) -> None:
    from dse.reports.plot import FRONT, OTHERS

    analysis = study.analysis
    known = [e for e in analysis.estimates if name in e.configuration and objective.name in e.values]
    levels = _levels(study, name)
    height = {level: place for place, level in enumerate(levels)}
    shown = objective.metric.units.for_people

    def places(some: Sequence[Estimate]) -> tuple[list[float], list[int]]:
        return [shown(e.values[objective.name]) for e in some], [height[e.configuration[name]] for e in some]

    for pair in _pairs(known, name, height):
        axes.plot(*places(pair), color=OTHERS, linewidth=0.5, zorder=1)
    on_front = {point.configuration for point in analysis.front}
    axes.plot(*places(known), "o", color=OTHERS, markersize=2.5, zorder=2)
    axes.plot(*places([e for e in known if e.configuration in on_front]), "o", color=FRONT, markersize=3.5, zorder=3)
    axes.set_yticks(range(len(levels)), [text(level) for level in levels])
    axes.set_ylim(-0.5, len(levels) - 0.5)
    axes.grid(alpha=0.25, axis="x")


def _levels(study: Study, name: str) -> list[Value]:
    """Those that were measured: numbers by size, words in the order of the space."""
    measured = {e.configuration[name] for e in study.analysis.estimates if name in e.configuration}
    levels = [level for level in study.levels.get(name, []) if level in measured]
    return levels if any(isinstance(level, str) for level in levels) else sorted(levels)


def _pairs(known: Sequence[Estimate], name: str, height: dict[Value, int]) -> Iterator[tuple[Estimate, Estimate]]:
    """Configurations that differ in ``name`` alone, of neighbouring levels among those that are there."""
    groups: dict[frozenset[tuple[str, Value]], list[Estimate]] = {}
    for e in known:
        groups.setdefault(frozenset((k, v) for k, v in e.configuration.items() if k != name), []).append(e)
    for group in groups.values():
        ordered = sorted(group, key=lambda e: height[e.configuration[name]])
        yield from pairwise(ordered)


def _legend_below(figure: Figure, axes: Axes) -> None:
    """Where it covers nothing."""
    columns = 2 if _is_narrow(figure) else 3
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=columns, frameon=False)


def _titled(figure: Figure, study: Study, words: str) -> str:
    recorded = f", recorded in {Path(study.recorded_in).name}, not measured here" if study.recorded_in else ""
    return _wrapped(figure, f"{study.name}: {words}{recorded}")


def _wrapped(figure: Figure, title: str) -> str:
    return textwrap.fill(title, max(20, int(_LETTERS_AN_INCH * figure.get_figwidth())))


def _is_narrow(figure: Figure) -> bool:
    return bool(figure.get_figwidth() < _NARROW_INCHES)


def _short(label: str) -> str:
    """An axis's label with an arrow in place of words."""
    return label.replace(", lower is better", " \u2193").replace(", higher is better", " \u2191")


KINDS: dict[str, Callable[[Any, Study], None]] = {
    "front": _front,
    "history": _history,
    "latency": _latency,
    "parameters": _parameters,
}
"""What can be drawn."""
