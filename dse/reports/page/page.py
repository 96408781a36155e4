"""The page of a study: figures as embedded JSON, drawn by Bokeh, with words and tables that need no script."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dse.core.metrics import METRICS
from dse.errors import NothingMeasuredError
from dse.files import write_text
from dse.reports.front import FrontReport, front_report
from dse.reports.official import Official
from dse.reports.page import words
from dse.reports.page.document import page_document
from dse.reports.page.html import check_libraries, render
from dse.reports.page.parallel import parallel_axes
from dse.study import Study

FILE = "report.html"
"""In the study's folder, where no other place is named."""


def report(study: Study, path: str | os.PathLike[str] | None = None, *, repeat: str | None = None) -> Path:
    """Write the page of ``study``: by default ``report.html`` in its folder. Returns where it is.

    ``repeat`` is what is to be typed to search again, where that is not a call of `explore`. Raises MachineError where
    Bokeh, which draws, is not installed; NothingMeasuredError where there is no trial; OSError.

    >>> import dse
    >>> study = dse.open_study("studies/example")
    >>> page = dse.report(study)
    >>> page.name, "Pareto-optimal" in page.read_text()
    ('report.html', True)
    """
    if not study.measurements:
        raise NothingMeasuredError(
            "the study has no trials",
            path=study.folder,
            remedy=study.way_to_a_front,
            details={"study": str(study.folder)},
        )
    to = study.folder / FILE if path is None else Path(path)
    made = front_report(study, _official_of(study))
    write_text(to, page_text(made, repeat or _call(study)), follow=path is not None)
    return to


def page_text(found: FrontReport, repeat: str) -> str:
    """The page as HTML. Raises MachineError."""
    check_libraries()
    from bokeh.palettes import Viridis

    from dse.reports.page.figures import make_charts

    document = page_document(found)
    document |= {"parallel": parallel_axes(document), "palette": list(Viridis[11][1:-1])}
    charts = make_charts(document)
    return render(
        "page.html",
        document,
        charts,
        code=("columns.js", "page.js"),
        components=("bokeh", "bokeh-widgets", "bokeh-tables"),
        study=found.study,
        drawn=charts["names"],
        lead=words.lead(found),
        facts=words.facts(found),
        banners=words.banners(found, document),
        notes=words.notes(found),
        front=_front_table(found),
        prices=words.price_rows(document, found.study.objectives),
        citation=words.citation(found, document),
        repeat=repeat,
        show=lambda name, value: METRICS.get(name).show(value),
    )


def _front_table(found: FrontReport) -> list[dict[str, Any]]:
    """A row for each point of the front, in the order of `dse.Study.front`: what the table without a script has."""
    return [
        {
            "trial": point.trial,
            "figures": [
                (point.values[o.name], *words.shown(o.metric, point.values[o.name], point.intervals.get(o.name)))
                for o in found.study.objectives
            ],
            "p_front": point.probability,
            "sure": words.sure(found, point),
            "repeats": len(point.trials),
            "represents": point.represents,
            "configuration": words.described(point.configuration),
        }
        for point in found.points
    ]


def _official_of(study: Study) -> Mapping[int, Official]:
    if not (study.folder / "validation").is_dir():
        return {}
    from dse.submission.official_figures import official_figures  # with the rules, which only a validated study needs

    return official_figures(study)[0]


def _call(study: Study) -> str:
    seed = study.settings.options.get("seed")
    return f"dse.explore({study.space.name!r}, {study.name!r}" + (f", seed={seed})" if seed is not None else ")")
