"""A study's own front, as ``front.json`` in its folder gives it, set against published fronts."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from dse.errors import StudyError, UsageError, why
from dse.results.front import GroupFront, dominates
from dse.results.objectives import Exact, Objective

SCHEMA = 1
STUDIED_SCENARIO = "SingleStream"
"""What a search measures."""
_LARGEST_TOTAL = 10**6


@dataclass(frozen=True, slots=True)
class OwnPoint:
    """A configuration on a study's front, with exact values in the order of the objectives that were asked for."""

    trial: int
    config: dict[str, Any]
    values: tuple[Exact, ...]


@dataclass(frozen=True, slots=True)
class OwnFront:
    """A study's front: its name, its file, its points, its data set, and the table that it was looked up in, if any.

    A front that an older dse wrote names no data set.
    """

    study: str
    path: Path
    points: tuple[OwnPoint, ...]
    data_set: str | None = None
    recorded_in: str | None = None

    @property
    def title(self) -> str:
        """The study as a heading: ``study a on fashion_mnist``, ``study b recorded in rpi4.csv``."""
        if self.recorded_in is not None:
            return f"study {self.study} recorded in {Path(self.recorded_in).name}"
        return f"study {self.study}" + (f" on {self.data_set}" if self.data_set else "")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a study's front stands against one published front.

    ``unbeaten``: own points that no published point dominates; ``beaten_published``: points of the published front that
    an own point dominates.
    """

    group: GroupFront
    own: int
    unbeaten: int
    beaten_published: int

    def to_json(self) -> dict[str, Any]:
        """As the member ``standing`` of ``dse results front --study NAME --json``."""
        return {"own": self.own, "unbeaten": self.unbeaten, "beaten_published": self.beaten_published}


def find_front(name: str) -> Path:
    """The ``front.json`` of a study given by file, by folder, or by name below ``studies/``. Raises `StudyError`."""
    given = Path(name)
    candidates = [given, given / "front.json", Path("studies") / name / "front.json"]
    for path in candidates:
        if path.is_file():
            return path
    raise StudyError(
        "no front of this study",
        path=candidates[-1],
        hint=f"a search writes it at its end; before: `dse front {shlex.quote(name)} --json > front.json`, and name it",
    )


def load_own_front(path: Path, objectives: Sequence[Objective]) -> OwnFront:
    """A study's front with values for ``objectives``.

    Raises `StudyError` for a damaged or newer file and `UsageError` for an objective that the study did not have.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        schema, points = _whole(document["schema"]), document["points"]
        measured = {str(objective["name"]) for objective in document["objectives"]}
        study = str(document["study"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _no_front(path, error) from error
    if schema > SCHEMA:
        raise StudyError(f"schema {schema}; this dse knows up to {SCHEMA}", path=path, hint="update dse")
    keys = [_key(objective, measured) for objective in objectives]
    missing = [objective.name for objective, key in zip(objectives, keys, strict=True) if key is None]
    if missing:
        raise UsageError(
            f"study {study} did not measure {', '.join(missing)}",
            hint=f"its objectives are {', '.join(sorted(measured))}",
        )
    try:
        own = [
            OwnPoint(
                _whole(point["trial"]),
                dict(point["config"]),
                tuple(_exact(o, point["values"][key]) for o, key in zip(objectives, keys, strict=True)),
            )
            for point in points
        ]
        named = [None if (name := document.get(key)) is None else str(name) for key in ("data_set", "recorded_in")]
    except (ValueError, KeyError, TypeError) as error:
        raise _no_front(path, error) from error
    return OwnFront(study, path, tuple(own), *named)


def rivals(group: GroupFront) -> bool:
    """Whether a study can stand beside a group's front at all: it has one, of images classified one after another."""
    kind = group.group["task"], group.group["scenario"]
    return bool(group.points) and kind == ("image-classification", STUDIED_SCENARIO)


def stand(own: OwnFront, group: GroupFront) -> Standing:
    """Compare a study's front with the published front of one group."""
    maximize = [objective.maximize for objective in group.objectives]
    published = [point.values for point in group.points]
    mine = [point.values for point in own.points]
    return Standing(
        group,
        own=len(mine),
        unbeaten=sum(not any(dominates(theirs, values, maximize) for theirs in published) for values in mine),
        beaten_published=sum(any(dominates(values, theirs, maximize) for values in mine) for theirs in published),
    )


def _key(objective: Objective, measured: set[str]) -> str | None:
    """The name that a study uses: its objectives carry their unit (``latency_p90_ns``)."""
    return next((name for name in (objective.name, f"{objective.name}_{objective.unit}") if name in measured), None)


def _no_front(path: Path, error: Exception) -> StudyError:
    hint = f"make it anew: `dse front STUDY --json > {shlex.quote(str(path))}`"
    return StudyError(f"not a front that dse wrote: {why(error)}", path=path, hint=hint)


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"found {value!r}, allowed: a whole number")
    return value


def _exact(objective: Objective, value: Any) -> Exact:
    largest = 1 if objective.name == "accuracy" else math.inf
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= largest or value == math.inf:
        raise TypeError(
            f"{objective.name}: found {value!r}, allowed: a number from 0 {'to 1' if largest == 1 else 'on'}"
        )
    if objective.name != "accuracy":
        return value
    # The float nearest to good/total gives good/total back exactly while total is below a million.
    return Fraction(value).limit_denominator(_LARGEST_TOTAL)
