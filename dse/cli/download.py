"""Downloads as they run: a bar in a terminal, a line for each file in a log."""

from __future__ import annotations

from collections.abc import Sequence

from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from dse.cli.render import stderr
from dse.models import Download
from dse.models.download import OnProgress


def download(sources: Sequence[Download]) -> None:
    """Fetch ``sources``, one after the other, saying so on stderr. Raises ModelError."""
    console = stderr()
    columns = (BarColumn(24), DownloadColumn(), TransferSpeedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        for number, source in enumerate(sources, 1):
            console.print(f"downloading {number} of {len(sources)}: {source.shown_url}")
            task = bar.add_task(source.shown_url.rpartition("/")[2], total=None)
            source.download(_shown(bar, task))
            bar.remove_task(task)


def _shown(bar: Progress, task: TaskID) -> OnProgress:
    return lambda done, total: bar.update(task, completed=done, total=total)
