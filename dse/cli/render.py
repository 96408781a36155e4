"""Tables and lines as every command prints them: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

from dse.cli.remedies import advice, message
from dse.cli.streams import clean, unfiltered
from dse.core.configuration import Value, text
from dse.core.metrics import Objective
from dse.core.words import counted
from dse.errors import DseError

if TYPE_CHECKING:  # it brings NumPy, which most commands do without
    from dse.core.pareto import FrontPoint

_FILE_WIDTH = 160
_MOST_OF_AN_ERROR = 10_000
_GAP = "  "
_PLUS_MINUS = (
    "\u00b1: where the figure lies with 95 % probability; of accuracies in points; \u00d7\u00f7: a factor up or down"
)
_P_FRONT = "P(front): probability that the point is on the front, given these"
_UNDECIDED = "; undecided: too close to others to tell"
_LEAST_CONFIGURATION = 28
"""With fewer columns left beside the figures, configurations go below them."""


def stdout() -> Console:
    """Where data goes: as wide as the terminal, or wide in a file."""
    return _CleanConsole(
        file=unfiltered(sys.stdout), width=_width(sys.stdout), highlight=False, markup=False, emoji=False
    )


def stderr() -> Console:
    """Where progress, warnings and the next command go; wrapped between words in a terminal, not at all in a file."""
    width, soft_wrap = _width(sys.stderr), not sys.stderr.isatty()
    file = unfiltered(sys.stderr)
    return _CleanConsole(file=file, width=width, highlight=False, markup=False, emoji=False, soft_wrap=soft_wrap)


class _CleanConsole(Console):
    """A console whose own colours and movements pass, and nobody else's."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=clean(segment.text))

    def on_broken_pipe(self) -> None:
        """Rich would end the process with 1; `dse.cli.run` knows what to do."""
        raise


def _width(stream: TextIO) -> int | None:
    return None if stream.isatty() else max(_FILE_WIDTH, shutil.get_terminal_size().columns)


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
    console = stderr()
    said, advised = message(error), advice(error)
    if len(said) > _MOST_OF_AN_ERROR:  # a command line or a file may have any length
        said = f"{said[:_MOST_OF_AN_ERROR]}... ({len(said)} letters)"
    console.print(Text.assemble(("error: ", "bold red"), said, overflow="ignore"))  # no path is broken
    if advised:
        console.print(Text.assemble(("  try: ", "bold"), advised, overflow="ignore"))


def next_command(command: str, why: str) -> None:
    """The command to type next, on stderr."""
    line = Text.assemble(("next: ", "bold green"), (command, "bold"), f"  {why}")
    stderr().print(line, soft_wrap=True)  # wrapped by the terminal alone: it can be copied


def front_table(
    points: Sequence[FrontPoint],
    objectives: Sequence[Objective],
    title: str | None = None,
    remarks: Mapping[int, str] | None = None,
) -> RenderableType:
    """The front with a column per objective; parameters that never change go to the caption.

    In a narrow terminal the configurations stand below their figures instead of beside them. ``remarks`` are sentences
    that stand below a trial's line.
    """
    names = list(dict.fromkeys(name for point in points for name in point.configuration))
    shared = [name for name in names if len({p.configuration.get(name) for p in points}) == 1 < len(points)]
    told = any(p.probability is not None or p.intervals for p in points)
    figures = [
        (str(p.trial), *(_with_error(p, objective) for objective in objectives), *([_sure(p)] if told else []))
        for p in points
    ]
    captions = [f"all of them: {described({n: points[0].configuration[n] for n in shared})}"] if shared else []
    captions += [_PLUS_MINUS] if any("\u00b1" in cell or "\u00d7" in cell for row in figures for cell in row) else []
    captions += [_P_FRONT + (_UNDECIDED if any(p.probability is None for p in points) else "")] if told else []
    return FiguresTable(
        title=title,
        captions=tuple(captions),
        header=("trial", *(objective.metric.title for objective in objectives), *(["P(front)"] if told else [])),
        figures=tuple(figures),
        configurations=tuple(
            described({name: value for name, value in p.configuration.items() if name not in shared}) for p in points
        ),
        remarks=tuple((remarks or {}).get(p.trial, "") for p in points),
    )


@dataclass(frozen=True)
class FiguresTable:
    """Rows of figures, each with its configuration beside or, in a narrow terminal, below it, and a remark below."""

    title: str | None
    captions: tuple[str, ...]
    header: tuple[str, ...]
    figures: tuple[tuple[str, ...], ...]
    configurations: tuple[str, ...]
    remarks: tuple[str, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = [max(map(cell_len, column)) for column in zip(self.header, *self.figures, strict=True)]
        figures_width = sum(widths) + len(_GAP) * len(widths)
        wanted = max(map(cell_len, self.configurations), default=0)
        beside = options.max_width - figures_width >= min(wanted, _LEAST_CONFIGURATION)
        indent = figures_width if beside else widths[0] + len(_GAP)
        if self.title:
            yield Text(self.title, style="italic")
        yield Text(_row(self.header, widths) + ("configuration" if beside else ""), style="bold")
        yield Text("\u2500" * min(options.max_width, figures_width + (wanted if beside else 0)), style="dim")
        rows = zip(self.figures, self.configurations, self.remarks, strict=True)
        for figures, configuration, remark in rows:
            lines = textwrap.wrap(configuration, max(options.max_width - indent, 1), break_on_hyphens=False)
            yield Text(_row(figures, widths) + (lines.pop(0) if beside and lines else ""))
            for line in lines:
                yield Text(" " * indent + line, style="" if beside else "dim")
            below = widths[0] + len(_GAP)
            for line in textwrap.wrap(remark, max(options.max_width - below, 1), break_on_hyphens=False):
                yield Text(" " * below + line, style="italic")
        for caption in self.captions:
            yield Text(caption, style="dim italic")


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(cell.rjust(width) + _GAP for cell, width in zip(cells, widths, strict=True))


def _with_error(point: FrontPoint, objective: Objective) -> str:
    """The value, with its spread where that shows: ``0.312 ms \u00b12 %``, and ``91.25 % \u00b10.6`` in points."""
    value = point.values[objective.name]
    return objective.metric.show(value) + spread(objective, value, point.intervals.get(objective.name))


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
