"""What `dse submit` and `dse validate` share: the front's points as official runs have them, and the rules."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from dse.cli.options import SYSTEM, option_words
from dse.cli.remedies import worded
from dse.cli.render import print_error, stderr
from dse.cli.trusted import NOT_ASKED
from dse.errors import DseError, Remedy, SubmissionError, UsageError
from dse.study import Study
from dse.submission.candidate import Candidate, without_repeats
from dse.submission.environment import loadgen_version
from dse.submission.fields import SYSTEM_FIELDS
from dse.submission.findings import RULES, Finding, finding
from dse.submission.front import front_candidates
from dse.submission.preflight import preflight
from dse.submission.rounds import Round, Scenario
from dse.submission.system import SystemDescription, read_system

SUBMITTER = "submitter"
"""Who submits, as long as nobody has said so."""
_MOST_PLACES = 3

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


@dataclass(frozen=True)
class OfficialCandidates:
    """The front's points as official runs have them, what is different from exploration, and what cannot be run."""

    candidates: list[Candidate]
    notes: list[str]
    problems: list[DseError]


def official_candidates(study: Study, trials: list[int] | None, python: str | None) -> OfficialCandidates:
    """Raises as `front_candidates` does, and its first problem where no candidate is left."""
    if python and "/" in python:  # from any folder, as the harness runs in the run's; not resolved, or a venv is left
        python = str(Path(python).absolute())
    found, problems = front_candidates(study, trials or (), python)
    if problems and not found:
        raise problems[0]
    kept, repeats = without_repeats(found)
    enlarged: dict[tuple[int, int], list[int]] = {}
    for item in kept:
        if item.buffer_size > item.explored_buffer_size:
            enlarged.setdefault((item.explored_buffer_size, item.buffer_size), []).append(item.trial)
    notes = [
        f"{trials_words(found)}: explored with a buffer of {explored}, measured officially with {official}, as the "
        "rules want; memory is not the explored one"
        for (explored, official), found in enlarged.items()
    ]
    notes += [f"trial {trial}: the same official runs as trial {other}, excluded" for trial, other in repeats.items()]
    return OfficialCandidates(kept, notes, problems)


def trials_words(numbers: list[int]) -> str:
    """``trial 3``, ``trials 3, 5``."""
    return f"{'trial' if len(numbers) == 1 else 'trials'} {', '.join(map(str, numbers))}"


def rules(allow: Sequence[str] | None) -> frozenset[str]:
    """The rules that --allow names. Raises UsageError."""
    allowed = ", ".join(rule.name for rule in RULES.values() if rule.allowable)
    if unknown := sorted(set(allow or ()) - set(RULES)):
        raise UsageError(f"--allow: found {', '.join(unknown)}, allowed: {allowed}")
    if never := [name for name in allow or () if not RULES[name].allowable]:
        raise UsageError(f"--allow: {', '.join(never)} is never let through, allowed: {allowed}")
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

    Those that the candidates' study names are asked only where they may be ``run``. Without a description of the
    system that is a finding, and everything else is looked at nevertheless.
    """
    found: list[Finding] = []
    try:
        description = read_system(system)
    except SubmissionError as error:
        if system.exists():
            raise
        said = finding(system, "system", error.message, allowed="the description of the device")
        found.append(dataclasses.replace(said, fix=Remedy.DESCRIBE_SYSTEM))
        description = SystemDescription("system", _UNSAID)
    found += [
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


_UNSAID = dict.fromkeys(SYSTEM_FIELDS, "-") | {
    "status": "available",
    "system_type": "edge",
    "number_of_nodes": "1",
    "accelerators_per_node": "0",
}
"""A description that breaks no rule, for whoever has none yet."""


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
