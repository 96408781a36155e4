"""Official figures in Optuna's view of a study: user attributes of the trials that were validated."""

from __future__ import annotations

from dse.study import Study
from dse.study.current import show
from dse.submission.official_figures import OfficialFigures, official_figures


def show_official(study: Study) -> None:
    """Give the trials in the study's database the figures of their official runs; the caller has the study's lock.

    Raises StudyError, MachineError.
    """
    figures, _ = official_figures(study)
    if figures:
        show(study, official={trial: attributes(found) for trial, found in figures.items()})


def attributes(figures: OfficialFigures) -> dict[str, float]:
    """The figures as numbers, with the unit in the name; those of a rehearsal are called so."""
    kind = "rehearsal" if figures.rehearsal else "official"
    found = {name: value for name, value in figures.document().items() if isinstance(value, (int, float))}
    return {f"{kind}_{name}": value for name, value in found.items() if name not in ("trial", "rehearsal")}
