"""A space that was edited after its study began, in words: what is asked for, what is said, what is kept."""

from __future__ import annotations

from pathlib import Path

from dse.cli.render import stderr
from dse.errors import StudyError
from dse.reports.earlier import keep_front, next_folder
from dse.search.edits import Edits
from dse.study import Study


def say_edits(edited: Edits, folder: Path, *, update: bool) -> None:
    """Say what was edited. Raises StudyError where that changes the study's front and nobody asked to ``update`` it."""
    if edited.changing and not update:
        raise StudyError(
            f"the edited space changes what this study answers: {'; '.join(edited.changing)}",
            path=folder / "study.yaml",
            hint=f"--update to take the space as it is now: the front so far stays in {next_folder(folder)}; "
            "or another --study name, to begin anew",
        )
    for said in (*edited.changing, *edited.others):
        stderr().print(f"edited since: {said}")


def keep_earlier(before: Study) -> None:
    """Keep the study's front, and say where."""
    stderr().print(f"the front so far is kept in {keep_front(before)}")
