"""Official figures in Optuna's view of a study: user attributes of the trials that were validated."""

from __future__ import annotations

from dse.study import Study
from dse.study.folder import require_database
from dse.study.storage import add_attributes
from dse.submission.official_figures import OfficialFigures, official_figures


def show_official(study: Study) -> None:
    """Give the trials in the study's database the figures of their official runs. Raises StudyError, MachineError."""
    figures, _ = official_figures(study)
    if not figures:
        return
    if study.settings.storage is None:
        require_database(study.folder)
    add_attributes(study.storage_url, study.name, {trial: attributes(found) for trial, found in figures.items()})


def attributes(figures: OfficialFigures) -> dict[str, float]:
    """The figures as numbers, with the unit in the name; those of a rehearsal are called so."""
    kind = "rehearsal" if figures.rehearsal else "official"
    found = {name: value for name, value in figures.document().items() if isinstance(value, (int, float))}
    return {f"{kind} {name}": value for name, value in found.items() if name not in ("trial", "rehearsal")}
