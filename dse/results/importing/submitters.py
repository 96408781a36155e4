"""Where submitters' directories lie below a directory, and which round they are of."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from dse.errors import Remedy, ResultsError, why
from dse.files import real
from dse.reading import MIB, read_json
from dse.results.importing.walk import SCENARIOS

_SUBMITTER_PARTS = frozenset({"systems", "measurements", "code", "src"})
_NOT_DESCENDED = _SUBMITTER_PARTS | {"audit", "compliance", "calibration", "documentation", "complete_accuracy_logs"}
_ROUND = re.compile(r"(?:^|[_-])(v\d+\.\d+)(?=$|[_-])", re.IGNORECASE)


def find_submitters(root: Path) -> list[Path]:
    """The submitters' directories at or below ``root`` (also a ``results`` directory itself), in order of path.

    Raises `ResultsError` when ``root`` is no directory, holds no results, or has one that cannot be read.
    """
    if not root.is_dir():
        raise ResultsError("no such directory", path=root, hint="name a directory that holds `results/`")
    root = real(root)
    found = [Path(path) for path in _submitters(str(root))]
    if not found:
        raise ResultsError(
            "no results/<system>/<model>/<scenario> below it",
            path=root,
            hint="name the directory of a round, a division or a submitter",
        )
    return found


def round_of(submitter: Path) -> str:
    """The round that the nearest directory above names (``v1.1``, ``inference_results_v1.1``); never taken from a log.

    A directory with the submission.json of `dse submit` names the round that is in it.

    Raises `ResultsError` when none does.
    """
    for parent in submitter.parents:
        match = _ROUND.search(parent.name)
        if match:
            return match[1].lower()
        if written_for := _written_for(parent):
            return written_for
    raise ResultsError(
        "no directory above it names the round",
        path=submitter,
        remedy=Remedy.SAY_ROUND,
    )


def _written_for(folder: Path) -> str | None:
    try:
        found = read_json(folder / "submission.json", MIB)["round"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found.lower() if isinstance(found, str) and _ROUND.fullmatch(found) else None


def _directories(path: str) -> list[os.DirEntry[str]]:
    """Visible subdirectories in order of name, those that differ by case alone included."""
    try:
        with os.scandir(path) as listing:
            found = [e for e in listing if not e.name.startswith(".") and e.is_dir(follow_symlinks=False)]
    except OSError as error:
        hint = "name the directories below that hold `results/`"
        raise ResultsError(f"cannot be read: {why(error)}", path=path, hint=hint) from error
    return sorted(found, key=lambda entry: entry.name)


def _submitters(root: str) -> Iterator[str]:
    """In order of path; a stack of its own, since folders may be nested deeper than Python's."""
    paths = [root]
    while paths:
        path = paths.pop()
        children = _directories(path)
        names = {child.name.lower(): child for child in children}
        if "results" in names and (names.keys() & _SUBMITTER_PARTS or _holds_scenarios(names["results"].path)):
            yield path
        elif os.path.basename(path).lower() == "results" and _holds_scenarios(path):  # noqa: PTH119  # see Submitter
            yield str(Path(path).parent)
        else:
            paths.extend(child.path for child in reversed(children) if child.name.lower() not in _NOT_DESCENDED)


def _holds_scenarios(results: str) -> bool:
    return any(
        scenario.name.lower() in SCENARIOS
        for system in _directories(results)
        for model in _directories(system.path)
        for scenario in _directories(model.path)
    )
