"""`dse submit`: from validated points to a tree that MLCommons accepts, and its archive."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from dse.cli.official import (
    SUBMITTER,
    Allow,
    Python,
    RoundName,
    Submitter,
    System,
    Trials,
    again,
    finding_document,
    findings_of,
    official_candidates,
    print_findings,
    print_problems,
    rules,
    say_not_asked,
    trials_words,
)
from dse.cli.opened import open_study
from dse.cli.options import STUDIES, SYSTEM, Json, Studies, StudyArgument, study_words
from dse.cli.render import next_command, print_json, stderr, stdout
from dse.cli.submitted import check_command, pack_command
from dse.core.words import counted
from dse.errors import SubmissionError, UsageError
from dse.study import Study
from dse.submission.candidate import Candidate, without_repeats
from dse.submission.check_point import check_point
from dse.submission.environment import available_memory_bytes
from dse.submission.findings import BrokenRulesError, blocking
from dse.submission.front import front_candidates
from dse.submission.point import ValidatedPoint, require_intact, validated_points
from dse.submission.rounds import DEFAULT_ROUND, SCENARIOS, Round, Scenario, get_round
from dse.submission.system import read_system
from dse.submission.tree import Submission, labels_of, require_folder_name, write_tree
from dse.submission.validate import official_front, plan, stands_for


class _StudyOrCommand(TyperGroup):
    """`dse submit STUDY ...` is `dse submit tree STUDY ...`: what is no command is a study."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["tree", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_StudyOrCommand,
    no_args_is_help=True,
    help="Write, check and pack a submission.\n\nExample: dse submit mobilenet_v3 --submitter Example",
)

_SINGLE_STREAM = "SingleStream"
_Scenarios = Annotated[str, typer.Option(help="SingleStream and what is derived from it, with commas.")]


@app.command()
def tree(
    study: StudyArgument,
    submitter: Submitter,
    studies: Studies = STUDIES,
    round_name: RoundName = DEFAULT_ROUND,
    scenarios: _Scenarios = _SINGLE_STREAM,
    system: System = SYSTEM,
    out: Annotated[
        Path | None, typer.Option(help="The folder to write. [default: STUDY/submission, or STUDY/rehearsal]")
    ] = None,
    rehearsal: Annotated[
        bool, typer.Option("--rehearsal", help="Take rehearsals too: a marked tree to check, never packed.")
    ] = False,
    allow: Allow = None,
) -> None:
    """Write the tree of a study's validated front points.

    All of it or nothing, in place of an older one of the same submitter, system and round. Every figure is computed
    again from LoadGen's logs.

    \b
    Example: dse submit mobilenet_v3 --submitter Example \\
        --scenarios SingleStream,Offline,MultiStream
    """
    console, found, round_ = stderr(), open_study(study, studies), get_round(round_name, to_measure=True)
    let_through, asked = rules(allow), _scenarios(scenarios)
    require_folder_name("submitter", submitter)
    words = again(round_.name, allow, submitter=submitter, system=system)
    hint = f"dse validate {study_words(study, studies)}{words}"
    candidates, problems = front_candidates(found)
    if problems:
        raise problems[0]
    points, dominated = _points_to_submit(found, candidates, round_, console, hint, rehearsal=rehearsal)
    description = read_system(system)
    submission = Submission(
        submitter,
        description.system_id,
        description.fields,
        round_,
        points,
        asked,
        found.folder / "study.yaml",
        {item.request.data_set.sha256: item.request.data_set for item in candidates},
        rehearsal,
    )
    destination = out or found.folder / ("rehearsal" if rehearsal else "submission")
    try:
        if broken := [item for point in dominated for item in check_point(point, labels_of(submission, point))]:
            raise BrokenRulesError(broken)  # its figures would drop it from the front
        allowed = write_tree(submission, destination, let_through)
    except BrokenRulesError as error:
        print_findings(error.findings, console)
        raise
    if allowed:
        print_findings(allowed, console)
        console.print("These rules are broken: the tree can be checked for form, not submitted.", style="bold")
    if rehearsal:
        console.print("A rehearsal: the tree can be checked for form, and is never packed.", style="bold")
    console.print(
        f"{counted(len(points), 'point')} in {destination}/tree; the complete accuracy logs lie beside it: keep them"
    )
    next_command(
        f"dse submit check {shlex.quote(str(destination / 'tree'))}{again(None, allow)}", "looks at every rule"
    )


@app.command()
def preflight(
    study: StudyArgument,
    studies: Studies = STUDIES,
    submitter: Submitter = SUBMITTER,
    round_name: RoundName = DEFAULT_ROUND,
    scenarios: _Scenarios = _SINGLE_STREAM,
    system: System = SYSTEM,
    python: Python = None,
    trial: Trials = None,
    allow: Allow = None,
    as_json: Json = False,
) -> None:
    """Say which rules a submission of the front would break.

    Before any long run: those that are broken however well the runs go.

    Example: dse submit preflight mobilenet_v3 --submitter Example
    """
    found, round_ = open_study(study, studies), get_round(round_name, to_measure=True)
    official = official_candidates(found, trial, python)
    if python is None:
        say_not_asked(official.candidates, found)
    asked, run = _scenarios(scenarios), python is not None
    findings = findings_of(official.candidates, submitter, system, round_, asked, run=run)
    if as_json:
        print_json(
            {
                "round": round_.name,
                "findings": [finding_document(item) for item in findings],
                "notes": official.notes,
                "left_out": [str(problem) for problem in official.problems],
            }
        )
    else:
        print_findings(findings, stdout())
        for note in official.notes:
            stderr().print(note)
    print_problems(official.problems)
    if broken := blocking(findings, rules(allow)):
        raise BrokenRulesError(broken)
    plan(official.candidates, found.folder, round_, available_bytes=available_memory_bytes())
    words = again(round_.name, allow, submitter=submitter, system=system, python=python, trials=trial)
    next_command(f"dse validate {study_words(study, studies)}{words}", "runs the front by the rules")


app.command("check")(check_command)
app.command("pack")(pack_command)


def _points_to_submit(
    study: Study, candidates: list[Candidate], round_: Round, console: Console, hint: str, *, rehearsal: bool
) -> tuple[list[ValidatedPoint], list[ValidatedPoint]]:
    """The validated points on the front, by the official runs too, and those that others dominate there.

    Of the others it is said why they are excluded.
    """
    kept, _ = without_repeats(candidates)
    on_front = [item.trial for item in kept]
    validated, unfit = dict[int, ValidatedPoint](), dict[int, str]()
    # of two points with the same runs, the one that is on the front; official runs before rehearsals
    points = validated_points(study.folder)
    for point in sorted(points, key=lambda point: (point.rehearsal, point.trial not in on_front)):
        same = next((item.trial for item in kept if stands_for(point, item)), None)
        if (point.rehearsal and not rehearsal) or point.round != round_.name:
            unfit[point.trial] = "a rehearsal" if point.rehearsal else f"of round {point.round}"
        elif same is None:
            console.print(f"trial {point.trial} ({point.name}) is not on the study's front any more: excluded")
        elif (first := validated.setdefault(same, point)) is not point:
            console.print(f"trial {point.trial} ({point.name}): the same runs as trial {first.trial}: excluded")
    points = sorted(validated.values(), key=lambda point: point.trial)
    fit = {point.trial for point in points}
    others = [f"trial {trial} {what}" for trial, what in unfit.items() if trial not in fit]
    for point in points:  # before its figures drop another point
        require_intact(point)
    if missing := [trial for trial in on_front if trial not in validated]:
        console.print(f"on the front and not validated, excluded: {trials_words(missing)}")
    if others and not points:
        message = f"no official runs of round {round_.name}: {', '.join(others)}"
        only = all(what == "a rehearsal" for what in unfit.values())
        more = "; dse submit --rehearsal writes a tree of what there is" if only else ""
        raise SubmissionError(message, path=study.folder, hint=f"{hint}{more}")
    if not points:
        raise SubmissionError("no validated point", path=study.folder, hint=f"validate the front first: {hint}")
    if others:
        console.print(f"no official runs of round {round_.name}, excluded: {', '.join(others)}")
    front = official_front(points, study.objectives)
    dominated = [point for point in points if point not in front]
    for point in dominated:
        console.print(f"trial {point.trial} ({point.name}) is dominated in the official runs: excluded")
    return front, dominated


def _scenarios(text: str) -> tuple[Scenario, ...]:
    asked = {name.strip() for name in text.split(",")}
    if unknown := asked - set(SCENARIOS):
        raise UsageError(f"--scenarios: found {', '.join(sorted(unknown))}, allowed: {', '.join(SCENARIOS)}")
    return tuple(name for name in SCENARIOS if name in asked)
