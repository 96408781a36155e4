"""A table of figures as lines of text, with the configurations beside or below them. Rich draws it too, and is slow to
load: nothing here needs it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

Line = tuple[str, str]
"""A line's text and its style, as Rich names styles."""
_GAP = "  "
_LEAST_CONFIGURATION = 28
"""With fewer columns left beside the figures, configurations go below them."""
_ALWAYS = 2
"""Columns that are there however narrow a terminal is; of the others the last goes first."""


@dataclass(frozen=True)
class FiguresTable:
    """Rows of figures, each with its configuration beside or, in a narrow terminal, below it, and a remark below."""

    title: str | None
    captions: tuple[str, ...]
    header: tuple[str, ...]
    figures: tuple[tuple[str, ...], ...]
    configurations: tuple[str, ...]
    remarks: tuple[str, ...]

    def lines(self, columns: int, measure: Callable[[str], int] = len) -> Iterator[Line]:
        """The table in so many ``columns``; ``measure`` says how many a text takes. What has no room is named below."""
        widths = [max(map(measure, column)) for column in zip(self.header, *self.figures, strict=True)]
        while len(widths) > _ALWAYS and sum(widths) + len(_GAP) * (len(widths) - 1) > columns:
            widths.pop()
        dropped = self.header[len(widths) :]
        figures_width = sum(widths) + len(_GAP) * len(widths)
        wanted = max(map(measure, self.configurations), default=0)
        beside = columns - figures_width >= min(wanted, _LEAST_CONFIGURATION)
        indent = figures_width if beside else widths[0] + len(_GAP)
        if self.title:
            yield self.title, "italic"
        yield _row(self.header, widths) + ("configuration" if beside else ""), "bold"
        yield "\u2500" * min(columns, figures_width + (wanted if beside else 0)), "dim"
        rows = zip(self.figures, self.configurations, self.remarks, strict=True)
        for figures, configuration, remark in rows:
            lines = textwrap.wrap(configuration, max(columns - indent, 1), break_on_hyphens=False)
            yield _row(figures, widths) + (lines.pop(0) if beside and lines else ""), ""
            for line in lines:
                yield " " * indent + line, "" if beside else "dim"
            below = widths[0] + len(_GAP)
            for line in textwrap.wrap(remark, max(columns - below, 1), break_on_hyphens=False):
                yield " " * below + line, "italic"
        left_out = [f"no room in {columns} columns: {', '.join(dropped)}"] if dropped else []
        for caption in (*left_out, *self.captions):
            yield caption, "dim italic"

    def without_captions(self) -> FiguresTable:
        """The table where lines are scarce."""
        return replace(self, captions=())

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.cells import cell_len
        from rich.text import Text

        for line, style in self.lines(options.max_width, cell_len):
            yield Text(line, style=style)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    """The first ``cells``, as many as have ``widths``."""
    return "".join(cell.rjust(width) + _GAP for cell, width in zip(cells, widths, strict=False))
