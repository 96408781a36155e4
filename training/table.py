"""The table of networks in ``training/README.md``, rendered from ``networks.json``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dse.zoo.architecture import SIDES
from dse.zoo.catalogue import Entry

README = Path(__file__).parent / "README.md"
_BEGIN, _END = "<!-- networks: begin -->\n", "<!-- networks: end -->\n"


def rendered(entries: Iterable[Entry]) -> str:
    """Markdown, a row per network."""
    heads = ["network", "parameters", "epochs", "train loss", "MB"]
    heads += [f"{side} px: %, MMACs" for side in SIDES]
    lines = [heads, ["---", *["--:"] * (len(heads) - 1)]]
    for entry in entries:
        row = [entry.name, f"{entry.parameters:,}", str(entry.epochs), f"{entry.train_loss:.3f}"]
        row += [f"{entry.weights_bytes / 1e6:.2f}"]
        row += [f"{entry.accuracy_percent[side]:.2f}, {entry.million_macs[side]:.1f}" for side in SIDES]
        lines.append(row)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def rewritten(readme: str, entries: Iterable[Entry]) -> str:
    """``readme`` with the table between its two marks replaced."""
    before, rest = readme.split(_BEGIN)
    _, after = rest.split(_END)
    return f"{before}{_BEGIN}\n{rendered(entries)}\n{_END}{after}"
