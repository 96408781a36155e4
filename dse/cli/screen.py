"""What is drawn again and again below the lines that stay, while something goes on: in a terminal, not in a log."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from dse.cli.render import stderr


class Screen:
    """A context manager; what is drawn goes with it. `_screen` is for subclasses, and asked from the start."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or stderr()
        self._live = Live(get_renderable=self._screen, console=self._console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()

    def note(self, line: str) -> None:
        """A line that stays on the screen."""
        self._console.print(line)

    def _screen(self) -> RenderableType:
        raise NotImplementedError


def one_line(text: str, style: str = "dim") -> Text:
    """Cut where the terminal ends."""
    return Text(text, style=style, overflow="ellipsis", no_wrap=True)
