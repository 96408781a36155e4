"""The page of a study: figures as embedded JSON, drawn by Bokeh, with words and tables that need no script."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
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


def report(
    study: Study, path: str | os.PathLike[str] | None = None, *, results: str | os.PathLike[str] | None = None
) -> Path:
    """Write the page of ``study``: by default ``report.html`` in its folder. Returns where it is.

    ``results`` is a results database: those of its results that compare with the study's are a layer of the chart.

    Raises MachineError where Bokeh, which draws, is not installed; NothingMeasuredError where there is no trial;
    OSError. With ``results`` also ResultsError; UsageError for a study of other objectives than accuracy and p90
    latency or of another scenario than SingleStream; StudyError for one without a front.

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
    write_text(to, page_text(made, None if results is None else _rows(Path(results))), follow=path is not None)
    return to


def page_text(found: FrontReport, published: Sequence[Mapping[str, Any]] | None = None) -> str:
    """The page as HTML, with those of the ``published`` rows that compare. Raises as `report` does."""
    check_libraries()
    from bokeh.palettes import Viridis

    from dse.reports.page.figures import make_charts

    document = page_document(found, published)
    document |= {"parallel": parallel_axes(document), "palette": list(Viridis[11][1:-1])}
    charts = make_charts(document)
    return render(
        "page.html",
        document,
        charts,
        code=("columns.js", "brush.js", "page.js"),
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
        repeat=words.repeat(found.study),
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


def _rows(database: Path) -> list[dict[str, Any]]:
    from dse.results.database import open_database  # with DuckDB, which few pages need
    from dse.results.front import select

    with open_database(database, read_only=True) as found:
        return select(found)


def _official_of(study: Study) -> Mapping[int, Official]:
    if not (study.folder / "validation").is_dir():
        return {}
    from dse.submission.official_figures import official_figures  # with the rules, which only a validated study needs

    return official_figures(study)[0]
