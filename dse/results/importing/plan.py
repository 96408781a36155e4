"""What an import has to walk, given what earlier walks depended on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dse.results.columns import storable
from dse.results.database import Known
from dse.results.importing.manifest import unchanged
from dse.results.importing.parts import Part
from dse.results.importing.walk import Submitter
from dse.results.importing.walks import SubmitterKey, Walks


@dataclass(frozen=True)
class Plan:
    """What is to be walked: submitters with the states of what was listed so far, and the systems of each.

    ``unchanged`` is how many results the other submitters have; a system comes with how many models it has.
    """

    unchanged: int
    submitters: dict[SubmitterKey, str]
    systems: list[tuple[SubmitterKey, str, int]]

    def parts(self, known: Mapping[tuple[str, ...], Known]) -> list[Part]:
        """The systems as parts of the work, each with what the table knows of it."""
        signatures: dict[tuple[str, ...], dict[tuple[str, ...], str]] = {}
        for key, row in known.items():
            round_name, _, submitter_name, system = key[:4]
            signatures.setdefault((round_name, submitter_name, system), {})[key] = row.signature
        return [
            Part(
                path,
                round_name,
                system,
                signatures.get((round_name, storable(Path(path).name), storable(system)), {}),
                models,
            )
            for (path, round_name), system, models in self.systems
        ]


def plan_import(submitters: Sequence[SubmitterKey], walks: Walks, *, details: bool) -> Plan:
    """Every submitter whose directory is not as it was."""
    unchanged_results, listings, systems = 0, dict[SubmitterKey, str](), list[tuple[SubmitterKey, str, int]]()
    for path, round_name in submitters:
        before = walks.submitters.get((path, round_name))
        if before is not None and (before.details or not details) and unchanged(path, before.manifest):
            unchanged_results += before.results
            continue
        submitter = Submitter(Path(path), round_name)
        systems.extend(((path, round_name), system, models) for system, models in submitter.systems().items())
        listings[path, round_name] = submitter.manifest()
    return Plan(unchanged_results, listings, systems)
