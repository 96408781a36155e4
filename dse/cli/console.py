"""Rich's console as every command uses it; `dse.cli.render` loads it where plain lines do not do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from dse.cli.streams import clean, unfiltered


def console(stream: TextIO, columns: int | None, *, soft_wrap: bool = False) -> Console:
    """A console on ``stream``, so many ``columns`` wide, or as wide as the terminal."""
    return _CleanConsole(
        file=unfiltered(stream), width=columns, highlight=False, markup=False, emoji=False, soft_wrap=soft_wrap
    )


class _CleanConsole(Console):
    """A console whose own colours and movements pass, and nobody else's."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=clean(segment.text))

    def on_broken_pipe(self) -> None:
        """Rich would end the process with 1; `dse.cli.run` knows what to do."""
        raise
