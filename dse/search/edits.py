"""What an edited space means for a study that began with another: which edits change the answers it has given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dse.errors import Remedy, StudyError
from dse.spaces.placement import Placement
from dse.spaces.space import Space
from dse.study import Study

_NO_MATTER = (
    "schema",
    "name",
    "description",
    "sampler",
    "seed",
    "budget",
    "objectives",
    "constraints",
    "indifference",
    "replay",
)
"""Sections that say how to search, or that are looked at on their own."""
_WHERE = ("data_set.path", "data_set.labels", "data_set.images", "data_set.file")
"""Where images lie is no matter: ``data_set.sha256`` says what they are."""
_MOST_SAID = 6


@dataclass(frozen=True)
class Edits:
    """What differs, each as a sentence for people: ``changing`` says what the study would answer otherwise from now on,
    ``others`` what does not take anything from its front.
    """

    changing: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def require_same_answers(edited: Edits, folder: Path) -> None:
    """Raise StudyError where the edits change what the study in ``folder`` has answered."""
    if edited.changing:
        raise StudyError(
            f"the edited space changes what this study answers: {'; '.join(edited.changing)}",
            path=folder / "study.yaml",
            remedy=Remedy.OTHER_STUDY_NAME,
        )


def edits(before: Study, space: Space) -> Edits:
    """How ``space`` differs from the one that the study was last searched with."""
    was, now = before.space.document(), space.resolved().document()
    objectives = [f"{direction} {name}" for name, direction in was["objectives"].items()]
    wanted = [f"{objective.direction} {objective.name}" for objective in space.objectives]
    changing = []
    if set(objectives) != set(wanted):
        changing.append(f"objectives: {', '.join(objectives)} in the study, {', '.join(wanted)} in the space")
    bounds, wanted = [str(c) for c in before.constraints], [str(c) for c in space.constraints]
    if set(bounds) != set(wanted):
        said = [", ".join(listed) or "none" for listed in (bounds, wanted)]
        changing.append(f"constraints: {said[0]} in the study, {said[1]} in the space")
    known, asked = (
        {o.name: of.get(o.name, 0.0) for o in space.objectives} for of in (was["indifference"], now["indifference"])
    )
    if not changing and known != asked:
        said = [", ".join(f"{100 * most:g} % of {name}" for name, most in of.items()) for of in (known, asked)]
        changing.append(f"indifference: {said[0]} in the study, {said[1]} in the space")
    place = Placement(space, before.measurements)
    on_front, lost = _lost(before, place)
    others = [found for key in now if key not in _NO_MATTER for found in _differences(key, was.get(key), now[key])]
    if lost:
        if place.earlier:
            why = "; ".join(dict.fromkeys(place.earlier.values()))
            changing.append(
                f"{lost} of {on_front} points on the front are of an earlier version of dse and measured again: {why}"
            )
        else:
            because = f": {_some(others)}" if others else ": another model file, runtime version or data set"
            changing.append(f"{lost} of {on_front} points on the front are not in the space any more{because}")
            others = []
    return Edits(tuple(changing), (_some(others),) if others else ())


def _lost(before: Study, place: Placement) -> tuple[int, int]:
    """How many points the study's front has, and how many of them ``place`` counts for nothing; none of either where
    it counts every trial that worked."""
    worked = [measured for measured in before.measurements if not measured.failed]
    kept = {measured.trial for measured in worked if place(measured) is not None}
    if len(kept) == len(worked):
        return 0, 0
    front = before.analysis.front
    return len(front), sum(kept.isdisjoint(point.trials) for point in front)


def _some(differences: list[str]) -> str:
    more = f"; {len(differences) - _MOST_SAID} more" if len(differences) > _MOST_SAID else ""
    return "; ".join(differences[:_MOST_SAID]) + more


def _differences(place: str, was: Any, now: Any) -> Iterator[str]:
    """Sentences for what differs below ``place``; what the study's version of dse did not know yet is no edit."""
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in {**was, **now}:
            if key in was and key in now:
                yield from _differences(f"{place}.{key}", was[key], now[key])
            elif _is_named(place) and (place, key) != ("parameters", "model"):  # ``models`` says it
                yield f"{place}.{key} {'added' if key in now else 'removed'}"
    elif place.startswith("parameters") and isinstance(was, list | Mapping) and isinstance(now, list | Mapping):
        added, removed = [level for level in now if level not in was], [level for level in was if level not in now]
        for levels, word in ((added, "added"), (removed, "removed")):
            if levels:
                yield f"{place}: {', '.join(map(str, levels))} {word}"
    elif was != now and place not in _WHERE:
        yield f"{place}: {_shown(was)} in the study, {_shown(now)} in the space"


def _is_named(place: str) -> bool:
    """Whether the keys below ``place`` are the user's own names, not dse's."""
    return place in ("models", "runtimes") or place.startswith("parameters")


def _shown(value: Any) -> str:
    return (
        "nothing"
        if value is None
        else f"{value[:12]}..."
        if isinstance(value, str) and len(value) == 64
        else f"{value}"
    )
