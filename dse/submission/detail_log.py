"""LoadGen's detail log (`mlperf_log_detail.txt`, JSON lines after ``:::MLLOG``) as values and errors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dse.errors import SubmissionError, why

_MARKER = ":::MLLOG"


@dataclass(frozen=True)
class DetailLog:
    """The first value of each key, as the checker takes it, and the messages that LoadGen marked as errors."""

    values: dict[str, Any]
    errors: tuple[str, ...]

    def number(self, key: str) -> float | None:
        """The value if it is a number, else None: the checker compares what it finds, and cannot compare a text."""
        value = self.values.get(key)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def figure(self, key: str) -> float | None:
        """The value if it is a number or a text of one, as the checker reads a result."""
        value = self.values.get(key)
        try:
            return float(value) if isinstance(value, str) else self.number(key)
        except ValueError:
            return None


def read_detail_log(path: Path) -> DetailLog:
    """The log at ``path``. Raises SubmissionError when it is missing or not one."""
    try:
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")  # others than LF may stand in a value
    except (OSError, UnicodeDecodeError) as error:
        raise SubmissionError(f"cannot be read: {why(error)}", path=path) from error
    if not lines[0].startswith(_MARKER):
        raise SubmissionError(f"the first line does not start with {_MARKER}", path=path, line=1)
    values: dict[str, Any] = {}
    errors = []
    for number, line in enumerate(lines, 1):
        if not line.startswith(_MARKER):
            continue
        try:
            entry = json.loads(line.removeprefix(_MARKER))
            values.setdefault(entry["key"], entry["value"])
            if entry["metadata"]["is_error"]:
                errors.append(str(entry["value"]))
        except (ValueError, KeyError, TypeError) as error:
            raise SubmissionError(f"not a line of LoadGen: {line[:80]!r}", path=path, line=number) from error
    return DetailLog(values, tuple(errors))
