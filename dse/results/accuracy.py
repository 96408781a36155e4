"""The figure of an ``accuracy.txt``, wherever in the file it stands and whatever noise precedes it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dse.errors import ResultsError
from dse.results.columns import count

_TAIL_BYTES = 4096
# Order matters: AUC lines carry an accuracy and a good/total triple of their own, and of several figures in one line
# the first in this order is the one that MLCommons' checker names first for the benchmark.
_FIGURES = (
    ("1-WER", re.compile(rb"Word Error Rate:.*accuracy\s*=\s*([\d.]+)(%?).*")),
    ("AUC", re.compile(rb"AUC\s*=\s*([\d.]+)(%?).*")),
    ("mAP", re.compile(rb"(?:mAP\s*=|'Total':)\s*([\d.]+)(%?).*")),
    ("BLEU", re.compile(rb"BLEU:\s*([\d.]+)(%?).*")),
    ("F1", re.compile(rb"[\"']f1[\"']:\s*([\d.]+)(%?).*")),
    ("ROUGE1", re.compile(rb"'rouge1':\s*'?([\d.]+)(%?).*")),
    ("ROUGEL", re.compile(rb"'rougeL':\s*'?([\d.]+)(%?).*")),
    ("CLIP_SCORE", re.compile(rb"'CLIP_SCORE':\s*'?([\d.]+)(%?).*")),
    ("exact_match", re.compile(rb"'exact_match':\s*'?([\d.]+)(%?).*")),
    ("dice", re.compile(rb"mean\s*=\s*([\d.]+)(%?)[,;].*(?:whole tumor|kidney).*")),
    ("top1", re.compile(rb"accuracy\s*=\s*([\d.]+)(%).*")),
)
_COUNTS = re.compile(rb"good\s*=\s*(\d+),\s*total\s*=\s*(\d+)")
_HASH = re.compile(rb"^hash\s*=\s*([0-9a-fA-F]{64})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """An accuracy as published.

    ``metric`` names the figure; ``value`` is a fraction of 1, larger is better, whether the file prints that, percent
    or points of a hundred; ``text`` is the line itself. ``good`` and ``total`` are exact counts, of images alone.
    """

    metric: str
    value: float
    text: str
    good: int | None
    total: int | None
    log_hash: str | None


def parse_accuracy(data: bytes) -> Accuracy:
    """The last figure in the file. Raises `ResultsError` (without path) when there is none."""
    # The figure is nearly always at the end; a whole line, so that no figure loses the word before it.
    tail = data[-_TAIL_BYTES:]
    if len(data) > _TAIL_BYTES:
        tail = tail[tail.find(b"\n") + 1 :]
    log_hash = _HASH.search(tail)
    for part in (tail, data):
        for metric, pattern in _FIGURES:
            matches = list(pattern.finditer(part))
            if matches:
                return _read(metric, matches[-1], log_hash)
    raise ResultsError(f"no accuracy figure; looked for {', '.join(metric for metric, _ in _FIGURES)}")


def _read(metric: str, match: re.Match[bytes], log_hash: re.Match[bytes] | None) -> Accuracy:
    try:
        printed = float(match[1])
    except ValueError:
        raise ResultsError(f"{metric} is {match[1].decode()!r}, not a number") from None
    counts = _COUNTS.search(match[0]) if metric == "top1" else None
    good, total = (count(counts[1]), count(counts[2])) if counts else (None, None)
    if good is not None and total is not None:
        if not 0 <= good <= total or total == 0:
            raise ResultsError(f"good={good}, total={total} is no accuracy")
        value = good / total
    else:
        value = printed / 100 if match[2] or printed > 1 else printed
    return Accuracy(
        metric,
        value,
        match[0].decode("utf-8", "replace").strip(),
        good,
        total,
        log_hash[1].decode().lower() if log_hash else None,
    )
