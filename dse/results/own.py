"""A study's own front, of the study itself or of a saved ``front.json``, set against published fronts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from dse.core.metrics import Exact
from dse.core.pareto import dominates
from dse.errors import Remedy, StudyError, UsageError, why
from dse.reading import read_json
from dse.results.data_set import IMAGENET_CLASSES, IMAGENET_IMAGES, TASK, images_of, show_images
from dse.results.front import GroupFront
from dse.results.objectives import Objective, costs
from dse.study import Study
from dse.study.study import find_study

SCHEMA = 2
STUDIED_SCENARIO = "SingleStream"
"""What is compared with published results: a latency in another scenario is one of other queries."""


@dataclass(frozen=True, slots=True)
class OwnPoint:
    """A configuration on a study's front, with exact values in the order of the objectives that were asked for.

    ``images`` is on how many its accuracy was counted; None where the front does not say, as a very old one.
    """

    trial: int
    config: dict[str, Any]
    values: tuple[Exact, ...]
    images: int | None = None


@dataclass(frozen=True, slots=True)
class OwnFront:
    """A study's front: its name, its points, its data set, and the table that it was looked up in, if any.

    A front that an older dse wrote names no data set. ``classes`` are how many its images are told apart by, where that
    is known: 50,000 images of other classes than ImageNet's are not ImageNet's.
    """

    study: str
    points: tuple[OwnPoint, ...]
    data_set: str | None = None
    recorded_in: str | None = None
    classes: int | None = field(default=None, compare=False)

    @property
    def title(self) -> str:
        """The study as a heading: ``study a on fashion_mnist``, ``study b recorded in rpi4.csv``."""
        if self.recorded_in is not None:
            return f"study {self.study} recorded in {Path(self.recorded_in).name}"
        return f"study {self.study}" + (f" on {self.data_set}" if self.data_set else "")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a study's front stands against one published front.

    ``non_dominated``: own points that no published point dominates; ``beaten_published``: points of the published
    front that an own point dominates.
    """

    group: GroupFront
    own: int
    non_dominated: int
    beaten_published: int

    def to_json(self) -> dict[str, Any]:
        """As the member ``standing`` of ``dse results front --study NAME --json``."""
        # a document that is printed keeps its members
        return {"own": self.own, "unbeaten": self.non_dominated, "beaten_published": self.beaten_published}


def own_front(given: str, studies: Path, objectives: Sequence[Objective]) -> OwnFront:
    """The front of a study given by folder, or by name below ``studies``, as it is now; or a saved ``front.json``.

    Raises `StudyError`, and `UsageError` for an objective that the study did not have.
    """
    if Path(given).is_file():
        return load_own_front(Path(given), objectives)
    return front_of(find_study(given, studies), objectives)


def front_of(study: Study, objectives: Sequence[Objective]) -> OwnFront:
    """The front of ``study`` with values for ``objectives``. Raises as `own_front` does."""
    _check_measured(study.name, {objective.name for objective in study.objectives}, objectives)
    own = tuple(
        OwnPoint(
            row.trial,
            dict(row.configuration),
            tuple(_exact(o, row.values[o.metric.name], counts) for o in objectives),
            counts[1] if counts else None,
        )
        for row in study.front()
        for counts in [(row.accuracy.good, row.accuracy.total) if row.accuracy else None]
    )
    if not own:
        raise StudyError(
            "the study has no front",
            path=study.folder,
            remedy=study.way_to_a_front,
            details={"study": str(study.folder)},
        )
    _check_scenario(study.name, own)
    table = study.recorded_in
    data_set = study.space.data_set
    return OwnFront(study.name, own, None if table else data_set.called, table, None if table else data_set.classes)


def load_own_front(path: Path, objectives: Sequence[Objective]) -> OwnFront:
    """A saved front with values for ``objectives``.

    Raises `StudyError` for a damaged or newer file and `UsageError` for an objective that the study did not have.
    """
    try:
        document = read_json(path)
        schema, points = _whole(document["schema"]), document["points"]
        measured = {str(objective["name"]) for objective in document["objectives"]}
        study = str(document["study"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _no_front(path, error) from error
    if schema > SCHEMA:
        raise StudyError(f"schema {schema}; this dse knows up to {SCHEMA}", path=path, hint="update dse")
    _check_measured(study, measured, objectives)
    try:
        own = [_saved_point(point, objectives) for point in points]
        data_set, table = (
            None if (name := document.get(key)) is None else str(name) for key in ("data_set", "recorded_in")
        )
        classes = None if (told := document.get("classes")) is None else _whole(told)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _no_front(path, error) from error
    _check_scenario(study, own)
    return OwnFront(study, tuple(own), data_set, table, classes)


def _check_scenario(study: str, points: Sequence[OwnPoint]) -> None:
    found = {str(point.config.get("scenario", STUDIED_SCENARIO)) for point in points} - {STUDIED_SCENARIO}
    if found:
        raise UsageError(
            f"study {study} measures {', '.join(sorted(found))}; "
            f"only {STUDIED_SCENARIO} is set beside published results"
        )


def rival_images(own: OwnFront, point: OwnPoint) -> int | None:
    """On how many images a result is judged that a study's point may stand beside; None where there is none.

    50,000 images of other classes than ImageNet's are not those that published classifiers are judged on.
    """
    others = point.images == IMAGENET_IMAGES and own.classes not in (None, IMAGENET_CLASSES)
    return None if others else point.images


def rivals(own: OwnFront, group: GroupFront) -> bool:
    """Whether a study can stand beside a group's front at all.

    It has one, of images classified one after another, and a point of the study has its accuracy on as many images.
    """
    kind = group.group["task"], group.group["scenario"]
    return bool(group.points) and kind == (TASK, STUDIED_SCENARIO) and bool(_comparable(own, group))


def stand(own: OwnFront, group: GroupFront) -> Standing:
    """Compare a study's front with the published front of one group: the points on as many images."""
    published = [costs(point.values, group.objectives) for point in group.points]
    mine = [costs(point.values, group.objectives) for point in _comparable(own, group)]
    return Standing(
        group,
        own=len(mine),
        non_dominated=sum(not any(dominates(theirs, values) for theirs in published) for values in mine),
        beaten_published=sum(any(dominates(values, theirs) for values in mine) for theirs in published),
    )


def competing(own: OwnFront, groups: Sequence[GroupFront]) -> OwnFront:
    """A study's front with those of its points that compare with a published front."""
    found = {id(point) for group in groups if rivals(own, group) for point in _comparable(own, group)}
    return replace(own, points=tuple(point for point in own.points if id(point) in found))


def apart(own: OwnFront, groups: Sequence[GroupFront]) -> str | None:
    """How many points of a study compare with no published front, and why, as a sentence; None where all do."""
    kinds = [group for group in groups if group.points and group.group["task"] == TASK]
    beside = {point.trial for point in competing(own, kinds).points}
    images = [point.images for point in own.points if point.trial not in beside]
    if not images or not kinds:
        return None
    mine = ", ".join(
        f"{count} on {show_images(number).removesuffix(' (ImageNet)')}"
        for number, count in Counter(images).most_common()
    )
    theirs = " or ".join(sorted({show_images(images_of(group.points[0].row)) for group in kinds}))
    known = f" of {own.data_set}" if own.data_set else ""
    known += f", with {own.classes} classes" if own.classes not in (None, IMAGENET_CLASSES) else ""
    return (
        f"{len(images)} of {len(own.points)} points of study {own.study} compare with nothing published: "
        f"their accuracies are {mine}{known}, the published ones on {theirs}"
    )


def _comparable(own: OwnFront, group: GroupFront) -> list[OwnPoint]:
    """The points of a study whose accuracies are on as many images as the group's; all where none is asked for."""
    if all(objective.name != "accuracy" for objective in group.objectives):
        return list(own.points)
    images = images_of(group.points[0].row) if group.points else None
    return [point for point in own.points if images is not None and rival_images(own, point) == images]


def _check_measured(study: str, measured: Collection[str], objectives: Sequence[Objective]) -> None:
    missing = [objective.name for objective in objectives if objective.metric.name not in measured]
    if missing:
        raise UsageError(
            f"study {study} did not measure {', '.join(missing)}",
            hint=f"its objectives are {', '.join(sorted(measured))}",
        )


def _saved_point(point: Any, objectives: Sequence[Objective]) -> OwnPoint:
    trial, config, counts = _whole(point["trial"]), dict(point["config"]), _counts(point.get("accuracy"))
    values = tuple(_exact(o, _figure(o, point["values"][o.metric.name]), counts) for o in objectives)
    return OwnPoint(trial, config, values, counts[1] if counts else None)


def _no_front(path: Path, error: Exception) -> StudyError:
    said, details = f"not a front that dse wrote: {why(error)}", {"path": str(path)}
    return StudyError(said, path=path, remedy=Remedy.SAVE_FRONT_AGAIN, details=details)


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"found {value!r}, allowed: a whole number")
    return value


def _counts(found: Any) -> tuple[int, int] | None:
    """How many images were right, and of how many."""
    return None if found is None else (_whole(found["good"]), _whole(found["total"]))


def _figure(objective: Objective, value: Any) -> float:
    largest = 1 if objective.name == "accuracy" else math.inf
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= largest or value == math.inf:
        raise TypeError(
            f"{objective.name}: found {value!r}, allowed: a number from 0 {'to 1' if largest == 1 else 'on'}"
        )
    return value


def _exact(objective: Objective, value: float, counts: tuple[int, int] | None) -> Exact:
    if objective.name != "accuracy":
        return value
    if counts is None:  # recorded without counts, or a very old front: it compares with nothing by accuracy
        return Fraction(value)
    exact = Fraction(*counts)
    if float(exact) != value:
        raise ValueError(f"accuracy: found {value!r}, and {exact.numerator} of {exact.denominator} counted")
    return exact
