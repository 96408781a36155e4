"""The page's charts and its table of all configurations, as Bokeh's models; the page's script fills their sources."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bokeh.document import Document
from bokeh.events import SelectionGeometry
from bokeh.models import (
    BoxSelectTool,
    BoxZoomTool,
    CDSView,
    ColumnDataSource,
    CustomJS,
    CustomJSTickFormatter,
    DataTable,
    FactorRange,
    GroupFilter,
    HoverTool,
    InlineStyleSheet,
    Model,
    NumberFormatter,
    PanTool,
    Plot,
    Range1d,
    ResetTool,
    SaveTool,
    TableColumn,
    TapTool,
    WheelZoomTool,
)
from bokeh.plotting import figure

_TIPS = [
    ("trial", "@trial (@verdict)"),
    ("figures", "@figures"),
    ("configuration", "@config"),
    ("P(front)", "@p_front"),
    ("stands for", "@also"),
    ("why", "@reason"),
]
_TELL_BOX = "if (cb_obj.final) dispatchEvent(new CustomEvent('ranges', { detail: cb_obj.geometry }))"
_TABLE_CSS = Path(__file__).with_name("table.css").read_text(encoding="utf-8")


def make_charts(document: Mapping[str, Any]) -> dict[str, Any]:
    """Bokeh's document of all charts and the table as JSON, and the elements that they go to: ``chart-NAME``."""
    models = _models(document)
    found = Document()
    for model in models.values():
        if isinstance(model, Plot):  # the page's own surface, light or dark, is behind it
            model.background_fill_color = model.border_fill_color = model.outline_line_color = None
        found.add_root(model)
    roots = {model.id: f"chart-{name}" for name, model in models.items()}
    return {
        "docs": {"page": found.to_json(deferred=False)},
        "items": [{"docid": "page", "roots": roots, "root_ids": list(roots)}],
        "names": list(models),
    }


def _models(document: Mapping[str, Any]) -> dict[str, Model]:
    """The charts and the table, by name, in the order of the page. Scatter, table and lines have one selection."""
    source = ColumnDataSource(name="configurations")
    models: dict[str, Model] = {"scatter": _scatter(source, document["published"] is not None)}
    if document["parallel"]:
        models["parallel"] = _parallel(document, ColumnDataSource(name="lines", selected=source.selected))
    models["table"] = _table(document, source)
    if document["latency"]["trials"]:
        models["latency"] = _latency(document["latency"])
    if document["growth"]["device_s"]:
        models["growth"] = _growth(document["growth"])
    return models


def _tools(renderers: list[Any], tips: Any) -> list[Any]:
    hover = HoverTool(renderers=renderers, tooltips=tips, attachment="horizontal")
    select = BoxSelectTool(renderers=renderers), TapTool(renderers=renderers)
    return [*select, BoxZoomTool(), PanTool(), WheelZoomTool(), ResetTool(), SaveTool(), hover]


def _view(layer: str) -> CDSView:
    """What is drawn in this layer: the front is above the others."""
    return CDSView(filter=GroupFilter(column_name="layer", group=layer))


def _scatter(source: ColumnDataSource, has_published: bool) -> Model:
    plot = figure(name="scatter", height=460, sizing_mode="stretch_width", tools="")
    plot.x_range.only_visible = plot.y_range.only_visible = True
    bars, border = ColumnDataSource(name="bars"), ColumnDataSource(name="border")
    plot.segment("x0", "y0", "x1", "y1", source=bars, line_color="fill", line_alpha="strength")
    plot.step("x", "y", source=border, mode="after", line_width=1.5, name="blue")
    drawn = [
        plot.scatter(
            "x",
            "y",
            source=source,
            view=_view(layer),
            marker="marker",
            size="size",
            fill_color="inside",
            line_color="fill",
            line_width=1.5,
            fill_alpha=0.9,
            nonselection_fill_alpha=0.15,
            nonselection_line_alpha=0.25,
        )
        for layer in ("below", "front")
    ]
    tools = _tools(drawn, _TIPS)
    if has_published:
        results = ColumnDataSource(name="published")
        others = plot.scatter("x", "y", source=results, marker="diamond", size=9, name="others", fill_alpha=0.25)
        tips = [("published", "@result (@verdict)"), ("figures", "@y, @x")]
        tools.append(HoverTool(renderers=[others], tooltips=tips, attachment="horizontal"))
    plot.add_tools(*tools)
    plot.toolbar.active_drag, plot.toolbar.active_tap = tools[0], tools[1]
    plot.toolbar.logo = None
    return plot


def _parallel(document: Mapping[str, Any], source: ColumnDataSource) -> Model:
    axes = document["parallel"]
    ranges = {"x_range": Range1d(-0.3, len(axes) - 0.4), "y_range": Range1d(-0.2, 1.1)}
    plot = figure(name="parallel", height=380, sizing_mode="stretch_width", tools="", **ranges)
    plot.ygrid.visible = plot.yaxis.visible = False
    plot.xaxis.ticker = list(range(len(axes)))
    plot.xaxis.major_label_overrides = {place: axis["title"] for place, axis in enumerate(axes)}
    plot.xaxis.major_label_orientation = 0.5
    faint = min(0.3, 60 / max(len(document["configurations"]["trial"]), 1))
    drawn = [
        plot.multi_line(
            "px",
            "py",
            source=source,
            view=_view(layer),
            line_color="fill",
            line_width=width,
            line_alpha=alpha,
            selection_line_alpha=1.0,
            selection_line_width=3,
            nonselection_line_alpha=alpha / 4,
        )
        for layer, width, alpha in (("below", 1.2, faint), ("front", 2.0, 0.8))
    ]
    ticks = [(place, height, shown) for place, axis in enumerate(axes) for height, shown in axis["ticks"]]
    words = ColumnDataSource(dict(zip(("x", "y", "text"), map(list, zip(*ticks, strict=True)), strict=True)))
    plot.text("x", "y", "text", source=words, x_offset=4, y_offset=5, text_font_size="11px", name="ticks")
    edges = {name: name for name in ("left", "right", "bottom", "top")}
    plot.quad(**edges, source=ColumnDataSource(name="ranges"), name="blue", fill_alpha=0.25, line_width=2)
    tools = _tools([], _TIPS)  # no glyph of lines is found by a box: the page's script takes the box for ranges
    tools[-1].renderers = tools[1].renderers = drawn
    plot.js_on_event(SelectionGeometry, CustomJS(code=_TELL_BOX))
    plot.add_tools(*tools)
    plot.toolbar.active_drag, plot.toolbar.active_tap = tools[0], tools[1]
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
                width=145,
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
