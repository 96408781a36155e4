"""What MLPerf's submission checker takes from a detail log: values, errors, and when they were logged."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from dse_harness.detail_log import MARKER, DetailLogError, entries

from dse.errors import SubmissionError, why
from dse.reading import parse_json, read_bytes

ENDING = "ending"
"""Among the times, when the last query was answered; LoadGen collects its figures after it, which may take seconds."""
_KEPT_BYTES = 2**20
_ONCE = ("effective_", "requested_", "result_", "early_stopping_", "loadgen_version", "num_errors")
"""Begins of the keys that LoadGen writes once a run. Others, such as loaded_qsl_set, come with each set of images."""


@dataclass(frozen=True)
class DetailLog:
    """The first value of each key, as the checker takes it, and the messages that LoadGen marked as errors.

    ``twice`` has the other value of a key that a run has once, and this log has with two values.
    """

    values: dict[str, Any]
    errors: tuple[str, ...]
    twice: dict[str, Any] = field(default_factory=dict)
    times_ms: dict[str, float] = field(default_factory=dict)
    """When each key was first logged, from the start of the run."""

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
        data = read_bytes(path)
    except (OSError, ValueError) as error:
        raise SubmissionError(f"cannot be read: {why(error)}", path=path) from error
    if not data.startswith(MARKER.encode()):
        raise SubmissionError(f"the first line does not start with {MARKER}", path=path, line=1)
    try:
        return (_parsed_before if len(data) < _KEPT_BYTES else _parsed)(data)
    except _UnclearError as error:
        raise SubmissionError(str(error), path=path) from error
    except DetailLogError as error:
        raise SubmissionError(f"not a line of LoadGen: {error.text!r}", path=path, line=error.line) from error


class _UnclearError(ValueError):
    """A line does not say whether it is an error."""


def _parsed(data: bytes) -> DetailLog:
    log = DetailLog({}, ())
    errors = []
    for key, value, time_ms, is_error, _ in entries(data, parse=parse_json):
        if log.values.setdefault(key, value) != value and key.startswith(_ONCE):
            log.twice.setdefault(key, value)
        if time_ms is not None:
            log.times_ms.setdefault(key, time_ms)
            if key == "generic_message" and str(value).startswith("Ending"):
                log.times_ms[ENDING] = time_ms
        if is_error is None:
            raise _UnclearError(f"{key} does not say whether it is an error")
        if is_error:
            errors.append(str(value))
    return DetailLog(log.values, tuple(errors), log.twice, log.times_ms)


_parsed_before = lru_cache(maxsize=32)(_parsed)
"""Each check of a tree reads the same logs."""
