"""The chart of a results page as Bokeh's models; the page's script fills their sources."""

from __future__ import annotations

from typing import Any

from bokeh.document import Document
from bokeh.models import (
    BoxZoomTool,
    ColumnDataSource,
    CustomJSHover,
    HoverTool,
    PanTool,
    ResetTool,
    SaveTool,
    TapTool,
    WheelZoomTool,
)
from bokeh.plotting import figure

_TIPS = [("result", "@row{custom}"), ("figures", "@y{0.[000]}, @x{0.[000]}")]
_OWN_TIPS = [("study", "@study"), ("trial", "@trial"), ("configuration", "@config"), ("figures", "@y, @x")]


def make_charts() -> dict[str, Any]:
    """Bokeh's document of the chart as JSON, and the element that it goes to: ``chart-scatter``."""
    plot = figure(name="scatter", height=460, sizing_mode="stretch_width", tools="")
    plot.background_fill_color = plot.border_fill_color = plot.outline_line_color = None
    below, front = ColumnDataSource(name="below"), ColumnDataSource(name="front")
    borders, own = ColumnDataSource(name="borders"), ColumnDataSource(name="own")
    plain = {"line_color": None, "fill_color": "fill"}  # no outline: half the time of drawing thousands of them
    dots = plot.scatter("x", "y", source=below, size=5, fill_alpha=0.45, nonselection_fill_alpha=0.25, **plain)
    plot.multi_line("xs", "ys", source=borders, line_color="fill", line_width=1.5)
    points = plot.scatter("x", "y", source=front, size=9, nonselection_fill_alpha=0.5, **plain)
    stars = plot.scatter("x", "y", source=own, marker="star", size=15, fill_color="fill", line_color="line")
    tap = TapTool(renderers=[dots, points])
    pan = PanTool()
    plot.add_tools(pan, tap, BoxZoomTool(), WheelZoomTool(), ResetTool(), SaveTool())
    described = {"@row": CustomJSHover(code="return described(value)")}
    plot.add_tools(HoverTool(renderers=[dots, points], tooltips=_TIPS, formatters=described, attachment="horizontal"))
    plot.add_tools(HoverTool(renderers=[stars], tooltips=_OWN_TIPS, attachment="horizontal"))
    plot.toolbar.active_drag, plot.toolbar.active_tap = pan, tap
    plot.toolbar.logo = None
    found = Document()
    found.add_root(plot)
    roots = {plot.id: "chart-scatter"}
    return {
        "docs": {"page": found.to_json(deferred=False)},
        "items": [{"docid": "page", "roots": roots, "root_ids": list(roots)}],
    }
