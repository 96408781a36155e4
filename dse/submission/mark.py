"""The file in a tree, and in its archive, that says what the tree is not."""

from __future__ import annotations

from collections.abc import Sequence

from dse.submission.findings import Finding

MARK = "NOT_SUBMITTABLE.md"
"""Below open/<submitter>/."""


def mark(findings: Sequence[Finding], *, rehearsal: bool = False) -> str:
    """The file's text: a rehearsal, or the rules that are broken, one line for each rule and file."""
    what = "It is a rehearsal: its runs are shorter than the rules want." if rehearsal else ""
    broken = [f"- `{item.rule}` {item.path}: found {item.found}; allowed: {item.allowed}" for item in findings]
    rules = "It breaks rules, which --allow let through:" if broken and not rehearsal else "Rules that it breaks:"
    parts = ["# Not to be submitted", what, "\n".join([rules, "", *broken]) if broken else ""]
    return "\n\n".join(part for part in parts if part) + "\n"
