"""A study's front with everything that stands beside it, as `dse front`, `dse explain` and a search's end show it."""

from __future__ import annotations

from dse.cli.render import say
from dse.reports.front import FrontReport, front_report
from dse.reports.official import Official, official_sentence
from dse.reports.question import Question
from dse.study import Study


def report_of(study: Study, question: Question | None = None) -> FrontReport:
    """The front of ``study`` that answers ``question``, with the official figures of what was validated."""
    return front_report(study, official_of(study), question)


def official_of(study: Study) -> dict[int, Official]:
    """The official figures of the study's trials, by number; those that cannot be believed are told on stderr."""
    if not (study.folder / "validation").is_dir():
        return {}
    from dse.submission.official_figures import official_figures  # nothing else here needs the rules

    found, problems = official_figures(study)
    for problem in problems:
        say(f"not shown as official: {problem}")
    return dict(found)


def remarks_of(report: FrontReport) -> dict[int, str]:
    """What stands below a trial's line in the table: its official figures."""
    found = ((point, report.official_of(point)) for point in report.points)
    return {point.trial: official_sentence(official, point.values) for point, official in found if official}
