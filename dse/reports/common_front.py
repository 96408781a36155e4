"""The fronts of several studies as one document and as sentences; see `dse.core.common_front`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dse.core.common_front import CommonFront, common_front
from dse.core.words import counted
from dse.errors import InputError, NothingMeasuredError, UsageError
from dse.study import Study

SCHEMA = 1


@dataclass(frozen=True)
class CommonReport:
    """What several studies say together."""

    studies: tuple[Study, ...]
    found: CommonFront

    @property
    def title(self) -> str:
        """How many points of how many fronts are on the front over all."""
        return (
            f"{len(self.found.over_all)} of {counted(len(self.found.placed), 'point')} of "
            f"{counted(len(self.studies), 'front')} are on the front over all"
        )

    @property
    def notes(self) -> list[str]:
        """A sentence for each study, and what is on every front."""
        said = []
        for study in self.studies:
            own = [each for each in self.found.placed if each.study == study.name]
            over_all = sum(each.beaten_by is None for each in own)
            system = f" ({system_of(study)})" if system_of(study) else ""
            said.append(f"{study.name}{system}: {counted(len(own), 'point')} on its front, {over_all} over all")
        every = counted(len(self.found.every), "configuration")
        return [*said, f"on every front: {every} of {self.found.measured} that all have measured"]


def common_report(studies: Sequence[Study]) -> CommonReport:
    """The fronts of ``studies`` side by side.

    Raises UsageError for two of one name, InputError where objectives differ, NothingMeasuredError for one that has no
    front.
    """
    names = [study.name for study in studies]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"two studies are called {', '.join(repeated)}: a report tells them apart by their names")
    for study in studies:
        if not study.analysis.front:
            raise NothingMeasuredError(
                "the study has no front",
                path=study.folder,
                remedy=study.way_to_a_front,
                details={"study": str(study.folder)},
            )
    try:
        found = common_front({study.name: study.analysis for study in studies})
    except ValueError as error:
        raise InputError(str(error), hint="compare studies of one space") from None
    return CommonReport(tuple(studies), found)


def system_of(study: Study) -> str:
    """What the boards of a study are called together; empty for this machine."""
    return str(study.settings.options.get("system", ""))


def common_document(report: CommonReport) -> dict[str, Any]:
    """The report as ``dse front STUDY STUDY --json`` prints it."""
    found = report.found
    return {
        "schema": SCHEMA,
        "studies": [{"study": study.name, "system": system_of(study)} for study in report.studies],
        "objectives": [{"name": o.name, "direction": o.direction, "unit": o.metric.unit} for o in found.objectives],
        "indifference": dict(found.indifference),
        "points": [
            {
                "study": each.study,
                "trial": each.point.trial,
                "config": dict(each.point.configuration),
                "values": {o.name: each.point.values[o.name] for o in found.objectives},
                "over_all": each.beaten_by is None,
                "beaten_by": each.beaten_by,
            }
            for each in found.placed
        ],
        "measured_by_all": found.measured,
        "on_every_front": [{"config": dict(each.configuration), "trials": dict(each.trials)} for each in found.every],
    }
