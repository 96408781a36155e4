"""Every figure of a run again, from what LoadGen wrote: the one place that `dse submit`, `check` and `pack` use.

LoadGen writes a performance twice, in the detail log and in the summary, and its parts determine one another; an
accuracy is counted from the complete accuracy log and the labels. Whatever is said elsewhere is compared with these.
"""

from __future__ import annotations

import array
import hashlib
import re
import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from dse_harness.protocol import Accuracy

from dse.errors import SubmissionError, why
from dse.reading import UnreadableError, parse_json, read_text
from dse.submission.detail_log import DetailLog, read_detail_log
from dse.submission.findings import Finding, finding
from dse.submission.impossible import DIGITS, close, impossible, logged_text
from dse.submission.log_keys import LogKeys, keys_of
from dse.submission.rounds import LOADGEN_MODEL

DETAIL, SUMMARY = "mlperf_log_detail.txt", "mlperf_log_summary.txt"
_RATES = ("result_qps_", "result_samples_per_second")
"""Begins of the keys of figures that LoadGen writes without a point where six digits have none."""
_LINE = re.compile(r"^ *([^:]{1,60}?) *: *(.{1,200}?) *$")
_MOST_OF_A_LINE = 300
"""Of a summary; LoadGen's have 80 characters. A megabyte of spaces would keep the pattern busy for hours."""


def check_performance_figures(root: Path, folder: Path) -> Iterator[Finding]:
    """What contradicts itself in the logs of a performance run in ``folder``; findings name files from ``root`` on.

    Nothing for a log that cannot be read: another rule says so.
    """
    try:
        log, summary = read_detail_log(folder / DETAIL), read_text(folder / SUMMARY)
    except (SubmissionError, OSError, ValueError):
        return
    yield from _check_twice(root, folder, log)
    if keys := keys_of(log.values.get("effective_scenario")):
        yield from _check_summary((folder / SUMMARY).relative_to(root), summary, log, keys)
        for said, allowed in impossible(log, keys):
            yield finding((folder / DETAIL).relative_to(root), "performance-figures", said, allowed=allowed)


def check_accuracy_figures(root: Path, folder: Path, entries: int) -> Iterator[Finding]:
    """What contradicts the ``entries`` of the complete accuracy log in the detail log of an accuracy run."""
    try:
        log = read_detail_log(folder / DETAIL)
    except SubmissionError:
        return
    yield from _check_twice(root, folder, log)
    place = (folder / DETAIL).relative_to(root)
    for key in ("effective_accuracy_sample_count", "qsl_reported_total_count"):
        if log.values.get(key, entries) != entries:
            yield finding(place, "accuracy-recount", f"{key} {log.values[key]}", allowed=f"{entries}, as many answers")


def check_user_conf(root: Path, conf: Path, logs: Sequence[Path]) -> Iterator[Finding]:
    """What ``conf`` says that the detail logs in the folders ``logs`` do not repeat as what LoadGen was asked for."""
    place = conf.relative_to(root)
    for folder in logs:
        try:
            log = read_detail_log(folder / DETAIL)
        except SubmissionError:
            continue
        scenario = log.values.get("effective_scenario")
        if (keys := keys_of(scenario)) is None:
            continue  # result-figure says so
        try:
            settings = _settings(read_text(conf), str(scenario), keys)
        except (OSError, ValueError) as error:
            yield finding(place, "user-conf", f"cannot be read: {why(error)}")
            return
        for name, value in settings.items():
            key, scale = keys.user_conf[name]
            asked = log.number(key)
            if asked is None or not close(value * scale, asked):
                yield finding(
                    place,
                    "user-conf",
                    f"{name} = {value:g}",
                    allowed=f"what LoadGen was asked for, {key} {asked} in {(folder / DETAIL).relative_to(root)}",
                )


def count_again(complete: bytes, labels: Sequence[int], scenario: object = "SingleStream") -> Accuracy:
    """The right answers in a complete accuracy log ``[N]`` by the labels of images 0, 1, ... ``[N]``.

    An answer is a little-endian float32 class index in hexadecimal (accuracy-imagenet.py of mlcommons/inference).
    Raises UnreadableError unless each image is answered once, or in MultiStream again and alike.
    """
    answers = read_answers(complete, may_repeat=scenario == "MultiStream")
    if len(answers) != len(labels):
        raise UnreadableError(f"found answers for {len(answers)} images, expected {len(labels)}, as many as labels")
    good = sum(answer == label for answer, label in zip(answers, labels, strict=True))
    packed = array.array("i", answers)
    if sys.byteorder == "big":
        packed.byteswap()
    return Accuracy(good, len(answers), hashlib.sha256(packed.tobytes()).hexdigest())


def read_answers(complete: bytes, *, may_repeat: bool = False) -> list[int]:
    """The class that was answered for images 0, 1, ... Raises UnreadableError.

    LoadGen fills up a MultiStream query with images that it asked before: these are answered again, and counted once.
    """
    entries = parse_json(complete)
    if not isinstance(entries, list):
        raise UnreadableError("not an accuracy log: found no list")
    answers: dict[int, int] = {}
    for number, entry in enumerate(entries):
        try:
            index, (answer,) = entry["qsl_idx"], struct.unpack("<f", bytes.fromhex(entry["data"]))
            answered = int(answer)
        except (KeyError, TypeError, ValueError, OverflowError, struct.error) as error:
            raise UnreadableError(f"not an accuracy log: entry {number} is {str(entry)[:80]}") from error
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(entries):
            raise UnreadableError(f"found image {str(index)[:40]}, allowed: 0 to {len(entries) - 1}")
        if index in answers and not (may_repeat and answers[index] == answered):
            raise UnreadableError(f"found two answers for image {index}, allowed: one")
        if not -(2**31) <= answered < 2**31:
            raise UnreadableError(f"found class {answered} for image {index}")
        answers[index] = answered
    if missing := [index for index in range(len(answers)) if index not in answers]:
        raise UnreadableError(f"found no answer for image {missing[0]}")
    return [answers[index] for index in range(len(answers))]


def _check_twice(root: Path, folder: Path, log: DetailLog) -> Iterator[Finding]:
    for key, value in log.twice.items():
        said = f"{key} {log.values[key]} and {value}"
        yield finding((folder / DETAIL).relative_to(root), "performance-figures", said, allowed="one value")


def _check_summary(place: Path, summary: str, log: DetailLog, keys: LogKeys) -> Iterator[Finding]:
    lines = summary.splitlines()
    said: dict[str, list[str]] = {}
    for line in lines:
        if len(line) <= _MOST_OF_A_LINE and (match := _LINE.match(line)):
            said.setdefault(match[1], []).append(match[2])
    for name, key in keys.summary.items():
        expected = log.values.get(key)
        if name not in said:
            yield finding(place, "performance-figures", f"no line {name!r}", allowed=f"{name} : {expected}")
        for text in said.get(name, []):
            if not same_figure(text, expected, key):
                allowed = f"{expected}, which {DETAIL} has as {key}"
                yield finding(place, "performance-figures", f"{name} : {text}", allowed=allowed)
    start = next((number for number, line in enumerate(lines, 1) if line.startswith("Early Stopping Result")), None)
    section = lines[start:] if start is not None else []
    end = next((number for number, line in enumerate(section) if not line.startswith(" ")), len(section))
    found, expected = (
        " ".join(text.split()) for text in (" ".join(section[:end]), logged_text(log, "early_stopping_result"))
    )
    if found != expected:
        allowed = f"{expected!r}, which {DETAIL} has as early_stopping_result"
        yield finding(place, "performance-figures", f"early stopping {found!r}", allowed=allowed)


def same_figure(text: str, value: Any, key: str) -> bool:
    """Whether a summary's word is the detail log's ``value`` of ``key``, which of a rate has six digits."""
    if isinstance(value, bool):
        return text in (("Yes",) if value else ("NO", "No"))
    if isinstance(value, str):
        return text == value
    if isinstance(value, int) and not key.startswith(_RATES):
        return text == str(value)
    try:
        return isinstance(value, int | float) and abs(float(text) - value) <= 0.0051 + DIGITS * abs(value)
    except ValueError:
        return False


def _settings(text: str, scenario: str, keys: LogKeys) -> dict[str, float]:
    """The settings of dse's own user.conf. Raises ValueError for any other line."""
    prefix = f"{LOADGEN_MODEL}.{scenario}."
    found = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, equals, value = line.partition("=")
        setting = name.strip().removeprefix(prefix)
        if not name.startswith(prefix) or not equals or setting not in keys.user_conf or setting in found:
            raise UnreadableError(f"found {line[:80]!r}, allowed once each: {', '.join(keys.user_conf)}")
        found[setting] = float(value)
    return found
