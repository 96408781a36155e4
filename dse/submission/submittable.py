"""Which points of a study may be submitted: those on the front, of the search and of the official runs; no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dse.study import Study
from dse.submission.candidate import Candidate, without_repeats
from dse.submission.candidates import trials_words
from dse.submission.point import ValidatedPoint, require_intact, validated_points
from dse.submission.rounds import Round
from dse.submission.validate import official_front, stands_for


@dataclass(frozen=True)
class Submittable:
    """The ``points`` to submit, by trial, and those ``dominated`` by others of them in the official runs.

    ``notes`` say of each other point why it is excluded. Without any point ``lacking`` says what there is not, and
    ``has_rehearsals`` that there are rehearsals of them all.
    """

    points: tuple[ValidatedPoint, ...] = ()
    dominated: tuple[ValidatedPoint, ...] = ()
    notes: tuple[str, ...] = ()
    lacking: str | None = None
    has_rehearsals: bool = False


def points_to_submit(study: Study, candidates: Sequence[Candidate], round_: Round, *, rehearsal: bool) -> Submittable:
    """The validated points of ``study`` that stand for one of ``candidates``, its front, in ``round_``.

    A ``rehearsal`` takes rehearsed points too. Raises SubmissionError for a point whose files are not as they were
    written.
    """
    kept, _ = without_repeats(candidates)
    on_front = [item.trial for item in kept]
    validated, unfit, notes = dict[int, ValidatedPoint](), dict[int, str](), list[str]()
    # of two points with the same runs, the one that is on the front; official runs before rehearsals
    found = validated_points(study.folder)
    for point in sorted(found, key=lambda point: (point.rehearsal, point.trial not in on_front)):
        same = next((item.trial for item in kept if stands_for(point, item)), None)
        if (point.rehearsal and not rehearsal) or point.round != round_.name:
            unfit[point.trial] = "a rehearsal" if point.rehearsal else f"of round {point.round}"
        elif same is None:
            notes.append(f"trial {point.trial} ({point.name}) is not on the study's front any more: excluded")
        elif (first := validated.setdefault(same, point)) is not point:
            notes.append(f"trial {point.trial} ({point.name}): the same runs as trial {first.trial}: excluded")
    points = sorted(validated.values(), key=lambda point: point.trial)
    fit = {point.trial for point in points}
    others = ", ".join(f"trial {trial} {what}" for trial, what in unfit.items() if trial not in fit)
    for point in points:  # before its figures drop another point
        require_intact(point)
    if missing := [trial for trial in on_front if trial not in validated]:
        notes.append(f"on the front and not validated, excluded: {trials_words(missing)}")
    if not points:
        lacking = f"no official runs of round {round_.name}: {others}" if others else "no validated point"
        only_rehearsals = bool(unfit) and all(what == "a rehearsal" for what in unfit.values())
        return Submittable(notes=tuple(notes), lacking=lacking, has_rehearsals=only_rehearsals)
    if others:
        notes.append(f"no official runs of round {round_.name}, excluded: {others}")
    front = official_front(points, study.objectives)
    dominated = tuple(point for point in points if point not in front)
    notes += [f"trial {point.trial} ({point.name}) is dominated in the official runs: excluded" for point in dominated]
    return Submittable(tuple(front), dominated, tuple(notes))
