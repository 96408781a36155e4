"""What a submission would be made of: the front's points as official runs have them, and what is wrong before any."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from dse.errors import DseError, Remedy, SubmissionError
from dse.study import Study
from dse.submission.candidate import Candidate, without_repeats
from dse.submission.environment import loadgen_version
from dse.submission.fields import SYSTEM_FIELDS
from dse.submission.findings import Finding, finding
from dse.submission.front import front_candidates
from dse.submission.preflight import preflight
from dse.submission.rounds import Round, Scenario
from dse.submission.system import SystemDescription, read_system

_UNSAID = dict.fromkeys(SYSTEM_FIELDS, "-") | {
    "status": "available",
    "system_type": "edge",
    "number_of_nodes": "1",
    "accelerators_per_node": "0",
}
"""A description that breaks no rule, for whoever has none yet."""


@dataclass(frozen=True)
class OfficialCandidates:
    """The front's points as official runs have them, what is different from exploration, and what cannot be run."""

    candidates: list[Candidate]
    notes: list[str]
    problems: list[DseError]


def official_candidates(study: Study, trials: Collection[int], python: str | None) -> OfficialCandidates:
    """The points of the front, or those of them that ``trials`` names.

    Raises as `front_candidates` does, and its first problem where no candidate is left.
    """
    if python and "/" in python:  # from any folder, as the harness runs in the run's; not resolved, or a venv is left
        python = str(Path(python).absolute())
    found, problems = front_candidates(study, trials, python)
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


def findings_of(
    candidates: Sequence[Candidate],
    submitter: str,
    system: Path,
    round_: Round,
    scenarios: Sequence[Scenario] = (),
    *,
    run: bool,
    loadgen: str | None = None,
) -> list[Finding]:
    """What `dse.submission.preflight` says, with the LoadGen of each interpreter that would measure.

    Or with ``loadgen`` of the boards that would; it is empty where nobody knows theirs.

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
            loadgen_version=_loadgen(interpreter, run=run) if loadgen is None else loadgen or None,
            scenarios=scenarios,
        )
    ]
    return list(dict.fromkeys(found))  # the system's are those of every interpreter


def _loadgen(interpreter: str | None, *, run: bool) -> str | None:
    return loadgen_version(interpreter) if run or interpreter is None else None
