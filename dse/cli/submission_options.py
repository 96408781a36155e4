"""What `dse submit` and `dse validate` share: their options, and how rules and problems are shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from dse.cli.options import SYSTEM, option_words
from dse.cli.remedies import worded
from dse.cli.render import print_error, stderr
from dse.cli.trusted import NOT_ASKED
from dse.errors import DseError, Remedy, UsageError
from dse.study import Study
from dse.submission.candidate import Candidate
from dse.submission.findings import RULES, Finding
from dse.submission.rounds import measurable_rounds

SUBMITTER = "submitter"
"""Who submits, as long as nobody has said so."""
_MOST_PLACES = 3

Allow = Annotated[
    list[str] | None, typer.Option("--allow", metavar="RULE", help="A rule that may be broken; repeatable.")
]
RoundName = Annotated[
    str, typer.Option("--round", metavar="ROUND", help=f"MLPerf's round: {', '.join(measurable_rounds())}.")
]
Submitter = Annotated[str, typer.Option(metavar="NAME", help="The organisation that submits; no spaces.")]
System = Annotated[Path, typer.Option(metavar="FILE", help="The device's description (dse system init).")]
Trials = Annotated[
    list[int] | None, typer.Option("--trial", metavar="TRIAL", help="Only this point of the front; repeatable.")
]
Python = Annotated[
    str | None, typer.Option(metavar="PROGRAM", help="Interpreter with the round's LoadGen and the runtime.")
]


def rules(allow: Sequence[str] | None) -> frozenset[str]:
    """The rules that --allow names. Raises UsageError."""
    allowed = ", ".join(rule.name for rule in RULES.values() if rule.allowable)
    if unknown := sorted(set(allow or ()) - set(RULES)):
        raise UsageError(f"--allow: found {', '.join(unknown)}, allowed: {allowed}")
    if never := [name for name in allow or () if not RULES[name].allowable]:
        raise UsageError(f"--allow: {', '.join(never)} is never let through, allowed: {allowed}")
    return frozenset(allow or ())


def programs_of(candidates: Sequence[Candidate]) -> dict[str, str]:
    """The interpreters that would run the candidates, by what each is for."""
    return {
        str(item.configuration.get("runtime", item.request.runtime.name)): item.python
        for item in candidates
        if item.python
    }


def say_not_asked(candidates: Sequence[Candidate], study: Study) -> None:
    """Name the interpreters of the study whose LoadGen nobody asked for: looking runs none."""
    for name, program in programs_of(candidates).items():
        stderr().print(f"runtime {name}: {program}, as {study.folder / 'study.yaml'} says; {NOT_ASKED}")


def fix_of(item: Finding) -> str:
    """What mends a broken rule, as it is typed."""
    return worded(item.fix) if isinstance(item.fix, Remedy) else item.fix


def finding_document(item: Finding) -> dict[str, Any]:
    """A broken rule, as JSON."""
    return dataclasses.asdict(item) | {"fix": fix_of(item)}


def print_findings(findings: Sequence[Finding], console: Console, prefix: str = "") -> None:
    """Three lines for each: rule and file, found and allowed, fix. What is the same in many files is said once."""
    places: dict[tuple[str, str, str, str], list[str]] = {}
    for item in findings:
        places.setdefault((item.rule, item.found, item.allowed, fix_of(item)), []).append(item.path)
    for (rule, found, allowed, fix), paths in places.items():
        shown = paths if len(paths) <= _MOST_PLACES else paths[: _MOST_PLACES - 1]
        console.print(Text.assemble((f"{prefix}{rule}", "bold"), f" {shown[0]}"), soft_wrap=True)
        for path in shown[1:]:
            console.print(Text(f"  and {path}"), soft_wrap=True)
        if len(paths) > len(shown):
            console.print(Text(f"  and {len(paths) - len(shown)} more files"), soft_wrap=True)
        console.print(Text(f"  found {found}; allowed: {allowed}"), soft_wrap=True)
        console.print(Text(f"  fix: {fix}"), soft_wrap=True)


def print_problems(problems: Sequence[DseError]) -> None:
    """What is wrong with the points that are excluded, as errors are printed."""
    for problem in problems:
        print_error(problem)


def again(
    round_name: str | None,
    allow: list[str] | None,
    *,
    submitter: str | None = None,
    system: Path = SYSTEM,
    python: str | None = None,
    trials: list[int] | None = None,
) -> str:
    """The options that the next command has to have again, as its words."""
    return option_words(
        submitter=None if submitter == SUBMITTER else submitter,
        round=round_name,
        system=None if system == SYSTEM else system,
        python=python,
        trial=trials,
        allow=allow,
    )
