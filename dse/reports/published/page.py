"""The page of a results database: all rows as embedded columns, which its script filters, cuts and sorts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dse.core.words import counted
from dse.files import write_text
from dse.reports.page.html import check_libraries, render
from dse.reports.published.document import results_document, start
from dse.results.objectives import default_objectives, show, shown_unit
from dse.results.own import STUDIED_SCENARIO, OwnFront

FILE = "results.html"
"""In the working directory, where no other place is named."""
GROUPINGS = {
    "device,round": "device and round",
    "device": "device",
    "round": "round",
    "submitter": "submitter",
    "category": "edge or datacenter",
    "model": "model",
    "": "all together",
}
"""What the page's fronts are cut by, as ``dse results front --by`` has it, and as people read it."""
_HERE = Path(__file__).parent


def results_report(
    rows: Sequence[Mapping[str, Any]], path: str | os.PathLike[str] = FILE, *, own: Sequence[OwnFront] = ()
) -> Path:
    """Write the page of ``rows``, one or more, with the fronts of one's ``own`` studies. Returns where it is.

    Raises MachineError where Bokeh, which draws, is not installed; OSError.
    """
    to = Path(path)
    write_text(to, page_text(rows, own), follow=True)
    return to


def page_text(rows: Sequence[Mapping[str, Any]], own: Sequence[OwnFront] = ()) -> str:
    """The page as HTML. Raises MachineError."""
    check_libraries()
    from bokeh.palettes import Bright7

    from dse.reports.published.figures import make_charts

    document = results_document(rows, own)
    document |= {"start": start(rows), "palette": list(Bright7[:-1])}
    return render(
        "results.html",
        document,
        make_charts(),
        folder=_HERE,
        code=("rows.js", "results.js"),
        components=("bokeh",),
        facts=_facts(rows),
        groupings=GROUPINGS,
        own=[_own_table(front) for front in own],
    )


def _facts(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    found = [(str(len(rows)), "published results")]
    for name, what in (("submitter", "submitter"), ("device", "device"), ("model", "model"), ("round", "round")):
        number, _, word = counted(len({row[name] for row in rows}), what).partition(" ")
        found.append((number, word))
    return found


def _own_table(own: OwnFront) -> dict[str, Any]:
    objectives = default_objectives(STUDIED_SCENARIO)
    return {
        "title": own.title,
        "heads": [f"{objective.metric.title} [{shown_unit(objective)}]" for objective in objectives],
        "rows": [
            {
                "trial": point.trial,
                "figures": [show(objective, value) for objective, value in zip(objectives, point.values, strict=True)],
                "configuration": " ".join(f"{name}={value}" for name, value in point.config.items()),
            }
            for point in own.points
        ],
    }
