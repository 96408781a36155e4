"""A search space of published results: a replay table, and the YAML file beside it whose figures come from there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dse.errors import Remedy, ResultsError
from dse.files import holds_other, write_text
from dse.results.convert.replay_table import replay_table
from dse.spaces.format import SCHEMA
from dse.spaces.tree import written_tree
from dse.tabular.table import parse_table
from dse.values import NAME


@dataclass(frozen=True, slots=True)
class ReplaySpace:
    """What was written: the space, its table, and how many configurations they have."""

    path: Path
    table: Path
    configurations: int


def write_replay_space(rows: Sequence[Mapping[str, Any]], path: Path, *, replace: bool = False) -> ReplaySpace:
    """Write ``path`` (YAML) and the table of the same name beside it, from rows of the results table.

    Files that hold something else are replaced only with ``replace``. Raises `ResultsError` for those, for rows that
    make no table (see `replay_rows`) and for a name that a space cannot have, and OSError.
    """
    if path.suffix not in (".yaml", ".yml"):
        raise ResultsError("found no name of a search space", path=path, hint="name a .yaml file")
    if not re.fullmatch(NAME, path.stem):
        raise ResultsError(
            f"found the name {path.stem!r}, allowed: letters, digits, dots, dashes", path=path, hint="name another file"
        )
    table = path.with_suffix(".csv")
    table_text = replay_table(rows)
    tree = parse_table(table_text.encode(), table).tree
    texts = {table: table_text, path: _space(path.stem, table.name, rows, written_tree(tree.roots))}
    for file, text in texts.items():
        if not replace and holds_other(file, text.encode()):
            raise ResultsError("is there already and holds something else", path=file, remedy=Remedy.OVERWRITE)
    for file, text in texts.items():
        write_text(file, text)
    return ReplaySpace(path, table, tree.size)


def _space(name: str, table: str, rows: Sequence[Mapping[str, Any]], parameters: dict[str, Any]) -> str:
    origins = sorted({f"{row['device']} in {row['round']}" for row in rows})
    shown = ", ".join(origins[:3]) + (f" and {len(origins) - 3} more" if len(origins) > 3 else "")
    document = {
        "schema": SCHEMA,
        "name": name,
        "description": f"Published MLPerf results of {shown}, recorded, not measured here.",
        "replay": table,
        "parameters": parameters,
        "objectives": ["accuracy", "latency_p90_ns"],
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
