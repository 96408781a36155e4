"""`dse submit`: from validated points to a tree that MLCommons accepts, and its archive."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from dse.errors import UsageError
from dse.submission.checks import check_tree
from dse.submission.findings import RULES, BrokenRulesError, Finding, blocking
from dse.submission.official import find_checkout, run_official
from dse.submission.pack import pack as pack_tree
from dse.submission.point import validated_points
from dse.submission.rounds import DEFAULT_ROUND, SCENARIOS, Round, Scenario, get_round
from dse.submission.system import read_system
from dse.submission.tree import Submission, read_round, write_tree
from dse.submission.validate import official_front

_DEFAULT_OBJECTIVES = {"accuracy": "maximize", "latency_p90_ns": "minimize", "peak_memory_bytes": "minimize"}


class _StudyOrCommand(TyperGroup):
    """`dse submit STUDY ...` is `dse submit tree STUDY ...`: what is no command is a study."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["tree", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_StudyOrCommand,
    no_args_is_help=True,
    help="Write, check and pack a submission. `dse submit STUDY --submitter NAME` writes it.",
)

_Allow = Annotated[list[str] | None, typer.Option("--allow", help="A rule that may be broken; repeatable.")]
_Json = Annotated[bool, typer.Option("--json", help="The findings as JSON.")]


@app.command()
def tree(
    study: Annotated[Path, typer.Argument(help="The study's folder.")],
    submitter: Annotated[str, typer.Option(help="The organisation that submits; no spaces.")],
    round_name: Annotated[str, typer.Option("--round", help="The round that the points were validated for.")] = (
        DEFAULT_ROUND
    ),
    scenarios: Annotated[
        str, typer.Option(help="SingleStream and what is derived from it, with commas.")
    ] = "SingleStream",
    system: Annotated[Path, typer.Option(help="The device's description (dse system init).")] = Path("system.yaml"),
    allow: _Allow = None,
) -> None:
    """Write the tree of the study's validated front points to STUDY/submission; all of it or nothing.

    Example: dse submit studies/rpi5 --submitter Example --scenarios SingleStream,Offline,MultiStream
    """
    console = Console(stderr=True)
    points = validated_points(study)
    front = official_front(points, _DEFAULT_OBJECTIVES) if len(points) > 1 else points
    for point in points:
        if point not in front:
            console.print(f"trial {point.trial} ({point.name}) is dominated in the official runs: left out")
    description = read_system(system)
    study_file = study / "study.yaml"
    submission = Submission(
        submitter,
        description.system_id,
        description.fields,
        get_round(round_name),
        front,
        _scenarios(scenarios),
        study_file if study_file.is_file() else None,
    )
    destination = study / "submission"
    try:
        allowed = write_tree(submission, destination, _rules(allow))
    except BrokenRulesError as error:
        _print(error.findings, console)
        raise
    if allowed:
        _print(allowed, console)
        console.print("[bold]These rules are broken: the tree can be checked for form, not submitted.[/]")
    console.print(f"{len(front)} points in {destination}/tree; complete accuracy logs beside it: keep them.")
    console.print(f"Next: [bold]dse submit check {destination}/tree[/]")


@app.command()
def check(
    tree: Annotated[Path, typer.Argument(help="The folder that contains open/.")],
    round_name: Annotated[str | None, typer.Option("--round", help="Default: the round it was written for.")] = None,
    checker: Annotated[
        Path | None, typer.Option(help="A checkout of mlcommons/inference. Default: DSE_MLPERF_INFERENCE.")
    ] = None,
    allow: _Allow = None,
    as_json: _Json = False,
) -> None:
    """Check a tree: the built-in rules first, then MLCommons' own checker if there is a checkout of it.

    Example: dse submit check studies/rpi5/submission/tree --checker ~/inference
    """
    console = Console(stderr=True)
    round_, allowed = _round_of(tree, round_name), _rules(allow)
    findings = check_tree(tree, round_)
    broken = blocking(findings, allowed)
    checkout = find_checkout(checker)
    verdict = run_official(checkout, tree, round_, allowed) if checkout else None
    official = () if verdict is None else verdict.findings
    if as_json:
        document = {
            "round": round_.name,
            "findings": [dataclasses.asdict(item) for item in findings],
            "allowed": sorted(allowed),
            "official": None if verdict is None else {"ok": verdict.ok, "findings": list(map(dataclasses.asdict, official))},
        }  # fmt: skip
        typer.echo(json.dumps(document, indent=2))
    else:
        _print(findings, Console())
        if verdict is None:
            console.print("MLCommons' checker was not run: --checker names a checkout of mlcommons/inference.")
        else:
            _print(official, Console(), "official ")
            console.print(f"MLCommons' checker: {'submission looks OK' if verdict.ok else 'submission has errors'}")
    if broken:
        raise BrokenRulesError(broken)
    if verdict is not None and not verdict.ok:
        raise BrokenRulesError(list(official), hint="see the official findings above")
    if not as_json:
        console.print(f"No rule is broken. Next: [bold]dse submit pack {tree}[/]")


@app.command()
def pack(
    tree: Annotated[Path, typer.Argument(help="The folder that contains open/.")],
    archive: Annotated[
        Path | None, typer.Option(help="Where to write it.", show_default="<submitter>.tar.gz beside the tree")
    ] = None,
    round_name: Annotated[str | None, typer.Option("--round", help="Default: the round it was written for.")] = None,
    allow: _Allow = None,
) -> None:
    """Make the archive of a tree that breaks no rule: the same tree, the same bytes.

    Example: dse submit pack studies/rpi5/submission/tree
    """
    if broken := blocking(check_tree(tree, _round_of(tree, round_name)), _rules(allow)):
        _print(broken, Console(stderr=True))
        raise BrokenRulesError(broken)
    submitters = sorted(path.name for path in (tree / "open").iterdir())
    target = archive or tree.resolve().parent / f"{'-'.join(submitters)}.tar.gz"
    typer.echo(f"{pack_tree(tree, target)}  {target}")


def _scenarios(text: str) -> tuple[Scenario, ...]:
    asked = {name.strip() for name in text.split(",")}
    if unknown := asked - set(SCENARIOS):
        raise UsageError(f"--scenarios: found {', '.join(sorted(unknown))}, allowed: {', '.join(SCENARIOS)}")
    return tuple(name for name in SCENARIOS if name in asked)


def _rules(allow: Sequence[str] | None) -> frozenset[str]:
    if unknown := sorted(set(allow or ()) - set(RULES)):
        raise UsageError(f"--allow: found {', '.join(unknown)}, allowed: {', '.join(RULES)}")
    return frozenset(allow or ())


def _round_of(tree: Path, named: str | None) -> Round:
    found = named or read_round(tree)
    if found is None:
        raise UsageError(f"{tree} does not say its round", hint="name it with --round")
    return get_round(found)


def _print(findings: Sequence[Finding], console: Console, prefix: str = "") -> None:
    for item in findings:
        console.print(f"[bold]{prefix}{item.rule}[/] {escape(item.path)}", soft_wrap=True)
        console.print(f"  found {escape(item.found)}; allowed: {escape(item.allowed)}", soft_wrap=True)
        console.print(f"  fix: {escape(item.fix)}", soft_wrap=True)
