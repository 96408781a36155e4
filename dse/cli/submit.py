"""`dse submit`: from validated points to a tree that MLCommons accepts, and its archive."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from dse.cli.opened import open_study
from dse.cli.options import STUDIES, SYSTEM, Json, Studies, StudyArgument, study_words
from dse.cli.render import next_command, print_json, stderr, stdout
from dse.cli.submission_options import (
    SUBMITTER,
    Allow,
    Python,
    RoundName,
    Submitter,
    System,
    Trials,
    again,
    finding_document,
    print_findings,
    print_problems,
    rules,
    say_not_asked,
)
from dse.cli.submitted import check_command, pack_command
from dse.core.words import counted
from dse.errors import SubmissionError, UsageError
from dse.reports.common_front import system_of
from dse.submission.candidates import findings_of, official_candidates
from dse.submission.check_point import check_point
from dse.submission.environment import available_memory_bytes, loadgen_of_boards
from dse.submission.findings import BrokenRulesError, blocking
from dse.submission.front import front_candidates
from dse.submission.rounds import DEFAULT_ROUND, SCENARIOS, Scenario, get_round
from dse.submission.submittable import points_to_submit
from dse.submission.system import read_system
from dse.submission.tree import Submission, labels_of, require_folder_name, write_tree
from dse.submission.validate import plan


class _StudyOrCommand(TyperGroup):
    """`dse submit STUDY ...` is `dse submit tree STUDY ...`: what is no command is a study."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["tree", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_StudyOrCommand,
    no_args_is_help=True,
    help="Write, check and pack a submission.\n\n`dse submit STUDY` is `dse submit tree STUDY`, which a study that is "
    "called like a command wants.\n\nExample: dse submit mobilenet_v3 --submitter Example",
)

_Scenarios = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Results to write, with commas: measured ones, or derived ones. [default: what was measured]",
    ),
]


@app.command()
def tree(
    study: StudyArgument,
    submitter: Submitter,
    studies: Studies = STUDIES,
    round_name: RoundName = DEFAULT_ROUND,
    scenarios: _Scenarios = None,
    system: System = SYSTEM,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The folder to write. [default: STUDY/submission, or STUDY/rehearsal]"),
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
    chosen = points_to_submit(found, candidates, round_, rehearsal=rehearsal)
    for note in chosen.notes:
        console.print(note)
    if chosen.lacking is not None:
        more = "; dse submit --rehearsal writes a tree of what there is" if chosen.has_rehearsals else ""
        raise SubmissionError(chosen.lacking, path=found.folder, hint=f"validate the front first: {hint}{more}")
    points, dominated = chosen.points, chosen.dominated
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
    scenarios: _Scenarios = None,
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
    official = official_candidates(found, trial or (), python)
    loadgen = loadgen_of_boards(found) if system_of(found) else None
    if python is None and loadgen is None:
        say_not_asked(official.candidates, found)
    asked, run = _scenarios(scenarios), python is not None
    findings = findings_of(official.candidates, submitter, system, round_, asked, run=run, loadgen=loadgen)
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


def _scenarios(text: str | None) -> tuple[Scenario, ...]:
    if text is None:
        return ()
    asked = {name.strip() for name in text.split(",")}
    if unknown := asked - set(SCENARIOS):
        raise UsageError(f"--scenarios: found {', '.join(sorted(unknown))}, allowed: {', '.join(SCENARIOS)}")
    return tuple(name for name in SCENARIOS if name in asked)
