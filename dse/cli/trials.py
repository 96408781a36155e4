"""``dse trials``: every run of a study, what came out of it, and why it is excluded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from dse.cli.figures import FiguresTable
from dse.cli.opened import open_study
from dse.cli.options import STUDIES, Json, Studies, StudyArgument, study_words
from dse.cli.render import described, next_command, print_json, print_table, say
from dse.core.analysis import Analysis
from dse.core.measurement import Measurement
from dse.core.metrics import METRICS
from dse.core.reason import Reason
from dse.study import Study


@dataclass(frozen=True)
class _Trial:
    """A trial, whether it has a configuration in the space as it is now, and the reasons against it."""

    measured: Measurement
    placed: bool
    reasons: Sequence[Reason]

    @property
    def state(self) -> str:
        if self.measured.failed:
            return "failed"
        if not self.placed:
            return "elsewhere"
        return "excluded" if self.reasons else "counts"

    @property
    def why(self) -> str:
        """Why it is not used; empty where it is."""
        failure = self.measured.response.failure
        if failure is not None:
            return f"failed: {failure.error}: {failure.message}"
        if self.state == "elsewhere":
            return "of no configuration of the space as it is now"
        return "; ".join(f"excluded: {reason.word}: {reason.sentence}" for reason in self.reasons)


def trials_command(
    study: StudyArgument,
    studies: Studies = STUDIES,
    failed: Annotated[bool, typer.Option("--failed", help="Only trials that failed.")] = False,
    excluded: Annotated[bool, typer.Option("--excluded", help="Only trials that worked and are excluded.")] = False,
    json: Json = False,
) -> None:
    """List the trials of a study: figures, failures, exclusions.

    A trial is one run of one configuration. Its phase says why it was run: to search, to confirm, to repeat one that
    was excluded, or as the reference configuration, which shows a drift of the device.

    Example: dse trials mobilenet_v3 --failed
    """
    found = open_study(study, studies)
    analysis = found.analysis
    reasons = analysis.exclusions.reasons
    everything = [_Trial(m, found.place(m) is not None, reasons.get(m.trial, ())) for m in found.measurements]
    wanted = {name for name, asked in (("failed", failed), ("excluded", excluded)) if asked}
    trials = [trial for trial in everything if not wanted or trial.state in wanted]
    if json:
        print_json({"study": found.name, "trials": [_document(found, trial) for trial in trials]})
        return
    if trials:
        print_table(_table(found, trials))
    _say(found, analysis, len(trials), wanted)
    words = study_words(study, studies)
    number = next((trial.measured.trial for trial in trials if trial.why), None)
    if number is not None:
        next_command(f"dse explain {words} {number}", "says what that means for its configuration")
    else:
        next_command(f"dse front {words}", "shows the front")


def _say(study: Study, analysis: Analysis, shown: int, wanted: set[str]) -> None:
    if wanted:
        say(f"{study.name}: {shown} of {len(study.measurements)} trials {' or '.join(sorted(wanted))}")
    say(analysis.counts.trials_sentence)


def _table(study: Study, trials: Sequence[_Trial]) -> FiguresTable:
    objectives = study.objectives
    figures = []
    for trial in trials:
        values, accuracy = trial.measured.values, trial.measured.accuracy
        shown = (o.metric.show(values[o.name]) if o.name in values else "-" for o in objectives)
        images = str(accuracy.total) if accuracy and not trial.measured.failed else "-"
        figures.append((str(trial.measured.trial), trial.measured.phase, *shown, images))
    return FiguresTable(
        title=None,
        captions=(),
        header=("trial", "phase", *(objective.metric.title for objective in objectives), "images"),
        figures=tuple(figures),
        configurations=tuple(described(trial.measured.configuration) for trial in trials),
        remarks=tuple(trial.why for trial in trials),
    )


def _document(study: Study, trial: _Trial) -> dict[str, Any]:
    measured, failure = trial.measured, trial.measured.response.failure
    accuracy = measured.accuracy
    return {
        "trial": measured.trial,
        "phase": measured.phase,
        "state": trial.state,
        "config": dict(measured.configuration),
        "values": {name: value for name, value in measured.values.items() if name in METRICS},
        "accuracy": {"good": accuracy.good, "total": accuracy.total} if accuracy else None,
        "accuracy_of_trial": measured.accuracy_from if accuracy else None,
        "failure": {"error": failure.error, "message": failure.message} if failure else None,
        "excluded": [{"reason": reason.word, "sentence": reason.sentence} for reason in trial.reasons],
        "seconds": measured.response.timing_s.get("total"),
        "session": measured.session,
        "logs": str(study.trial_folder(measured.trial)),
    }
