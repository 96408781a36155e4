"""``trials.index`` of a study: what its trials' folders say, in one file that is read in one go.

A cache: the folders are the truth. A line counts for a trial whose files are, by inode, size and times, those that it
was made of; of any other, and of a line that is damaged, the files are read. Only a study's writer writes it, and
whatever becomes of it, no trial is lost. A line has the CRC-32 of what follows, then JSON: the trial's number, its
files' `mark`, its record and its response, without names (`dse.study.packed`). What is read of a line that counts is
not looked at again: it is what the same dse wrote of those files.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import zlib
from collections.abc import Hashable
from pathlib import Path
from typing import Any

from dse_harness.protocol import Response

from dse.core.configuration import Configuration
from dse.files import fingerprint, write_bytes
from dse.reading import MIB, read_bytes
from dse.study.contents import TRUTH
from dse.study.packed import form_of
from dse.study.record import TrialRecord

INDEX = "trials.index"
_RECORD, _RESPONSE = form_of(TrialRecord), form_of(Response)
_CONFIGURATION = [field.name for field in dataclasses.fields(TrialRecord)].index("configuration")
_METRICS = [field.name for field in dataclasses.fields(Response)].index("metrics")
_HEAD = f"dse: trials 2 {fingerprint([_RECORD.layout, _RESPONSE.layout])[:16]}\n".encode()
"""The first line, with the number of this form and the fields of what is written; what has another is made again."""
_MOST_BYTES = 1024 * MIB
_AT_ONCE = 100
"""So many lines are written together."""
_JSON = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"))
_DECODER = json.JSONDecoder()

Mark = tuple[int, ...]
"""`mark_of_file` of each of `TRUTH`."""


def mark_of(folder: str) -> Mark | None:
    """The mark of the trial in ``folder`` as it is now; None of one that is not finished."""
    record, response = TRUTH
    try:
        return mark_of_file(f"{folder}/{record}") + mark_of_file(f"{folder}/{response}")
    except OSError:
        return None


def mark_of_file(path: str | Path) -> Mark:
    """Inode, size, and the times of the last change to content and inode. Raises OSError."""
    state = os.stat(path)  # noqa: PTH116 - of thousands, pathlib takes twice as long
    return state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns


class TrialIndex:
    """The index of the study in ``folder``, as it was left. ``marks`` are those of the trials that were read or added.

    It may lack any trial, and is empty where it cannot be read, and without a folder. Whoever has read it just
    ``before`` and is about to write it reads no line twice: what that one has read is taken from it.
    """

    def __init__(self, folder: Path | None = None, before: TrialIndex | None = None) -> None:
        self._path = None if folder is None else folder / INDEX
        self.marks: dict[int, Mark] = {}
        self._lines: dict[int, bytes] = {}
        self._configurations: dict[Hashable, Configuration] = {}
        self._read_lines: dict[bytes, tuple[int, Mark, tuple[TrialRecord, Response]]] = {}
        self._new: list[bytes] = []
        self._view = b""
        self._is_whole = False
        if before is not None:
            self._read_lines, before._lines = before._read_lines, {}
            before.forget()
        with contextlib.suppress(OSError, ValueError):
            if self._path is not None:
                self._read(read_bytes(self._path, _MOST_BYTES, follow=False))

    def _read(self, content: bytes) -> None:
        if not content.startswith(_HEAD):
            return
        self._is_whole = content.endswith(b"\n")
        for line in content[len(_HEAD) :].splitlines():
            number = line[9 : line.find(b",", 9, 24)]
            if number == b"[-1":
                self._view = line
            elif number[:1] == b"[" and number[1:].isdigit():
                self._is_whole &= int(number[1:]) not in self._lines  # a number that was given again: the last counts
                self._lines[int(number[1:])] = line
            else:
                self._is_whole = False

    def trial(self, number: int, mark: Mark) -> tuple[TrialRecord, Response] | None:
        """The record and the response of the trial whose files have this mark; None where it lacks them."""
        line = self._lines.get(number)
        if line is None:
            return None
        try:
            if line not in self._read_lines:
                found, its_mark, record, response = _of_line(line)
                self._read_lines[line] = found, tuple(its_mark), (self._record(record), _RESPONSE.made(response))
            found, its_mark, trial = self._read_lines[line]
            if (found, its_mark) == (number, mark):
                self.marks[number] = mark
                return trial
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            pass
        self._is_whole = False
        return None

    def forget(self) -> None:
        """Nobody reads it once more: what is kept for that goes."""
        self._read_lines, self._configurations = {}, {}

    def _record(self, values: list[Any]) -> TrialRecord:
        """With the same object for the same parameters: it finds its canonical form once, and is quick to compare."""
        (parameters,) = values[_CONFIGURATION]
        same = (*parameters.items(), *map(type, parameters.values()))
        known = self._configurations.get(same)
        if known is None:
            known = self._configurations[same] = Configuration(parameters)
        values[_CONFIGURATION] = known
        return TrialRecord(*values)

    @property
    def view(self) -> str:
        """What was said of the view when it was closed; empty where nothing was."""
        with contextlib.suppress(ValueError, TypeError, RecursionError):
            return str(_of_line(self._view)[1])
        return ""

    @view.setter
    def view(self, said: str) -> None:
        if said != self.view:
            self._view = _line([-1, said])
            self._new.append(self._view)

    def add(self, mark: Mark | None, record: TrialRecord, response: Response) -> None:
        """Add a trial whose files have this mark; None where nobody knows, and then it is not in the index."""
        number = record.number
        self._lines.pop(number, None)
        if mark is None:
            self.marks.pop(number, None)
            return
        self.marks[number] = mark
        with contextlib.suppress(ValueError):  # text that UTF-8 cannot write, a number that JSON does not have
            line = _line([number, mark, _RECORD.pack(record), packed_response(response)])
            self._lines[number] = line
            self._new.append(line)

    def write(self, *, everything: bool = False) -> None:
        """Write what was added, once it is a hundred trials; ``everything`` at the end. What fails costs the index."""
        if self._path is None or (self._is_whole and len(self._new) < (1 if everything else _AT_ONCE)):
            return
        with contextlib.suppress(OSError):
            if self._is_whole:
                flags = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
                with os.fdopen(os.open(self._path, flags), "wb") as file:
                    self._is_whole = False
                    file.write(b"".join(line + b"\n" for line in self._new))
            else:
                lines = [self._lines[number] for number in sorted(self._lines.keys() & self.marks.keys())]
                lines += [self._view] if self._view else []
                write_bytes(self._path, _HEAD + b"".join(line + b"\n" for line in lines), durable=False, follow=False)
            self._is_whole = True
        self._new.clear()


def _line(values: list[Any]) -> bytes:
    text = _JSON.encode(values).encode()
    return b"%08x %s" % (zlib.crc32(text), text)


def _of_line(line: bytes) -> list[Any]:
    """What a line holds. Raises ValueError, RecursionError."""
    text = line[9:]
    if int(line[:8], 16) != zlib.crc32(text):
        raise ValueError("damaged")
    found: list[Any] = _DECODER.decode(text.decode())
    return found


def packed_response(response: Response) -> list[Any]:
    """``response`` without the metrics that its blocks have: it finds those itself."""
    found: list[Any] = _RESPONSE.pack(response)
    found[_METRICS] = {name: found[_METRICS][name] for name in response.other_metrics}
    return found
