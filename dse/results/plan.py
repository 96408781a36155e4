"""What an import has to walk, given what the table knows."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dse.results.columns import storable
from dse.results.database import Database, Known
from dse.results.parts import Part
from dse.results.walk import Submitter, unchanged

SubmitterKey = tuple[str, str]
"""A submitter's directory and round."""


@dataclass(frozen=True)
class Plan:
    """What is to be walked: submitters with the states of what was listed so far, and their systems, as parts.

    ``unchanged`` is how many results the other submitters have, ``rows`` and ``known`` what the table has.
    """

    rows: int
    unchanged: int
    submitters: dict[SubmitterKey, str]
    parts: list[Part]
    known: dict[tuple[str, ...], Known]


def plan_import(submitters: Sequence[SubmitterKey], db: Database | None, *, details: bool) -> Plan:
    """Every submitter whose directory is not as it was; without a database, all of ``submitters``."""
    walked = db.walked() if db else {}
    paths = db.paths() if db else []
    rows_of = Counter(path.rsplit(os.sep, 4)[0] for path in paths)
    unchanged_results, listings, systems = 0, dict[SubmitterKey, str](), list[tuple[SubmitterKey, str, int]]()
    for path, round_name in submitters:
        before = walked.get((path, round_name))
        if (
            before is not None
            and (before.details or not details)
            and rows_of[path] == before.results
            and unchanged(path, before.manifest)
        ):
            unchanged_results += before.results
            continue
        submitter = Submitter(Path(path), round_name)
        systems.extend(((path, round_name), system, models) for system, models in submitter.systems().items())
        listings[path, round_name] = submitter.manifest()
    known = db.known() if db and listings else {}
    signatures: dict[tuple[str, ...], dict[tuple[str, ...], str]] = {}
    for key, row in known.items():
        round_name, _, submitter_name, system = key[:4]
        signatures.setdefault((round_name, submitter_name, system), {})[key] = row.signature
    parts = [
        Part(
            path,
            round_name,
            system,
            signatures.get((round_name, storable(Path(path).name), storable(system)), {}),
            models,
        )
        for (path, round_name), system, models in systems
    ]
    return Plan(len(paths), unchanged_results, listings, parts, known)
