"""`dse submit check` and `dse submit pack`: what is written is looked at again before it goes anywhere."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from dse.cli.options import Json
from dse.cli.render import next_command, print_json, stderr, stdout
from dse.cli.submission_options import Allow, again, finding_document, print_findings, rules
from dse.errors import SubmissionError, UsageError
from dse.files import real
from dse.submission.check_figures import check_figures
from dse.submission.checks import DIVISION, check_tree
from dse.submission.findings import BrokenRulesError, Finding, blocking
from dse.submission.manifest import find_manifest, read_manifest
from dse.submission.mark import MARK, mark
from dse.submission.mlcommons_checker import find_checkout, run_official
from dse.submission.pack import pack
from dse.submission.rounds import Round, get_round

_TreeRound = Annotated[
    str | None, typer.Option("--round", metavar="ROUND", help="MLPerf's round. [default: the round it was written for]")
]
_Tree = Annotated[Path, typer.Argument(metavar="TREE", help="The folder that contains open/.")]
_OF_REHEARSALS = ("rehearsal", "min-duration")
"""What every rehearsal breaks: no matter for its form."""
_WHO_TAKES_IT = (
    "MLCommons takes it: register for the round with its Inference working group before the deadline, and upload the "
    "archive with the ID that you get (https://docs.mlcommons.org/inference/submission/). Keep the complete accuracy "
    "logs: MLCommons may ask for them."
)


def check_command(
    tree: _Tree,
    round_name: _TreeRound = None,
    checker: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="A checkout of mlcommons/inference. [default: $DSE_MLPERF_INFERENCE]"),
    ] = None,
    allow: Allow = None,
    as_json: Json = False,
) -> None:
    """Check a tree by the rules of its round.

    The built-in rules first, every figure again from LoadGen's logs, then MLCommons' own checker if there is a
    checkout of it.

    Example: dse submit check studies/rpi5/submission/tree --checker ~/inference
    """
    console = stderr()
    allowed = rules(allow)
    checked = _check(tree, round_name)
    broken = blocking(checked.findings, allowed)
    if checked.rehearsal:
        broken = [item for item in broken if item.rule not in _OF_REHEARSALS]
    checkout = find_checkout(checker)
    verdict = run_official(checkout, tree, checked.round, allowed) if checkout else None
    official = () if verdict is None else verdict.findings
    if as_json:
        verdict_document = verdict and {"ok": verdict.ok, "findings": [finding_document(item) for item in official]}
        print_json(
            {
                "round": checked.round.name,
                "rehearsal": checked.rehearsal,
                "findings": [finding_document(item) for item in checked.findings],
                "notes": checked.notes,
                "allowed": sorted(allowed),
                "official": verdict_document,
            }
        )
    else:
        print_findings(checked.findings, stdout())
        for note in checked.notes:
            console.print(note)
        if verdict is None:
            console.print("MLCommons' checker was not run: --checker names a checkout of mlcommons/inference.")
        else:
            print_findings(official, stdout(), "official ")
            console.print(f"MLCommons' checker: {'submission looks OK' if verdict.ok else 'submission has errors'}")
    if broken:
        raise BrokenRulesError(broken)
    if verdict is not None and not verdict.ok and not checked.rehearsal:
        raise BrokenRulesError(list(official), hint="see the official findings above")
    if checked.rehearsal:
        console.print("Its form is right. It is a rehearsal: dse submit pack refuses it.", style="bold")
    else:
        next_command(f"dse submit pack {shlex.quote(str(tree))}{again(round_name, allow)}", "makes the archive")


def pack_command(
    tree: _Tree,
    archive: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it. [default: SUBMITTER.tar.gz beside the tree]")
    ] = None,
    round_name: _TreeRound = None,
    allow: Allow = None,
) -> None:
    """Make the archive of a tree that breaks no rule.

    Every figure is computed again first. The same tree, the same bytes. An archive of a tree with rules that --allow
    lets through says so inside.

    Example: dse submit pack studies/rpi5/submission/tree
    """
    console, allowed = stderr(), rules(allow)
    checked = _check(tree, round_name)
    if broken := blocking(checked.findings, allowed):
        print_findings(broken, console)
        raise BrokenRulesError(broken)
    submitters = sorted(path.name for path in (tree / DIVISION).iterdir())
    target = archive or real(tree).parent / f"{'-'.join(submitters)}.tar.gz"
    text = mark(checked.findings)
    marks = {f"{DIVISION}/{name}/{MARK}": text for name in submitters} if checked.findings else {}
    digest = pack(tree, target, marks)
    typer.echo(f"{digest}  {target}")
    for note in checked.notes:
        console.print(note)
    if checked.findings:
        broken_rules = ", ".join(sorted({item.rule for item in checked.findings}))
        console.print(f"Not to be submitted, and {MARK} in it says so: it breaks {broken_rules}.", style="bold")
    else:
        console.print(_WHO_TAKES_IT)


@dataclass(frozen=True)
class _Checked:
    round: Round
    rehearsal: bool
    findings: list[Finding]
    notes: list[str]


def _check(tree: Path, round_name: str | None) -> _Checked:
    """Every rule that a tree breaks, by its form and by its figures. Raises SubmissionError, UsageError."""
    _require_tree(tree)
    tree = real(tree)  # `.` has something beside it too
    path = find_manifest(tree)
    manifest = None if path is None else read_manifest(path)
    named = round_name or (None if manifest is None else manifest.round)
    if named is None:
        raise UsageError(f"{tree} does not say its round", hint="name it with --round")
    round_ = get_round(named)
    figures = check_figures(tree, round_, manifest)
    rehearsal = manifest is not None and manifest.rehearsal
    return _Checked(round_, rehearsal, check_tree(tree, round_) + figures.findings, figures.notes)


def _require_tree(tree: Path) -> None:
    if (tree / DIVISION).is_dir():
        return
    inside = tree / "tree"
    what = f"no folder {DIVISION}/ in it" if tree.is_dir() else "no such folder"
    hint = "dse submit STUDY --submitter NAME writes one: STUDY/submission/tree"
    raise SubmissionError(
        f"{what}; looked for the tree of a submission, a folder that contains {DIVISION}/<submitter>/",
        path=tree,
        hint=f"name {inside}" if (inside / DIVISION).is_dir() else hint,
    )
