"""MLCommons' own submission checker, run from a checkout of the user's, its lines told as dse's findings.

None of its code is part of dse. `git clone --depth 1 https://github.com/mlcommons/inference` gets it; its loader needs
PyYAML. It is always told the round: its default is another one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from dse.errors import MachineError, Remedy, SubmissionError, UsageError
from dse.files import real
from dse.submission.findings import RULES, Finding, finding
from dse.submission.rounds import Round

VARIABLE = "DSE_MLPERF_INFERENCE"
_FOLDER = Path("tools", "submission")
_TIMEOUT_S = 1_800
_OK = "SUMMARY: submission looks OK"

_LINE = re.compile(r"^(?:\[\S+ \S+ \S+?:\d+ (?P<level>[A-Z]+)\]|(?P<plain>[A-Z]+):\S+?:) ?(?P<text>.*)$")
_CONTEXT = re.compile(r"^Starting .* for: (?P<path>.+)$")
_ECHOES = re.compile(r"^(?:Some .* Checks failed|NoResults |SUMMARY: |\S+ contains errors:)")
# Its "Execution occurred in running check ..." tells an exception without a cause, and stays what it is.
_PATTERNS = tuple(
    (re.compile(pattern), rule)
    for pattern, rule in (
        (r"performance_sample_count, found", "buffer-size"),
        (r"_rng_seed is wrong", "seeds"),
        (r"Early stopping condition was not met", "early-stopping"),
        (r"Test duration less than 600s", "min-duration"),
        (r"Required minimum Query Count", "min-queries"),
        (r"can not be inferred", "inferred"),
        (r"Not enough samples were processed for early stopping", "inferred"),
        (r"system json file not found", "system"),
        (r"invalid status", "system-status"),
        (r"invalid system type", "system-type"),
        (r"requires a meaningful response but is empty", "system-field-empty"),
        (r"is missing meaningful value", "measurements-field-empty"),
        (r"(?:\.json|None), field \S+ is missing$", "measurements-field-missing"),
        (r", field \S+ is missing$", "system-field-missing"),
        (r"has submitter", "system-submitter"),
        (r"has division", "system-division"),
        (r"src directory does not exist", "source"),
        (r"is missing (?:user\.conf|README\.md)$", "run-file-missing"),
        (r"is having empty", "run-file-empty"),
        (r"measurements json file not found", "measurements"),
        (r"has loadgen errors", "accuracy-errors"),
        (r"not hash value", "accuracy-hash"),
        (r"is not truncated", "accuracy-json-size"),
        (r"mlperf_log_accuracy\.json is missing", "accuracy-json"),
        (r"does not cover all dataset", "data-set-size"),
    )
)


@dataclass(frozen=True)
class Verdict:
    """What the checker said: ``ok`` is its exit status and its summary; ``findings`` its error lines, in its order.

    It prints error lines about things that it lets pass, so findings do not mean that it refuses.
    """

    ok: bool
    findings: tuple[Finding, ...]
    output: str


def find_checkout(named: Path | None) -> Path | None:
    """The checkout that was named, or that the environment names; None without either. Raises UsageError."""
    path = named or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if path and not (path / _FOLDER / "submission_checker" / "main.py").is_file():
        raise UsageError(f"{path}: no tools/submission/submission_checker in it", remedy=Remedy.GET_OFFICIAL_CHECKER)
    return path


def run_official(checkout: Path, tree: Path, round_: Round, allow: Collection[str] = ()) -> Verdict:
    """The checker's verdict on a tree. Allowing ``data-set-size`` becomes its `--skip-dataset-size-check`.

    Raises SubmissionError if there is no tree, MachineError if the checker does not end.
    """
    if not tree.is_dir():
        raise SubmissionError("no such folder", path=tree, hint="name the folder that contains open/")
    tree = real(tree)
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-B", "-m", "submission_checker.main", "--input", str(tree)]
        command += ["--version", round_.name, "--csv", str(Path(scratch, "summary.csv"))]
        if "data-set-size" in allow:
            command.append("--skip-dataset-size-check")
        try:
            done = subprocess.run(
                command,
                cwd=checkout / _FOLDER,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise MachineError(f"the checker did not end within {_TIMEOUT_S} s", path=checkout) from error
    ok = done.returncode == 0 and _OK in done.stdout
    findings = tuple(_findings(done.stdout, tree))
    if not ok and not findings:
        findings = (finding(".", "official-checker", f"exit status {done.returncode} without a reason"),)
    return Verdict(ok, findings, done.stdout)


def _findings(output: str, tree: Path) -> Iterator[Finding]:
    place = "."
    lines = output.splitlines()
    for line in lines:
        match = _LINE.match(line)
        if not match:
            continue
        text = match["text"].replace(f"{tree}/", "")
        if context := _CONTEXT.match(text):
            place = context["path"]
        elif (match["level"] or match["plain"]) == "ERROR" and not _ECHOES.match(text):
            first = text.split(" ", 1)[0].rstrip(",")
            yield _translated(first if "/" in first else place, text)
    if "Traceback (most recent call last):" in lines:
        yield finding(place, "official-checker", f"it ended with {lines[-1].replace(f'{tree}/', '')}")


def _translated(path: str, text: str) -> Finding:
    rule = next((rule for pattern, rule in _PATTERNS if pattern.search(text)), "official-checker")
    return finding(path, rule, text, allowed=RULES[rule].allowed)
