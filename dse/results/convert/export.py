"""Rows of the table in files that other tools read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dse.files import write_text
from dse.results.convert.replay_table import to_csv, write_replay_table
from dse.results.database import COLUMNS

FORMATS = ("csv", "json", "replay")
_JSON_SCHEMA = 1  # 1: {"schema", "results": [row, ...]}


def export(rows: Sequence[Mapping[str, Any]], path: Path, file_format: str) -> int:
    """Write ``rows``: every column as ``csv`` or ``json``, or a ``replay`` table; how many lines were written.

    Raises `ResultsError` for rows that make no replay table, and OSError.
    """
    if file_format == "replay":
        return write_replay_table(rows, path)
    if file_format == "json":
        document = {"schema": _JSON_SCHEMA, "results": list(rows)}
        write_text(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    else:
        write_text(path, to_csv(rows, tuple(COLUMNS)))
    return len(rows)
