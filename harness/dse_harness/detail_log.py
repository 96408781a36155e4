"""LoadGen's detail log, `mlperf_log_detail.txt`: JSON lines after ``:::MLLOG``. Standard library only."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

MARKER = ":::MLLOG"
_LINE = re.compile(rb"^:::MLLOG(.*)$", re.MULTILINE)
_WHOLE_LINE = re.compile(rb'^:::MLLOG (\{"key": "([^"\n]{1,200})".*\})\s*$', re.MULTILINE)
_IS_ERROR = b'"is_error": true'
_MOST_SHOWN = 80


class DetailLogError(ValueError):
    """A line that is not one of LoadGen's: its number and its beginning."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(f"line {line}: not a line of LoadGen: {text!r}")
        self.line, self.text = line, text


class Entry(NamedTuple):
    """A line of the log; ``time_ms`` counts from the start of the run. None: the line does not say."""

    key: str
    value: Any
    time_ms: float | None
    is_error: bool | None
    is_warning: bool | None


def entries(
    data: bytes, wanted: Collection[str] | None = None, parse: Callable[[bytes], Any] = json.loads
) -> Iterator[Entry]:
    """The lines of LoadGen in ``data``; what other programs print in between is passed over.

    With ``wanted``, only entries of these keys and errors, and a line that was cut off is passed over too: a long log
    is read ten times as fast. ``parse`` reads the JSON of a line. Raises DetailLogError for a damaged line.
    """
    for match in (_LINE if wanted is None else _WHOLE_LINE).finditer(data):
        if wanted is not None and match[2].decode("utf-8", "replace") not in wanted and _IS_ERROR not in match[1]:
            continue
        try:
            line = parse(match[1])
            metadata = line.get("metadata", {})
            time_ms = line.get("time_ms")
            yield Entry(
                str(line["key"]),
                line["value"],
                time_ms if isinstance(time_ms, (int, float)) else None,
                metadata.get("is_error"),
                metadata.get("is_warning"),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            number = data.count(b"\n", 0, match.start()) + 1
            shown = match[0][:_MOST_SHOWN].decode("utf-8", "replace")
            raise DetailLogError(number, shown) from error
