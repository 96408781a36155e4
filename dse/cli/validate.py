"""``dse validate``: official runs of the front, and nothing else."""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from dse.backends import LocalBackend
from dse.cli.interrupt import INTERRUPTED, Interrupt
from dse.cli.live_validation import LiveValidation
from dse.cli.official_boards import official_boards
from dse.cli.opened import open_study
from dse.cli.options import STUDIES, SYSTEM, Json, Studies, StudyArgument, option_words, seconds_of, study_words
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
    print_findings,
    print_problems,
    programs_of,
    rules,
    say_not_asked,
)
from dse.cli.trusted import Trust, require_trust
from dse.cli.validated import comparison, explored_values, remarks, validation_document
from dse.core.words import counted
from dse.data_sets import require_unchanged
from dse.durations import show_duration
from dse.errors import DseError, MachineError, NothingMeasuredError, StudyError, SubmissionError
from dse.paths import cache_dir
from dse.reports.common_front import system_of
from dse.reports.official_view import show_official
from dse.study import Study
from dse.study.folder import require_own_folders
from dse.study.lock import locked
from dse.submission.candidates import findings_of, official_candidates
from dse.submission.environment import available_memory_bytes
from dse.submission.findings import RULES, BrokenRulesError, blocking
from dse.submission.point import FOLDER
from dse.submission.rounds import DEFAULT_ROUND, get_round
from dse.submission.validate import Plan, official_front, plan, recover, run


def validate_command(
    study: StudyArgument,
    studies: Studies = STUDIES,
    round_name: RoundName = DEFAULT_ROUND,
    trial: Trials = None,
    duration: Annotated[
        str | None, typer.Option(metavar="TIME", help="Rehearse with runs of this length, e.g. 20s: never submitted.")
    ] = None,
    python: Python = None,
    system: System = SYSTEM,
    submitter: Submitter = SUBMITTER,
    allow: Allow = None,
    devices: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Run on the boards of this YAML file, on all of them at once.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="URL", help="A Dask scheduler that reaches them: tls://HOST:PORT.")
    ] = None,
    trust: Trust = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run, and how long it takes.")] = False,
    as_json: Json = False,
) -> None:
    """Run the front's points by MLPerf's rules.

    All of accuracy, then 600 s of performance, each in its own process. At the end the official figures stand beside
    the explored ones.

    The same command goes on where it was stopped, point by point. Ctrl-C once ends after the running point, twice at
    once.

    With --devices, points go to all boards of the study's system: both runs of a point are on one of them.

    Example: dse validate mobilenet_v3 --duration 20s
    """
    found, round_, console = open_study(study, studies), get_round(round_name, to_measure=True), stderr()
    allowed = rules(allow)
    boards = official_boards(found, devices, scheduler, trusted=trust)
    official = official_candidates(found, trial or (), python)
    require_own_folders(found.folder, FOLDER)
    if not dry_run and (found.folder / FOLDER).exists():
        with locked(found.folder):
            recover(found.folder)
    available_bytes = (boards and boards.available_bytes) or available_memory_bytes()
    for sentence in boards.sentences if boards else ():
        console.print(sentence)
    duration_ms = None if duration is None else max(1, round(1e3 * seconds_of("--duration", duration)))
    todo = plan(official.candidates, found.folder, round_, available_bytes=available_bytes, duration_ms=duration_ms)
    for note in official.notes:
        console.print(note)
    problems: list[DseError] = [*official.problems, *todo.problems]
    print_problems(problems)
    _show(todo)
    programs = {} if python or boards else programs_of(official.candidates)
    if dry_run:
        say_not_asked(official.candidates if programs else (), found)
    elif programs:
        require_trust(programs, found.folder / "study.yaml", trusted=trust)
    findings = findings_of(
        official.candidates,
        submitter,
        system,
        round_,
        run=not (dry_run and programs),
        loadgen=boards.loadgen if boards else None,
    )
    unmendable = [item for item in blocking(findings, allowed) if not RULES[item.rule].mendable]
    if unmendable and duration is None:
        print_findings(unmendable, console)
        raise BrokenRulesError(unmendable, hint="mend them, or --allow RULE to measure nevertheless")
    if dry_run:
        _require_data(todo)
        if as_json:
            print_json(validation_document(found, todo, [], [], problems))
        return
    with locked(found.folder):
        _require_data(todo)
        with ExitStack() as resources:
            # another name each time: what a board has run before under this one, it would answer without running it
            where = (
                resources.enter_context(boards.fleet.pool(f"{found.settings.id}-official-{uuid.uuid4().hex[:8]}"))
                if boards
                else LocalBackend(fresh=True)
            )
            interrupt = resources.enter_context(Interrupt("point"))
            live = resources.enter_context(LiveValidation(todo))
            interrupt.say = live.note
            on = system_of(found)
            outcomes = run(todo, where, live, interrupt.requested, system=on, gone=live.note)
        _show_in_dashboard(found)
    points = [outcome.point for outcome in outcomes if outcome.point]
    front = official_front(points, found.objectives)
    explored = explored_values(found)
    for point in points:
        if point not in front:
            console.print(f"trial {point.trial} ({point.name}) is dominated in the official runs: excluded")
    if as_json:
        print_json(validation_document(found, todo, outcomes, front, problems))
    elif points:
        stdout().print(comparison(outcomes, explored))
    for remark in remarks(outcomes, explored, found):
        console.print(remark)
    if len(outcomes) < len(todo.steps):
        console.print(f"{len(points)} of {len(todo.steps)} points are validated")
        next_command("the same command", "goes on where this stopped")
        raise typer.Exit(INTERRUPTED)
    if not points:
        raise NothingMeasuredError("no point could be validated", path=found.folder, hint="see the reasons above")
    stand = f"{len(front)} of {len(official.candidates)} points stand"
    console.print(stand if duration is None else f"{stand} (a rehearsal)")
    words = study_words(study, studies)
    by_the_rules = again(round_.name, allow, submitter=submitter, system=system, python=python, trials=trial)
    named = again(round_.name, allow, submitter="NAME" if submitter == SUBMITTER else submitter, system=system)
    if duration is None:
        next_command(f"dse submit {words}{named}", "writes the submission")
    else:
        on_boards = option_words(devices=devices, scheduler=scheduler)
        next_command(f"dse validate {words}{by_the_rules}{on_boards}", "does it by the rules")
        next_command(f"dse submit {words} --rehearsal{named}", "writes a tree to try, marked as a rehearsal")
    if problems:
        excluded = counted(len(problems), "point")
        raise SubmissionError(
            f"{excluded} excluded for what is wrong with {'it' if len(problems) == 1 else 'them'}",
            path=found.folder / FOLDER,
            hint="see the reasons above",
        )


def _show_in_dashboard(study: Study) -> None:
    try:
        show_official(study)
    except (StudyError, MachineError) as error:  # a view, which is behind: the runs are in their folders
        stderr().print(f"dse dashboard does not have the official figures yet: {error}")


def _require_data(todo: Plan) -> None:
    """Raise DataSetError where the images are not those that were explored."""
    for spec in dict.fromkeys(step.candidate.request.data_set for step in todo.steps if not step.done):
        require_unchanged(spec, cache_dir())


def _show(todo: Plan) -> None:
    console = stderr()
    kind = "official runs" if todo.duration_ms is None else "a rehearsal, never submitted"
    console.print(
        f"{counted(len(todo.steps), 'point')} for round {todo.round.name}, {kind}: {show_duration(todo.seconds)}"
    )
    for step in todo.steps:
        what = "done" if step.done else (
            f"performance {show_duration(step.performance_s)}, accuracy {show_duration(step.accuracy_s)}, "
            f"{step.queries.memory_bytes / 2**30:.1f} GiB for LoadGen's queries"
        )  # fmt: skip
        console.print(f"  trial {step.candidate.trial} {step.candidate.name}: {what}")
