"""What `dse submit` and `dse validate` share: the front's points as official runs have them, and the rules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from dse.cli.options import SYSTEM, option_words
from dse.cli.render import stderr
from dse.cli.trusted import NOT_ASKED
from dse.errors import UsageError
from dse.study import Study
from dse.submission.candidate import Candidate, without_repeats
from dse.submission.environment import loadgen_version
from dse.submission.findings import RULES, Finding
from dse.submission.front import front_candidates
from dse.submission.preflight import preflight
from dse.submission.rounds import Round, Scenario
from dse.submission.system import read_system

Allow = Annotated[
    list[str] | None, typer.Option("--allow", metavar="RULE", help="A rule that may be broken; repeatable.")
]
RoundName = Annotated[str, typer.Option("--round", help="MLPerf's round: v5.1, v6.0 or v6.1.")]
Submitter = Annotated[str, typer.Option(help="The organisation that submits; no spaces.")]
System = Annotated[Path, typer.Option(help="The device's description (dse system init).")]
Trials = Annotated[
    list[int] | None, typer.Option("--trial", metavar="TRIAL", help="Only this point of the front; repeatable.")
]
Python = Annotated[str | None, typer.Option(help="Interpreter with the round's LoadGen and the runtime.")]


def official_candidates(
    study: Study, trials: list[int] | None, python: str | None
) -> tuple[list[Candidate], list[str]]:
    """The front's points as official runs have them, and what is different from exploration.

    Raises as `front_candidates` does.
    """
    if python and "/" in python:  # from any folder, as the harness runs in the run's; not resolved, or a venv is left
        python = str(Path(python).absolute())
    kept, repeats = without_repeats(front_candidates(study, trials or (), python))
    enlarged: dict[tuple[int, int], list[int]] = {}
    for item in kept:
        if item.buffer_size > item.explored_buffer_size:
            enlarged.setdefault((item.explored_buffer_size, item.buffer_size), []).append(item.trial)
    notes = [
        f"{trials_words(found)}: explored with a buffer of {explored}, measured officially with {official}, as the "
        "rules want; memory is not the explored one"
        for (explored, official), found in enlarged.items()
    ]
    notes += [f"trial {trial}: the same official runs as trial {other}, left out" for trial, other in repeats.items()]
    return kept, notes


def trials_words(numbers: list[int]) -> str:
    """``trial 3``, ``trials 3, 5``."""
    return f"{'trial' if len(numbers) == 1 else 'trials'} {', '.join(map(str, numbers))}"


def rules(allow: Sequence[str] | None) -> frozenset[str]:
    """The rules that --allow names. Raises UsageError."""
    if unknown := sorted(set(allow or ()) - set(RULES)):
        raise UsageError(f"--allow: found {', '.join(unknown)}, allowed: {', '.join(RULES)}")
    return frozenset(allow or ())


def findings_of(
    candidates: Sequence[Candidate],
    submitter: str,
    system: Path,
    round_: Round,
    scenarios: Sequence[Scenario] = ("SingleStream",),
    *,
    run: bool,
) -> list[Finding]:
    """What `dse.submission.preflight` says, with the LoadGen of each interpreter that would measure.

    Those that the candidates' study names are asked only where they may be ``run``.
    """
    description = read_system(system)
    found = [
        item
        for interpreter in dict.fromkeys(item.python for item in candidates)
        for item in preflight(
            [item for item in candidates if item.python == interpreter],
            submitter=submitter,
            system_id=description.system_id,
            system=description.fields,
            round_=round_,
            loadgen_version=loadgen_version(interpreter) if run or interpreter is None else None,
            scenarios=scenarios,
        )
    ]
    return list(dict.fromkeys(found))  # the system's are those of every interpreter


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


def print_findings(findings: Sequence[Finding], console: Console, prefix: str = "") -> None:
    """Three lines for each: rule and file, found and allowed, fix."""
    for item in findings:
        console.print(Text.assemble((f"{prefix}{item.rule}", "bold"), f" {item.path}"), soft_wrap=True)
        console.print(Text(f"  found {item.found}; allowed: {item.allowed}"), soft_wrap=True)
        console.print(Text(f"  fix: {item.fix}"), soft_wrap=True)


def again(
    round_name: str | None,
    allow: list[str] | None,
    *,
    system: Path = SYSTEM,
    python: str | None = None,
    trials: list[int] | None = None,
) -> str:
    """The options that the next command has to have again, as its words."""
    named = None if system == SYSTEM else system
    return option_words(round=round_name, system=named, python=python, trial=trials, allow=allow)
