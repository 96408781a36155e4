"""Every figure of a tree again, from LoadGen's logs in it, the complete accuracy logs beside it, and the labels.

A tree of `dse submit` has a chain of evidence: trial, validation.json, submission.json, tree. What of it is here is
followed; what LoadGen's own logs contradict is found whatever hashes somebody has written again. A tree of another
origin has no submission.json: its logs are compared with one another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dse.submission.check_result import ResultFigures
from dse.submission.findings import Finding, finding
from dse.submission.manifest import MANIFEST, Manifest, hashes_of
from dse.submission.rounds import Round


@dataclass
class TreeFigures:
    """What `check_figures` found: the broken rules, and sentences about what could not be asked."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check_figures(tree: Path, round_: Round, manifest: Manifest | None, base: Path | None = None) -> TreeFigures:
    """Every figure in ``tree`` that LoadGen's logs do not have, and every file that is not what dse wrote.

    ``base`` is the folder that paths in the manifest start from, by default the one that holds the tree.
    """
    checked = TreeFigures()
    if manifest is None or manifest.files is None:
        found = "no such file" if manifest is None else "one of an older dse, without hashes"
        checked.findings.append(finding(MANIFEST, "evidence", found))
    else:
        checked.findings += _check_files(tree, manifest.files)
        if manifest.rehearsal:
            checked.findings.append(finding(MANIFEST, "rehearsal", "runs shorter than the rules want"))
    for submitter in sorted((tree / "open").glob("*/")):
        checked.findings += _check_origins(submitter, manifest)
    for folder in sorted((tree / "open").glob("*/results/*/*/*/")):
        checked.findings += ResultFigures(tree, folder, round_, manifest, base or tree.parent, checked.notes).check()
    checked.findings = list(dict.fromkeys(checked.findings))
    checked.notes = list(dict.fromkeys(checked.notes))
    return checked


def _check_origins(submitter: Path, manifest: Manifest | None) -> Iterator[Finding]:
    """Models of a tree of dse of which submission.json does not say what they were made from."""
    if manifest is None or manifest.files is None:
        return
    for model in sorted({path.name for path in submitter.glob("results/*/*/")} - set(manifest.origins)):
        yield finding(MANIFEST, "evidence", f"nothing about {model}")


def _check_files(tree: Path, expected: Mapping[str, str]) -> Iterator[Finding]:
    found = hashes_of(tree)
    for name in sorted(set(found) | set(expected)):
        place = name.removeprefix("tree/") if name.startswith("tree/") else f"../{name}"
        if name not in found:
            allowed = f"the one of SHA-256 {expected[name]}, as {MANIFEST} says"
            yield finding(place, "tree-files", "no such file", allowed=allowed)
        elif name not in expected:
            yield finding(place, "tree-files", "a file that dse did not write")
        elif found[name] != expected[name]:
            yield finding(place, "tree-files", f"SHA-256 {found[name]}", allowed=f"{expected[name]}, as written")
