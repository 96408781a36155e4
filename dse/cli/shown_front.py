"""What `dse front` shows of a study when no part of it is asked for, as it is made, and as it is kept.

To load what makes it takes several times as long as to show it. So it is kept in the cache, under a fingerprint of
every byte that it follows from and of the programs that made it: the trials' folders stay the truth.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dse.cli.figures import FiguresTable
from dse.kept import keep, kept
from dse.study.contents import study_fingerprint

if TYPE_CHECKING:
    from dse.reports.front import FrontReport

_KIND = "fronts"


@dataclass(frozen=True)
class ShownFront:
    """A study's front in each form in which it is printed."""

    table: FiguresTable
    notes: tuple[str, ...]
    document: dict[str, Any]
    csv: str


def show_front(report: FrontReport) -> ShownFront:
    """``report`` in each form."""
    from dse.cli.render import front_table
    from dse.cli.report import remarks_of
    from dse.reports.front import front_csv, front_document

    return ShownFront(
        table=front_table(report.points, report.study.objectives, report.title, remarks_of(report)),
        notes=tuple(report.notes),
        document=front_document(report),
        csv=front_csv(report),
    )


def front_fingerprint(folder: Path) -> str | None:
    """What all of the front of the study in ``folder`` follows from; None where it is to be made every time.

    So it is where official runs were made: their figures follow from more.
    """
    return None if os.path.lexists(folder / "validation") else study_fingerprint(folder)


def kept_front(folder: Path, fingerprint: str) -> ShownFront | None:
    """The front of the study in ``folder`` as it was shown before, if it has this ``fingerprint``."""
    found = kept(_KIND, str(folder), fingerprint)
    try:
        table = FiguresTable(**{name: _tuples(value) for name, value in found["table"].items()})
        return ShownFront(table, _tuples(found["notes"]), found["document"], found["csv"])
    except (AttributeError, LookupError, TypeError):  # nothing, or not what `keep_front` keeps
        return None


def keep_front(folder: Path, fingerprint: str, front: ShownFront) -> None:
    """Keep ``front`` for the next time, unless the study has changed since it had this ``fingerprint``."""
    if front_fingerprint(folder) == fingerprint:
        keep(_KIND, str(folder), fingerprint, dataclasses.asdict(front))


def _tuples(value: Any) -> Any:
    """``value`` with the tuples that JSON made lists of."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
