"""Published fronts, and a study's own over them, as one picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dse.core.metrics import Exact
from dse.core.pareto import staircase
from dse.files import write_bytes
from dse.results.data_set import KEY, show_images
from dse.results.front import GroupFront, Point
from dse.results.objectives import Objective, shown_unit
from dse.results.own import OwnFront

_NAMED_GROUPS = 9
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f3c8d", "#8c564b", "#4d4d4d")
_REST_COLOR = "#bbbbbb"
_MARKERS = {"edge": "o", "datacenter": "s"}
_NO_DATE = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
_PERCENTAGES = frozenset({"top1", "mAP", "AUC", "GAUC", "1-WER", "F1", "exact_match", "mean_accuracy", "accuracy"})
_OTHER_MARKER = "D"
"""Of systems that are both, or that nobody knows to be either."""


def plot_fronts(groups: Sequence[GroupFront], path: Path, *, grouping: str, own: OwnFront | None = None) -> None:
    """Write a picture (format by the file's suffix): one line per group's front, dominated results as faint dots.

    Edge systems are circles, datacenter systems squares, a study's own points stars.

    The first objective is the vertical axis, the second the horizontal one, logarithmic where all values are positive;
    further objectives are not shown. The groups with most results get a colour of their own, the rest are grey.
    """
    groups = sorted((group for group in groups if group.points), key=lambda group: -group.submitted)
    keys = dict.fromkeys(key for group in groups for key in group.group)
    varying = [key for key in keys if len({group.group.get(key) for group in groups}) > 1]
    figure = Figure(figsize=(11, 6), layout="constrained")
    axes = figure.subplots()
    for number, group in reversed(list(enumerate(groups))):
        named = number < _NAMED_GROUPS
        _draw_group(axes, group, _COLORS[number] if named else _REST_COLOR, _label(group, varying) if named else None)
    objectives = groups[0].objectives if groups else ()
    if own is not None and own.points and objectives:
        values = [point.values for point in own.points]
        _draw_front(axes, values, objectives, "black", None)
        label = f"{own.title} ({len(values)})"
        axes.plot(*_coordinates(values, objectives), "*", color="black", markersize=11, zorder=5, label=label)
    metrics = {str(point.row["accuracy_metric"]) for group in groups for point in (*group.points, *group.dominated)}
    _dress(axes, objectives, grouping, len(groups), metrics)
    _legend(axes, {_category(point) for group in groups for point in group.points})
    image, kind = io.BytesIO(), path.suffix.removeprefix(".")
    with rc_context({"svg.hashsalt": "dse"}):  # the same data are the same bytes
        figure.savefig(image, format=kind, dpi=130, metadata=_NO_DATE.get(kind))
    write_bytes(path, image.getvalue())


def _draw_group(axes: Axes, group: GroupFront, color: str, label: str | None) -> None:
    dominated = _coordinates([point.values for point in group.dominated], group.objectives)
    axes.plot(*dominated, ".", color=color, alpha=0.25, markersize=5, zorder=1)
    _draw_front(axes, [point.values for point in group.points], group.objectives, color, label)
    for category in sorted({_category(point) for point in group.points}):
        points = [point.values for point in group.points if _category(point) == category]
        marker = _MARKERS.get(category, _OTHER_MARKER)
        axes.plot(*_coordinates(points, group.objectives), marker, color=color, markersize=4.5, zorder=3)


def _draw_front(
    axes: Axes, values: Sequence[Sequence[Exact]], objectives: Sequence[Objective], color: str, label: str | None
) -> None:
    """The line along a front of two objectives; of more or fewer, only its place in the legend.

    A study's points may be more than its corners: a third objective keeps the others on its front.
    """
    points = list(zip(*_coordinates(values, objectives), strict=True)) if len(objectives) == 2 else []
    vertical, horizontal = objectives[0], objectives[min(1, len(objectives) - 1)]
    border = staircase(points, (horizontal, vertical))
    xs, ys = [x for x, _ in border], [y for _, y in border]
    axes.plot(xs, ys, "-", color=color, drawstyle="steps-post", linewidth=1.3, zorder=3, label=label)


def _category(point: Point) -> str:
    return str(point.row["category"])


def _legend(axes: Axes, categories: set[str]) -> None:
    """Beside the picture, where it hides no point: the groups and, where there are several, the classes of systems."""
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        return
    shown = {name: marker for name, marker in _MARKERS.items() if name in categories}
    if categories - shown.keys():
        shown["both or unknown"] = _OTHER_MARKER
    classes = [
        Line2D([], [], marker=marker, linestyle="", color="#4d4d4d", markersize=5, label=f"{name} systems")
        for name, marker in (shown.items() if len(shown) > 1 else ())
    ]
    # Drawn last lies on top: the largest group, which comes first here.
    entries = [
        *zip(handles[::-1], labels[::-1], strict=True),
        *((handle, str(handle.get_label())) for handle in classes),
    ]
    figure = axes.get_figure(root=True)
    if figure is not None:
        figure.legend(
            *zip(*entries, strict=True),
            loc="outside right upper",
            fontsize=8,
            title="front of submitted",
            title_fontsize=8,
        )


def _coordinates(values: Sequence[Sequence[Exact]], objectives: Sequence[Objective]) -> tuple[list[float], list[float]]:
    horizontal = min(1, len(objectives) - 1)
    return (
        [_scaled(point[horizontal], objectives[horizontal]) for point in values],
        [_scaled(point[0], objectives[0]) for point in values],
    )


def _scaled(value: Exact, objective: Objective) -> float:
    return objective.metric.units.for_people(float(value))


def _label(group: GroupFront, varying: Sequence[str]) -> str:
    words = " ".join(_word(group, key) for key in varying)
    return f"{words or 'all'}: {len(group.points)} of {group.submitted}"


def _word(group: GroupFront, key: str) -> str:
    value = group.group.get(key)
    if key == KEY and key in group.group:
        return show_images(value)
    return "-" if value is None else str(value)


def _axis(objective: Objective, metrics: set[str]) -> str:
    unit = shown_unit(objective)
    if unit == "%" and not metrics <= _PERCENTAGES:
        unit = f"{' or '.join(sorted(metrics))} of 100"
    better = "higher is better" if objective.sign < 0 else "lower is better"
    return f"{objective.name.replace('_', ' ')} [{unit}], {better}" if unit else f"{objective.name}, {better}"


def _dress(axes: Axes, objectives: Sequence[Objective], grouping: str, groups: int, metrics: set[str]) -> None:
    if objectives:
        axes.set_ylabel(_axis(objectives[0], metrics))
        axes.set_xlabel(_axis(objectives[min(1, len(objectives) - 1)], metrics))
        if axes.dataLim.minposx > 0 and axes.dataLim.x0 > 0:
            axes.set_xscale("log")
    rest = groups - _NAMED_GROUPS
    grey = f"; {rest} smaller {'group' if rest == 1 else 'groups'} in grey" if rest > 0 else ""
    axes.set_title(f"Published results: fronts by {grouping}{grey}", fontsize=11)
    axes.grid(visible=True, which="both", alpha=0.2)
