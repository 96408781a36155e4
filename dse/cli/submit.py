"""`dse submit`: from validated points to a tree that MLCommons accepts, and its archive."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

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
    rules,
    say_not_asked,
    trials_words,
)
from dse.cli.opened import open_study
from dse.cli.options import STUDIES, SYSTEM, Json, Studies, StudyArgument, study_words
from dse.cli.render import counted, next_command, print_json, stderr, stdout
from dse.errors import SubmissionError, UsageError
from dse.study import Study
from dse.submission.candidate import without_repeats
from dse.submission.checks import DIVISION, check_tree
from dse.submission.environment import available_memory_bytes
from dse.submission.findings import BrokenRulesError, blocking
from dse.submission.front import front_candidates
from dse.submission.official import find_checkout, run_official
from dse.submission.pack import pack as pack_tree
from dse.submission.point import ValidatedPoint, require_intact, validated_points
from dse.submission.rounds import DEFAULT_ROUND, SCENARIOS, Round, Scenario, get_round
from dse.submission.system import read_system
from dse.submission.tree import Submission, read_round, write_tree
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

_Scenarios = Annotated[str, typer.Option(help="SingleStream and what is derived from it, with commas.")]
_TreeRound = Annotated[
    str | None, typer.Option("--round", help="MLPerf's round. [default: the round it was written for]")
]
_Tree = Annotated[Path, typer.Argument(metavar="TREE", help="The folder that contains open/.")]


@app.command()
def tree(
    study: StudyArgument,
    submitter: Submitter,
    studies: Studies = STUDIES,
    round_name: RoundName = DEFAULT_ROUND,
    scenarios: _Scenarios = "SingleStream",
    system: System = SYSTEM,
    out: Annotated[Path | None, typer.Option(help="The folder to write. [default: STUDY/submission]")] = None,
    allow: Allow = None,
) -> None:
    """Write the tree of a study's validated front points.

    All of it or nothing, in place of an older one of the same submitter, system and round.

    \b
    Example: dse submit mobilenet_v3 --submitter Example \\
        --scenarios SingleStream,Offline,MultiStream
    """
    console, found, round_ = stderr(), open_study(study, studies), get_round(round_name, to_measure=True)
    hint = f"dse validate {study_words(study, studies)} --round {round_.name}"
    front = _front_to_submit(found, round_, console, hint)
    description = read_system(system)
    submission = Submission(
        submitter,
        description.system_id,
        description.fields,
        round_,
        front,
        _scenarios(scenarios),
        found.folder / "study.yaml",
    )
    destination = out or found.folder / "submission"
    try:
        allowed = write_tree(submission, destination, rules(allow))
    except BrokenRulesError as error:
        print_findings(error.findings, console)
        raise
    if allowed:
        print_findings(allowed, console)
        console.print("These rules are broken: the tree can be checked for form, not submitted.", style="bold")
    console.print(
        f"{counted(len(front), 'point')} in {destination}/tree; the complete accuracy logs lie beside it: keep them"
    )
    next_command(
        f"dse submit check {shlex.quote(str(destination / 'tree'))}{again(None, allow)}", "looks at every rule"
    )


@app.command()
def preflight(
    study: StudyArgument,
    studies: Studies = STUDIES,
    submitter: Submitter = "submitter",
    round_name: RoundName = DEFAULT_ROUND,
    scenarios: _Scenarios = "SingleStream",
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
    candidates, notes = official_candidates(found, trial, python)
    if python is None:
        say_not_asked(candidates, found)
    findings = findings_of(candidates, submitter, system, round_, _scenarios(scenarios), run=python is not None)
    if as_json:
        document = {"round": round_.name, "findings": [dataclasses.asdict(item) for item in findings], "notes": notes}
        print_json(document)
    else:
        print_findings(findings, stdout())
        for note in notes:
            stderr().print(note)
    if broken := blocking(findings, rules(allow)):
        raise BrokenRulesError(broken)
    plan(candidates, found.folder, round_, available_bytes=available_memory_bytes())
    words = again(round_.name, allow, system=system, python=python, trials=trial)
    next_command(f"dse validate {study_words(study, studies)}{words}", "runs the front by the rules")


@app.command()
def check(
    tree: _Tree,
    round_name: _TreeRound = None,
    checker: Annotated[
        Path | None, typer.Option(help="A checkout of mlcommons/inference. [default: $DSE_MLPERF_INFERENCE]")
    ] = None,
    allow: Allow = None,
    as_json: Json = False,
) -> None:
    """Check a tree by the rules of its round.

    The built-in rules first, then MLCommons' own checker if there is a checkout of it.

    Example: dse submit check studies/rpi5/submission/tree --checker ~/inference
    """
    console = stderr()
    round_, allowed = _round_of(tree, round_name), rules(allow)
    findings = check_tree(tree, round_)
    broken = blocking(findings, allowed)
    checkout = find_checkout(checker)
    verdict = run_official(checkout, tree, round_, allowed) if checkout else None
    official = () if verdict is None else verdict.findings
    if as_json:
        verdict_document = verdict and {"ok": verdict.ok, "findings": [dataclasses.asdict(item) for item in official]}
        print_json(
            {
                "round": round_.name,
                "findings": [dataclasses.asdict(item) for item in findings],
                "allowed": sorted(allowed),
                "official": verdict_document,
            }
        )
    else:
        print_findings(findings, stdout())
        if verdict is None:
            console.print("MLCommons' checker was not run: --checker names a checkout of mlcommons/inference.")
        else:
            print_findings(official, stdout(), "official ")
            console.print(f"MLCommons' checker: {'submission looks OK' if verdict.ok else 'submission has errors'}")
    if broken:
        raise BrokenRulesError(broken)
    if verdict is not None and not verdict.ok:
        raise BrokenRulesError(list(official), hint="see the official findings above")
    next_command(f"dse submit pack {shlex.quote(str(tree))}{again(round_name, allow)}", "makes the archive")


@app.command()
def pack(
    tree: _Tree,
    archive: Annotated[
        Path | None, typer.Option(help="Where to write it. [default: SUBMITTER.tar.gz beside the tree]")
    ] = None,
    round_name: _TreeRound = None,
    allow: Allow = None,
) -> None:
    """Make the archive of a tree that breaks no rule.

    The same tree, the same bytes.

    Example: dse submit pack studies/rpi5/submission/tree
    """
    if broken := blocking(check_tree(tree, _round_of(tree, round_name)), rules(allow)):
        print_findings(broken, stderr())
        raise BrokenRulesError(broken)
    submitters = sorted(path.name for path in (tree / "open").iterdir())
    target = archive or tree.resolve().parent / f"{'-'.join(submitters)}.tar.gz"
    typer.echo(f"{pack_tree(tree, target)}  {target}")


def _front_to_submit(study: Study, round_: Round, console: Console, hint: str) -> list[ValidatedPoint]:
    """The validated points that are on the front, by the official runs too; of the others it is said why not."""
    candidates, _ = without_repeats(front_candidates(study))
    on_front = [item.trial for item in candidates]
    validated, unfit = dict[int, ValidatedPoint](), dict[int, str]()
    # of two points with the same runs, the one that is on the front
    for point in sorted(validated_points(study.folder), key=lambda point: point.trial not in on_front):
        same = next((item.trial for item in candidates if stands_for(point, item)), None)
        if point.rehearsal or point.round != round_.name:
            unfit[point.trial] = "a rehearsal" if point.rehearsal else f"of round {point.round}"
        elif same is None:
            console.print(f"trial {point.trial} ({point.name}) is not on the study's front any more: left out")
        elif (first := validated.setdefault(same, point)) is not point:
            console.print(f"trial {point.trial} ({point.name}): the same runs as trial {first.trial}: left out")
    points = sorted(validated.values(), key=lambda point: point.trial)
    fit = {point.trial for point in points}
    others = [f"trial {trial} {what}" for trial, what in unfit.items() if trial not in fit]
    for point in points:  # before its figures drop another point
        require_intact(point)
    if missing := [trial for trial in on_front if trial not in validated]:
        console.print(f"on the front and not validated, left out: {trials_words(missing)}")
    if others and not points:
        message = f"no official runs of round {round_.name}: {', '.join(others)}"
        raise SubmissionError(message, path=study.folder, hint=hint)
    if others:
        console.print(f"no official runs of round {round_.name}, left out: {', '.join(others)}")
    front = official_front(points, study.objectives)
    for point in points:
        if point not in front:
            console.print(f"trial {point.trial} ({point.name}) is dominated in the official runs: left out")
    return front


def _scenarios(text: str) -> tuple[Scenario, ...]:
    asked = {name.strip() for name in text.split(",")}
    if unknown := asked - set(SCENARIOS):
        raise UsageError(f"--scenarios: found {', '.join(sorted(unknown))}, allowed: {', '.join(SCENARIOS)}")
    return tuple(name for name in SCENARIOS if name in asked)


def _round_of(tree: Path, named: str | None) -> Round:
    if not (tree / DIVISION).is_dir():
        inside = tree / "tree"
        what = f"no folder {DIVISION}/ in it" if tree.is_dir() else "no such folder"
        hint = "dse submit STUDY --submitter NAME writes one: STUDY/submission/tree"
        raise SubmissionError(
            f"{what}; looked for the tree of a submission, a folder that contains {DIVISION}/<submitter>/",
            path=tree,
            hint=f"name {inside}" if (inside / DIVISION).is_dir() else hint,
        )
    found = named or read_round(tree)
    if found is None:
        raise UsageError(f"{tree} does not say its round", hint="name it with --round")
    return get_round(found)
