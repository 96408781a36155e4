"""The front of a study before its space was edited: kept in a numbered folder, where it stays readable."""

from __future__ import annotations

from pathlib import Path

from dse.files import write_json, write_text
from dse.reports.front import front_csv, front_document, front_report
from dse.study import Study

FOLDER = "earlier"
"""Below the study's folder."""


def next_folder(study: Path) -> Path:
    """Where `keep_front` writes next."""
    taken = [int(path.name) for path in (study / FOLDER).glob("*") if path.name.isascii() and path.name.isdecimal()]
    return study / FOLDER / str(1 + max(taken, default=0))


def keep_front(study: Study) -> Path:
    """Write the front that ``study`` has as it is now, and its settings; returns the folder. Raises OSError."""
    folder, report = next_folder(study.folder), front_report(study)
    write_text(folder / "front.csv", front_csv(report))
    write_json(folder / "front.json", front_document(report))
    write_text(folder / "settings.yaml", study.settings.written())
    return folder
