"""``dse validate``: official runs of the front, and nothing else."""

from __future__ import annotations

from typing import Annotated

import typer

from dse.cli.interrupt import INTERRUPTED, Interrupt
from dse.cli.live_validation import LiveValidation
from dse.cli.official import (
    Allow,
    Python,
    RoundName,
    Submitter,
    System,
    Trials,
    again,
    findings_of,
    official_candidates,
    print_findings,
    programs_of,
    rules,
    say_not_asked,
)
from dse.cli.opened import open_study
from dse.cli.options import STUDIES, SYSTEM, Studies, StudyArgument, seconds_of, study_words
from dse.cli.render import counted, next_command, stderr
from dse.cli.trusted import Trust, require_trust
from dse.data_sets import require_unchanged
from dse.durations import show_duration
from dse.errors import NothingMeasuredError
from dse.harnesses import SubprocessHarness
from dse.paths import cache_dir
from dse.study.lock import locked
from dse.submission.environment import available_memory_bytes
from dse.submission.findings import RULES, BrokenRulesError, blocking
from dse.submission.rounds import DEFAULT_ROUND, get_round
from dse.submission.validate import Plan, official_front, plan, run


def validate_command(
    study: StudyArgument,
    studies: Studies = STUDIES,
    round_name: RoundName = DEFAULT_ROUND,
    trial: Trials = None,
    duration: Annotated[
        str | None, typer.Option(help="Rehearse with runs of this length, e.g. 20s: never submitted.")
    ] = None,
    python: Python = None,
    system: System = SYSTEM,
    submitter: Submitter = "submitter",
    allow: Allow = None,
    trust: Trust = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run, and how long it takes.")] = False,
) -> None:
    """Run the front's points by MLPerf's rules.

    All of accuracy, then 600 s of performance, each in its own process.

    The same command goes on where it was stopped, point by point. Ctrl-C once ends after the running point, twice at
    once.

    Example: dse validate mobilenet_v3 --duration 20s
    """
    found, round_, console = open_study(study, studies), get_round(round_name, to_measure=True), stderr()
    candidates, notes = official_candidates(found, trial, python)
    allowed = rules(allow)
    available_bytes = available_memory_bytes()
    duration_ms = None if duration is None else max(1, round(1e3 * seconds_of("--duration", duration)))
    todo = plan(candidates, found.folder, round_, available_bytes=available_bytes, duration_ms=duration_ms)
    for note in notes:
        console.print(note)
    _show(todo)
    programs = {} if python else programs_of(candidates)
    if dry_run:
        say_not_asked(candidates if programs else (), found)
    elif programs:
        require_trust(programs, found.folder / "study.yaml", trusted=trust)
    findings = findings_of(candidates, submitter, system, round_, run=not (dry_run and programs))
    unmendable = [item for item in blocking(findings, allowed) if not RULES[item.rule].mendable]
    if unmendable and duration is None:
        print_findings(unmendable, console)
        raise BrokenRulesError(unmendable, hint="mend them, or --allow RULE to measure nevertheless")
    if dry_run:
        _require_data(todo)
        return
    with locked(found.folder):
        _require_data(todo)
        with Interrupt("point") as interrupt, LiveValidation(todo) as live:
            interrupt.say = live.note
            outcomes = run(todo, lambda candidate: SubprocessHarness(candidate.python), live, interrupt.requested)
    points = [outcome.point for outcome in outcomes if outcome.point]
    if len(outcomes) < len(todo.steps):
        console.print(f"{len(points)} of {len(todo.steps)} points are validated")
        next_command("the same command", "goes on where this stopped")
        raise typer.Exit(INTERRUPTED)
    if not points:
        raise NothingMeasuredError("no point could be validated", path=found.folder, hint="see the reasons above")
    front = official_front(points, found.objectives)
    for point in points:
        if point not in front:
            console.print(f"trial {point.trial} ({point.name}) is dominated in the official runs: left out")
    console.print(f"{len(front)} of {len(candidates)} points stand{'' if duration is None else ' (a rehearsal)'}")
    words = study_words(study, studies)
    if duration is None:
        again_words = again(round_.name, allow, system=system)
        next_command(f"dse submit {words} --submitter NAME{again_words}", "writes the submission")
    else:
        again_words = again(round_.name, allow, system=system, python=python, trials=trial)
        next_command(f"dse validate {words}{again_words}", "does it by the rules")


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
