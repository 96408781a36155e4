"""The figure of an ``accuracy.txt``, wherever in the file it stands and whatever noise precedes it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dse.errors import ResultsError
from dse.results.columns import count

_TAIL_BYTES = 4096
_TEXT_BYTES = 1000
"""Of the line with a figure, as much is kept."""
_NUMBER = rb"(\d[\d.]{0,40}(?:[eE][-+]?\d{1,3})?)(%?)"


@dataclass(frozen=True, slots=True)
class _Figure:
    """A figure and how a line says it: ``before`` or one of ``after`` stands in the same line, before or after it.

    ``scale`` is what the file prints for 1; None where benchmarks differ: then above 1 it is points of a hundred.
    """

    metric: str
    pattern: re.Pattern[bytes]
    before: bytes = b""
    after: tuple[bytes, ...] = (b"",)
    scale: int | None = None


def _figure(
    metric: str, name: bytes, *, before: bytes = b"", after: tuple[bytes, ...] = (b"",), scale: int | None = None
) -> _Figure:
    return _Figure(metric, re.compile(name + _NUMBER), before, after, scale)


# Order matters: AUC lines carry an accuracy and a good/total triple of their own, and of several figures in one line
# the first in this order is the one that MLCommons' checker names first for the benchmark. No pattern goes beyond its
# own name and number, and none repeats without bound: a megabyte of names or of spaces would take minutes.
_FIGURES = (
    _figure("1-WER", rb"accuracy[ \t]{0,9}=[ \t]{0,9}", before=b"Word Error Rate:"),
    _figure("GAUC", rb"metric/lifetime_gauc/rating:[ \t]{0,9}", scale=1),  # DLRM v3
    _figure("AUC", rb"AUC[ \t]{0,9}=[ \t]{0,9}"),
    _figure("mAP", rb"(?:mAP[ \t]{0,9}=|'Total':)[ \t]{0,9}"),
    _figure("BLEU", rb"BLEU:[ \t]{0,9}"),
    _figure("F1", rb"[\"']f1[\"']:[ \t]{0,9}"),
    _figure("ROUGE1", rb"'rouge1':[ \t]{0,9}'?"),
    _figure("ROUGEL", rb"'rougeL':[ \t]{0,9}'?"),
    _figure("CLIP_SCORE", rb"'CLIP_SCORE':[ \t]{0,9}'?"),
    _figure("vbench_score", rb"'vbench_score':[ \t]{0,9}'?", scale=100),
    _figure("exact_match", rb"'exact_match':[ \t]{0,9}'?"),
    _figure("mean_accuracy", rb"[\"']mean-accuracy[\"']:[ \t]{0,9}'?", scale=100),
    _figure("dice", rb"mean[ \t]{0,9}=[ \t]{0,9}", after=(b"whole tumor", b"kidney")),
    _figure("top1", rb"accuracy[ \t]{0,9}=[ \t]{0,9}(?=[\d.eE+-]{1,50}%)"),
    _figure("top1", rb"(?m:^)(?:\{\"accuracy|accuracy)[\": \t]{0,9}=?[ \t]{0,9}"),
    _figure("accuracy", rb"(?m:^)[ \t]{0,9}Accuracy:[ \t]{0,9}", scale=100),  # retrieval-augmented generation
)
METRICS = tuple(dict.fromkeys(figure.metric for figure in _FIGURES))
"""Every figure that is read, by the name that the column ``accuracy_metric`` has for it."""
_COUNTS = re.compile(
    rb"good\"?[ \t]{0,9}[=:][ \t]{0,9}(\d{1,5000}),[ \t]{0,9}\"?total\"?[ \t]{0,9}[=:][ \t]{0,9}(\d{1,5000})"
)
_HASH = re.compile(rb"^hash[ \t]{0,9}=[ \t]{0,9}([0-9a-fA-F]{64})", re.MULTILINE)


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
    """The last figure in the file.

    Raises `ResultsError` (without path) when there is none, when it cannot be, and when its line contradicts itself.
    """
    # The figure is nearly always at the end; a whole line, so that no figure loses the word before it.
    tail = data[-_TAIL_BYTES:]
    if len(data) > _TAIL_BYTES:
        tail = tail[tail.find(b"\n") + 1 :]
    log_hash = _HASH.search(tail)
    for part in (tail, data):
        for figure in _FIGURES:
            found = _last(figure, part)
            if found:
                return _read(figure, *found, log_hash)
    raise ResultsError(f"no accuracy figure; looked for {', '.join(METRICS)}")


def _last(figure: _Figure, data: bytes) -> tuple[re.Match[bytes], bytes] | None:
    """The last match whose line has the other words of the figure, and the line from the first of them on."""
    found: tuple[re.Match[bytes], int, int] | None = None
    line_start = line_end = first = last = -1
    for match in figure.pattern.finditer(data):
        if match.start() >= line_end:  # each line is looked through once, however many matches it has
            line_start = data.rfind(b"\n", 0, match.start()) + 1
            line_end = data.find(b"\n", match.end())
            line_end = len(data) if line_end < 0 else line_end
            first = data.find(figure.before, line_start, line_end) if figure.before else line_start
            last = max(data.rfind(word, line_start, line_end) if word else line_end for word in figure.after)
        if 0 <= first <= match.start() and last >= match.end():
            found = match, first if figure.before else match.start(), line_end
    if found is None:
        return None
    match, start, end = found
    return match, data[start:end]


def _read(figure: _Figure, match: re.Match[bytes], line: bytes, log_hash: re.Match[bytes] | None) -> Accuracy:
    shown = match[1].decode()
    try:
        printed = float(shown)
    except ValueError:
        raise ResultsError(f"{figure.metric} is {shown!r}, not a number") from None
    scale = 100 if match[2] else figure.scale or (100 if printed > 1 else 1)
    value = printed / scale
    if not 0 <= value <= 1:
        raise ResultsError(f"{figure.metric} is {shown}{match[2].decode()}, which no accuracy is")
    counts = _COUNTS.search(line) if figure.metric == "top1" else None
    good, total = (count(counts[1]), count(counts[2])) if counts else (None, None)
    if good is not None and total is not None:
        if not 0 <= good <= total or total == 0:
            raise ResultsError(f"good={good}, total={total} is no accuracy")
        if abs(printed - scale * good / total) > 1.001 * _last_digit(shown):
            counted = f"good={good}, total={total} are {100 * good / total:.3f} %"
            raise ResultsError(f"contradicts itself: accuracy={shown}{match[2].decode()}, but {counted}")
        value = good / total
    return Accuracy(
        figure.metric,
        value,
        line[:_TEXT_BYTES].decode("utf-8", "replace").strip(),
        good,
        total,
        log_hash[1].decode().lower() if log_hash else None,
    )


def _last_digit(shown: str) -> float:
    """What one more in the last printed digit adds: some loggers round it, some cut it off."""
    digits, _, exponent = shown.lower().partition("e")
    return float(10.0 ** (int(exponent or 0) - len(digits.partition(".")[2])))
