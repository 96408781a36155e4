"""``dse front`` of several studies: one front over all, and what is on every front."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dse.cli.figures import FiguresTable
from dse.cli.opened import open_study
from dse.cli.options import study_words
from dse.cli.render import described, next_command, print_json, print_lines, print_table
from dse.core.common_front import Placed
from dse.reports.common_front import CommonReport, common_document, common_report


def show_common_front(names: Sequence[str], studies: Path, *, as_json: bool) -> None:
    """Print the fronts of the studies called so. Raises as `dse.reports.common_front.common_report` does."""
    report = common_report([open_study(name, studies) for name in names])
    if as_json:
        print_json(common_document(report))
        return
    print_table(_table(report), report.notes)
    for each in report.found.every:
        trials = ", ".join(f"{study} {trial}" for study, trial in each.trials.items())
        print_lines([f"  {described(each.configuration)} (trials: {trials})"])
    next_command(f"dse compare {study_words(names[0], studies)} {names[1]}", "says by how much two of them differ")


def _table(report: CommonReport) -> FiguresTable:
    objectives, shown = report.found.objectives, report.found.over_all

    def cells(each: Placed) -> tuple[str, ...]:
        figures = (o.metric.show(each.point.values[o.name]) for o in objectives)
        return (each.study, str(each.point.trial), *figures)

    return FiguresTable(
        title=report.title,
        captions=(),
        header=("study", "trial", *(o.metric.title for o in objectives)),
        figures=tuple(map(cells, shown)),
        configurations=tuple(described(each.point.configuration) for each in shown),
        remarks=("",) * len(shown),
    )
