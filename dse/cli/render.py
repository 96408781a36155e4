"""Tables and lines as every command prints them: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TextIO

from dse.cli.figures import FiguresTable
from dse.core.configuration import Value, text
from dse.core.words import counted
from dse.errors import DseError

if TYPE_CHECKING:
    from rich.console import Console

    from dse.core.metrics import Objective
    from dse.core.pareto import FrontPoint

_FILE_WIDTH = 160
_MOST_OF_AN_ERROR = 10_000
_NARROW = re.compile("[\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u2500-\u257f\u2026]*")
"""Text of which each letter takes one column in every terminal: ASCII, Latin, lines."""
_AS_TERMINAL = {"FORCE_COLOR", "TTY_COMPATIBLE"}
"""Variables by which people have Rich take a file for a terminal."""
_PLUS_MINUS = (
    "\u00b1: where the figure lies with 95 % probability{}; of accuracies in points; \u00d7\u00f7: a factor up or down"
)
_P_FRONT = "P(front): probability that the point is on the front, given these"
_UNDECIDED = "; undecided: too close to others to tell"
_CERTAIN = "certain: on the front, at 95 % together with all other verdicts"
_ALSO = "also: trials of configurations that are nowhere better by more than the indifference"
_DRAWN = "*: drawn to the usual ratio to the shortest latency, as runs differ: no middle of repeats"
_SESSIONS = "sessions: in how many of them the row was measured"
_MOST_NAMED = 4


def stdout() -> Console:
    """Where data goes: as wide as the terminal, or wide in a file."""
    from dse.cli.console import console

    return console(sys.stdout, _width(sys.stdout))


def stderr() -> Console:
    """Where progress, warnings and the next command go; wrapped between words in a terminal, not at all in a file."""
    from dse.cli.console import console

    return console(sys.stderr, _width(sys.stderr), soft_wrap=not sys.stderr.isatty())


def print_table(table: FiguresTable, notes: Sequence[str] = ()) -> None:
    """A table on stdout, and sentences below it."""
    columns = _width(sys.stdout)
    if columns is not None and _wrote_plainly([*(line for line, _ in table.lines(columns)), *notes], columns):
        return
    shown = stdout()
    shown.print(table)
    for note in notes:
        shown.print(note)


def print_lines(lines: Sequence[str]) -> None:
    """Sentences on stdout."""
    columns = _width(sys.stdout)
    if columns is None or not _wrote_plainly(lines, columns):
        stdout().print("\n".join(lines))


def say(sentence: str, *, soft_wrap: bool | None = None) -> None:
    """A sentence on stderr; with ``soft_wrap`` it is wrapped by the terminal alone."""
    _say((sentence, ""), soft_wrap=soft_wrap)


def _wrote_plainly(lines: Sequence[str], columns: int) -> bool:
    """Write the lines to stdout if Rich would write them so: nothing of them is coloured, wrapped or escaped."""
    if not _is_plain(sys.stdout) or not all(len(line) <= columns and _NARROW.fullmatch(line) for line in lines):
        return False
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return True


def _width(stream: TextIO) -> int | None:
    return None if stream.isatty() else max(_FILE_WIDTH, shutil.get_terminal_size().columns)


def _is_plain(stream: TextIO) -> bool:
    """Whether lines are written to ``stream`` without colours: then those that need no wrapping are Rich's, letter for
    letter, and Rich takes longer to load than most commands that look take."""
    return not stream.isatty() and not _AS_TERMINAL & os.environ.keys()


def print_json(members: Mapping[str, Any], *, schema: int = 1) -> None:
    """What `--json` prints: one object on stdout with its ``schema``, which ``members`` may have themselves.

    The schemas are in docs/json.md. Letters that stdout lacks are escaped.
    """
    print_document({"schema": schema, **members})


def print_document(document: Any) -> None:
    """One JSON document on stdout, readable by people and programs; escaped where stdout lacks its letters."""
    written = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        written.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        written = json.dumps(document, indent=2, allow_nan=False)
    sys.stdout.write(f"{written}\n")


def print_error(error: DseError) -> None:
    """What happened and where, and what to do, on stderr."""
    from dse.cli.remedies import advice, message  # a word for each way in which something can go wrong

    said, advised = message(error), advice(error)
    if len(said) > _MOST_OF_AN_ERROR:  # a command line or a file may have any length
        said = f"{said[:_MOST_OF_AN_ERROR]}... ({len(said)} letters)"
    _say(("error: ", "bold red"), (said, ""), overflow="ignore")  # no path is broken
    if advised:
        _say(("  try: ", "bold"), (advised, ""), overflow="ignore")


def next_command(command: str, why: str) -> None:
    """The command to type next, on stderr."""
    # wrapped by the terminal alone: it can be copied
    _say(("next: ", "bold green"), (command, "bold"), (f"  {why}", ""), soft_wrap=True)


def _say(*parts: tuple[str, str], overflow: Literal["fold", "ignore"] = "fold", soft_wrap: bool | None = None) -> None:
    """A line on stderr, of texts with their styles."""
    line = "".join(text for text, _ in parts)
    if _is_plain(sys.stderr) and line.isprintable():
        sys.stderr.write(f"{line}\n")
        return
    from rich.text import Text

    stderr().print(Text.assemble(*parts, overflow=overflow), soft_wrap=soft_wrap)


def front_table(
    points: Sequence[FrontPoint],
    objectives: Sequence[Objective],
    title: str | None = None,
    remarks: Mapping[int, str] | None = None,
) -> FiguresTable:
    """The front with a column per objective; parameters that never change go to the caption.

    In a narrow terminal the configurations stand below their figures instead of beside them. ``remarks`` are sentences
    that stand below a trial's line.
    """
    names = list(dict.fromkeys(name for point in points for name in point.configuration))
    shared = [name for name in names if len({p.configuration.get(name) for p in points}) == 1 < len(points)]
    told = any(p.probability is not None or p.intervals for p in points)
    many = any(p.sessions > 1 for p in points)
    figures = [
        (
            str(p.trial),
            *(_with_error(p, objective) for objective in objectives),
            *([_sure(p)] if told else []),
            *([str(p.sessions)] if many else []),
        )
        for p in points
    ]
    captions = [f"all of them: {described({n: points[0].configuration[n] for n in shared})}"] if shared else []
    if any("\u00b1" in cell or "\u00d7" in cell for row in figures for cell in row):
        captions.append(_PLUS_MINUS.format("" if any(p.in_any_session for p in points) else " in its session"))
    captions += [_DRAWN] if any(o.name in p.drawn for p in points for o in objectives) else []
    captions += [_P_FRONT + (_UNDECIDED if any(p.probability is None for p in points) else "")] if told else []
    captions += [_CERTAIN] if told and any(p.standing == "on" for p in points) else []
    captions += [_SESSIONS] if many else []
    captions += [_ALSO] if any(p.represents for p in points) else []
    return FiguresTable(
        title=title,
        captions=tuple(captions),
        header=(
            "trial",
            *(objective.metric.title for objective in objectives),
            *(["P(front)"] if told else []),
            *(["sessions"] if many else []),
        ),
        figures=tuple(figures),
        configurations=tuple(
            described({name: value for name, value in p.configuration.items() if name not in shared}) + _also(p)
            for p in points
        ),
        remarks=tuple((remarks or {}).get(p.trial, "") for p in points),
    )


def _also(point: FrontPoint) -> str:
    """``, also 49, 47``: the trials of what the point stands for."""
    named, more = point.represents[:_MOST_NAMED], point.represents[_MOST_NAMED:]
    rest = f" and {len(more)} more" if len(more) > 1 else "".join(f", {trial}" for trial in more)
    return f", also {', '.join(map(str, named))}{rest}" if named else ""


def _with_error(point: FrontPoint, objective: Objective) -> str:
    """The value, with its spread where that shows: ``0.312 ms \u00b12 %``, and ``91.25 % \u00b10.6`` in points."""
    value = point.values[objective.name]
    mark = "*" if objective.name in point.drawn else ""
    return objective.metric.show(value) + mark + spread(objective, value, point.intervals.get(objective.name))


def spread(objective: Objective, value: float, interval: tuple[float, float] | None) -> str:
    """An interval of 95 % after its value: half its width, or from half the value on the factor. Empty where exact."""
    if interval is None or interval[0] == interval[1]:
        return ""
    if objective.metric.scale == "absolute":
        half = objective.metric.units.for_people((interval[1] - interval[0]) / 2)
        return f" \u00b1{half:.1f}" if half >= 0.1 else f" \u00b1{max(half, 0.01):.2f}"
    factor = interval[1] / value if value else 1.0
    if factor >= 1.5:
        return f" \u00d7\u00f7{factor:.1f}" if factor < 100 else " \u00d7\u00f7100 or more"
    return f" \u00b1{100 * (factor - 1):.0f} %" if factor >= 1.005 else ""


def _sure(point: FrontPoint) -> str:
    if point.standing == "on":
        return "certain"
    return "undecided" if point.probability is None else probability(point.probability)


def probability(value: float) -> str:
    """``83 %``; what was seen in every draw, or in none, is not called certain."""
    return ">99 %" if value > 0.99 else "<1 %" if value < 0.01 else f"{100 * value:.0f} %"


def described(parameters: Mapping[str, Value]) -> str:
    """Parameters for people: words speak for themselves, numbers and switches bring their name."""
    return " ".join(v if isinstance(v, str) else f"{name}={text(v)}" for name, v in parameters.items())


def by_reason(word: str, counts: Mapping[str, int]) -> str:
    """``excluded: 20 trials (drift), 5 (foreign load)``; the numbers add up to the trials."""
    (first, count), *others = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join([f"{word}: {counted(count, 'trial')} ({first})", *(f"{n} ({reason})" for reason, n in others)])
