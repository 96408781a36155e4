"""The page's charts and its table of all configurations, as Bokeh's models; the page's script fills their sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bokeh.models import (
    BoxSelectTool,
    BoxZoomTool,
    CDSView,
    ColumnDataSource,
    CustomJSTickFormatter,
    DataTable,
    FactorRange,
    GroupFilter,
    HoverTool,
    InlineStyleSheet,
    Model,
    NumberFormatter,
    PanTool,
    Range1d,
    ResetTool,
    SaveTool,
    TableColumn,
    TapTool,
    WheelZoomTool,
)
from bokeh.plotting import figure

GROUPS: Mapping[str, Mapping[str, Any]] = {
    "dominated": {"marker": "circle", "size": 6, "line": 0.3, "lines": 0.12},
    "constraint": {"marker": "square", "size": 6, "line": 0.3, "lines": 0.12},
    "excluded": {"marker": "x", "size": 8, "line": 0.6, "lines": 0.15},
    "represented": {"marker": "circle", "size": 8, "line": 0.9, "lines": 0.4},
    "front": {"marker": "circle", "size": 12, "line": 1.0, "lines": 0.9},
}
"""What is drawn apart, from below to above, by its verdict: how, and how strongly as a line over all parameters."""
_TIPS = [
    ("trial", "@trial (@verdict)"),
    ("figures", "@figures"),
    ("configuration", "@config"),
    ("P(front)", "@p_front"),
    ("stands for", "@also"),
    ("why", "@reason"),
]
_TABLE_CSS = """
:host { font: inherit; color: var(--text); }
.slick-header, .slick-header-column, .slick-headerrow-column { background: var(--head) !important; }
.slick-row, .slick-row.odd, .slick-cell { background: var(--surface) !important; border-color: var(--line) !important; }
.slick-row, .slick-cell, .slick-header-column { color: var(--text) !important; }
.slick-cell.selected { background: var(--chosen) !important; }
.slick-cell, .slick-header-column { font-size: 13px; }
.slick-viewport, .bk-data-table { background: var(--surface); border-color: var(--line); }
"""


def make_models(document: Mapping[str, Any]) -> dict[str, Model]:
    """The charts and the table, by name. Scatter, table and parallel coordinates have one source, and one selection."""
    source = ColumnDataSource(_columns(document), name="configurations")
    views = {name: CDSView(filter=GroupFilter(column_name="group", group=name)) for name in GROUPS}
    models = {
        "scatter": _scatter(source, views),
        "table": _table(document, source),
        "parallel": _parallel(document, source, views),
    }
    if document["growth"]["device_s"]:
        models["growth"] = _growth(document["growth"])
    if document["latency"]["trials"]:
        models["latency"] = _latency(document["latency"])
    return models


def _columns(document: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Empty columns: a page that has the data once is half as large."""
    names = ["x", "y", "x0", "x1", "y0", "y1", "px", "py", "group", "fill", "trial", "verdict", "figures", "config"]
    names += ["p_front", "repeats", "also", "reason"]
    names += [f"m:{metric['name']}" for metric in document["metrics"]]
    names += [f"p:{parameter['name']}" for parameter in document["parameters"]]
    return {name: [] for name in names}


def _tools(renderers: list[Any], tips: Any) -> list[Any]:
    hover = HoverTool(renderers=renderers, tooltips=tips, attachment="horizontal")
    return [BoxSelectTool(), TapTool(), BoxZoomTool(), PanTool(), WheelZoomTool(), ResetTool(), SaveTool(), hover]


def _scatter(source: ColumnDataSource, views: Mapping[str, CDSView]) -> Model:
    plot = figure(name="scatter", height=460, sizing_mode="stretch_width", tools="", output_backend="canvas")
    plot.x_range.only_visible = plot.y_range.only_visible = True
    border = ColumnDataSource({"x": [], "y": []}, name="border")
    plot.step("x", "y", source=border, mode="after", line_width=1.5, name="blue")
    drawn = []
    for name, look in GROUPS.items():
        for ends in (("x0", "y", "x1", "y"), ("x", "y0", "x", "y1")):
            x0, y0, x1, y1 = ends
            plot.segment(
                x0,
                y0,
                x1,
                y1,
                source=source,
                view=views[name],
                name=f"bars {name}",
                line_color="fill",
                line_alpha=0.5 * look["line"],
                nonselection_line_alpha=0.08,
            )
        drawn.append(
            plot.scatter(
                "x",
                "y",
                source=source,
                view=views[name],
                name=f"dots {name}",
                marker=look["marker"],
                size=look["size"],
                fill_color="fill",
                fill_alpha=0.9 if name != "represented" else 0.0,
                line_color="fill",
                line_width=1.5,
                nonselection_fill_alpha=0.15,
                nonselection_line_alpha=0.25,
            )
        )
    tools = _tools(drawn, _TIPS)
    plot.add_tools(*tools)
    plot.toolbar.active_drag, plot.toolbar.active_tap = tools[0], tools[1]
    plot.toolbar.logo = None
    return plot


def _parallel(document: Mapping[str, Any], source: ColumnDataSource, views: Mapping[str, CDSView]) -> Model:
    axes = document["parallel"]
    plot = figure(
        name="parallel",
        height=380,
        sizing_mode="stretch_width",
        tools="",
        x_range=Range1d(-0.3, len(axes) - 0.4),
        y_range=Range1d(-0.2, 1.1),
    )
    plot.ygrid.visible = plot.yaxis.visible = False
    plot.xaxis.ticker = list(range(len(axes)))
    plot.xaxis.major_label_overrides = {place: axis["title"] for place, axis in enumerate(axes)}
    plot.xaxis.major_label_orientation = 0.5
    drawn = []
    for name, look in GROUPS.items():
        drawn.append(
            plot.multi_line(
                "px",
                "py",
                source=source,
                view=views[name],
                name=f"lines {name}",
                line_color="fill",
                line_width=2.5 if name == "front" else 1.2,
                line_alpha=look["lines"],
                selection_line_alpha=1.0,
                selection_line_width=3,
                nonselection_line_alpha=0.05,
            )
        )
    ticks = [(place, height, shown) for place, axis in enumerate(axes) for height, shown in axis["ticks"]]
    columns = {name: list(found) for name, found in zip(("x", "y", "text"), zip(*ticks, strict=True), strict=True)}
    plot.text(
        "x", "y", "text", source=ColumnDataSource(columns), x_offset=4, y_offset=5, text_font_size="11px", name="ticks"
    )
    tools = _tools(drawn, _TIPS)
    plot.add_tools(*tools)
    plot.toolbar.active_tap, plot.toolbar.active_drag = tools[1], None
    plot.toolbar.logo = None
    return plot


def _table(document: Mapping[str, Any], source: ColumnDataSource) -> Model:
    def number(digits: int | None) -> NumberFormatter:
        return NumberFormatter(format="0." + "0" * digits if digits else "0", text_align="right", nan_format="")

    columns = [
        TableColumn(field="trial", title="trial", width=55, formatter=number(0)),
        TableColumn(field="verdict", title="verdict", width=95),
        TableColumn(field="p_front", title="P(front)", width=75),
        *(
            TableColumn(
                field=f"m:{m['name']}",
                title=f"{m['title']} [{m['shown_in']}]" if m["shown_in"] else m["title"],
                width=125,
                formatter=number(m["digits"]),
            )
            for m in document["metrics"]
            if m["name"] in {o["name"] for o in document["objectives"]}
        ),
        *(TableColumn(field=f"p:{p['name']}", title=p["name"], width=105) for p in document["parameters"]),
        TableColumn(field="repeats", title="repeats", width=70, formatter=number(0)),
        TableColumn(field="reason", title="why not", width=400),
    ]
    return DataTable(
        name="table",
        source=source,
        columns=columns,
        height=420,
        sizing_mode="stretch_width",
        selectable=True,
        index_position=None,
        autosize_mode="none",
        reorderable=False,
        stylesheets=[InlineStyleSheet(css=_TABLE_CSS)],
    )


def _growth(found: Mapping[str, Any]) -> Model:
    plot = figure(name="growth", height=260, sizing_mode="stretch_width", tools="", y_range=Range1d(0, 1.05))
    source = ColumnDataSource({"s": found["device_s"], "share": found["share"]})
    line = plot.step("s", "share", source=source, mode="after", line_width=2, name="blue")
    plot.add_tools(
        HoverTool(renderers=[line], tooltips=[("device time", "@s{0.0} s"), ("share", "@share{0.0 %}")], mode="vline")
    )
    plot.xaxis.axis_label, plot.yaxis.axis_label = "device time [s]", "share of the hypervolume"
    plot.toolbar_location = None
    return plot


def _latency(found: Mapping[str, Any]) -> Model:
    names = found["percentiles"]
    plot = figure(
        name="latency",
        height=300,
        sizing_mode="stretch_width",
        tools="",
        y_axis_type="log",
        x_range=FactorRange(*names),
    )
    curves = [[each / 1e6 for each in curve] for curve in found["latency_ns"]]
    columns = {"x": [names] * len(curves), "y": curves, "trial": found["trials"], "queries": found["queries"]}
    source = ColumnDataSource(columns, name="percentiles")
    lines = plot.multi_line(
        "x",
        "y",
        source=source,
        line_width=1.5,
        line_alpha=0.6,
        name="blue",
        selection_line_width=3,
        nonselection_line_alpha=0.15,
    )
    tips = [("trial", "@trial"), ("queries", "@queries")]
    tap = TapTool()
    plot.add_tools(HoverTool(renderers=[lines], tooltips=tips, line_policy="interp"), tap)
    plot.yaxis.formatter = CustomJSTickFormatter(code="return String(tick)")
    plot.xaxis.axis_label, plot.yaxis.axis_label = "percentile of the queries of one run", "latency [ms]"
    plot.toolbar_location = None
    return plot
