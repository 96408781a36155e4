"""A study's front as one JSON object, as CSV, and as files in the study's folder that people can diff."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dse.core.analysis import Analysis
from dse.core.calibration import correction_sentences
from dse.core.configuration import text
from dse.core.metrics import satisfies
from dse.core.pareto import FrontPoint
from dse.core.worth import found_again, noisiest
from dse.files import write_json, write_text
from dse.reports.official import OFFICIAL_COLUMNS, Official, official_document, official_row
from dse.reports.question import Question
from dse.spaces.parts import runtime_of
from dse.study import Study

SCHEMA = 2
"""2: intervals of 95 % in place of one standard error, P(front) as ``p_front``, counts, official figures."""


_NEARLY_ALL = 0.9
"""Of the rows, found again by another search: nothing is said then."""


@dataclass(frozen=True)
class FrontReport:
    """A study's front as it is shown: ``points`` of it, of ``on_front`` in all, that answer ``question``.

    ``compared`` is how many measured configurations satisfy the question. ``official`` has the official figures of
    trials that have some.
    """

    study: Study
    analysis: Analysis
    points: list[FrontPoint]
    on_front: int
    compared: int
    question: Question = field(default_factory=Question)
    official: Mapping[int, Official] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """How many of the configurations that were measured are on the front, as a sentence."""
        measured = "" if self.study.recorded_in else "measured "
        shown = f"{self.study.name}: {self.on_front} of {self.compared} {measured}configurations are on the front"
        if self.question.words:
            shown += f" of those with {' and '.join(self.question.words)}"
        if len(self.points) < self.on_front:
            shown += f"; {len(self.points)} of them shown"
        if table := self.study.recorded_in:
            shown += f"; recorded in {Path(table).name}, not measured here"
        return shown

    @property
    def notes(self) -> list[str]:
        """What has to be known of the figures, as sentences: what nobody may trust, and what is not in them."""
        counts, starved = self.analysis.counts, self.analysis.exclusions.starved
        everything = [counts.trials_sentence, counts.configurations_sentence]
        warnings = [sentence for sentence in (starved, self.analysis.guesses) if sentence]
        same = [self._indifference] if any(point.represents for point in self.points) else []
        return [
            *warnings,
            *same,
            *self._found_again,
            *correction_sentences(self.study.ratios),
            *self._share,
            *(everything if counts.trials > counts.counting else []),
        ]

    @property
    def runtimes(self) -> dict[str, tuple[int, int]]:
        """Of each runtime, where there are several: points that are shown, and configurations that were measured."""
        names = list(self.study.space.runtimes)
        if len(names) < 2 or self.study.recorded_in:
            return {}
        shown = Counter(runtime_of(point.configuration, names) for point in self.points)
        measured = Counter(runtime_of(estimate.configuration, names) for estimate in self.analysis.estimates)
        return {name: (shown[name], measured[name]) for name in names}

    @property
    def _share(self) -> list[str]:
        """``share of the front: litert 5 (of 20 measured), openvino 4 (of 12)``."""
        words = "(of {} measured)", "(of {})"
        shares = (
            f"{name} {shown} {words[place > 0].format(measured)}"
            for place, (name, (shown, measured)) in enumerate(self.runtimes.items())
        )
        found = ", ".join(shares)
        return [f"share of the front: {found}"] if found else []

    @property
    def _indifference(self) -> str:
        """``indifference: 0.1 points of accuracy, 3 % of p90 latency``."""
        found = ((o.metric, self.analysis.indifference.get(o.name, 0.0)) for o in self.study.objectives)
        shown = (
            f"{m.units.show_difference(most) if m.scale == 'absolute' else f'{100 * most:.2g} %'} of {m.title}"
            for m, most in found
            if most
        )
        return f"indifference: {', '.join(shown)}"

    @property
    def _found_again(self) -> list[str]:
        """How many rows another search is expected to find again with these figures, where that is not nearly all."""
        analysis = self.analysis
        if self.question.exact or not analysis.tells_certainty or not any(analysis.within):
            return []
        shown = {point.configuration for point in self.points}
        rows = [
            e for e in analysis.estimates if e.configuration in shown and analysis.noise.is_learned(e.configuration)
        ]
        again = [found_again(row, analysis) for row in rows]
        if not rows or sum(again) >= _NEARLY_ALL * len(rows):
            return []
        least = min(zip(again, rows, strict=True), key=lambda found: found[0])[1]
        noise = noisiest(least, analysis)
        because = f", as runs differ by {100 * noise[1]:.2g} % of {noise[0].title} here" if noise else ""
        return [
            f"another search would find the figures of about {round(sum(again))} of {len(rows)} rows again within the"
            f" indifference{because}; more time or a wider indifference makes it more"
        ]

    def official_of(self, point: FrontPoint) -> Official | None:
        """The official figures of a point: those of the trial that it shows, else of a repeat."""
        return next((self.official[t] for t in (point.trial, *point.trials) if t in self.official), None)


def front_report(
    study: Study, official: Mapping[int, Official] | None = None, question: Question | None = None
) -> FrontReport:
    """The front of everything that was measured, by the middle of the repeats that count.

    A question narrows down what is compared, and then the front is the one of those configurations. Without one, its
    points are all of the front.
    """
    analysis, asked = study.analysis, question or Question()
    if not (asked.constraints or asked.conditions):
        points = analysis.exact_front if asked.exact else analysis.front
        compared = len(analysis.estimates)
    else:
        allowed = [e for e in analysis.estimates if asked.allows(e.configuration)]
        points = analysis.front_of(allowed, (*analysis.constraints, *asked.constraints), exact=asked.exact)
        compared = sum(satisfies(e.values, asked.constraints) for e in allowed)
    return FrontReport(study, analysis, asked.chosen(points), len(points), compared, asked, official or {})


def front_document(report: FrontReport) -> dict[str, Any]:
    """The front as ``dse front --json`` prints it: schema, study, objectives, counts, points.

    ``represents`` are the trials of what a point stands for within the ``indifference``. ``intervals`` are 95 %, and
    lack what nobody can tell; values that were ``drawn`` to what is usual are no middles of repeats, and it is
    said by what share. Intervals hold in any session where ``in_any_session`` says so, else in the one that there
    was. Figures of a device in ``ratios`` are divided by these, by metric. ``standing`` is the verdict on a point;
    ``p_front`` is null where that is undecided or not told; ``starved`` says what is wrong with all of the figures, if
    anything is.
    """
    study, analysis = report.study, report.analysis
    return {
        "schema": SCHEMA,
        "study": study.name,
        **({"recorded_in": table} if (table := study.recorded_in) else _data_set(study)),
        "objectives": [
            {"name": objective.name, "direction": objective.direction, "unit": objective.metric.unit}
            for objective in study.objectives
        ],
        "indifference": {} if report.question.exact else dict(analysis.indifference),
        "where": list(report.question.words),
        "starved": analysis.exclusions.starved,
        "ratios": {device: dict(ratios) for device, ratios in study.ratios.items()},
        "counts": analysis.counts.document(),
        "on_front": report.on_front,
        "points": [
            {
                "trial": point.trial,
                "config": dict(point.configuration),
                "values": {objective.name: point.values[objective.name] for objective in study.objectives},
                "intervals": {
                    o.name: list(point.intervals[o.name]) for o in study.objectives if o.name in point.intervals
                },
                **({"drawn": drawn} if (drawn := _drawn(study, point)) else {}),
                "trials": list(point.trials),
                "sessions": point.sessions,
                "in_any_session": point.in_any_session,
                "represents": list(point.represents),
                "p_front": point.probability,
                "standing": point.standing,
                "accuracy": _accuracy_document(report, point),
                "official": official_document(report.official_of(point), point.values),
                "logs": str(study.trial_folder(point.trial)),
            }
            for point in report.points
        ],
        **({"damaged": [str(error) for error in study.damaged]} if study.damaged else {}),
    }


def _data_set(study: Study) -> dict[str, Any]:
    return {"data_set": study.space.data_set.called, "classes": study.space.data_set.classes}


def _drawn(study: Study, point: FrontPoint) -> dict[str, float]:
    return {o.name: point.drawn[o.name] for o in study.objectives if o.name in point.drawn}


def _accuracy_document(report: FrontReport, point: FrontPoint) -> dict[str, Any] | None:
    """The counts behind an accuracy, of how many ``images``, and where it lies on all of them with 95 % probability.

    ``corrected_by`` is there where the value is not what was counted: by so many models, which saw more images.
    """
    if point.accuracy is None:
        return None
    found: dict[str, Any] = {"good": point.accuracy.good, "total": point.accuracy.total}
    if point.corrected_by:
        found["corrected_by"] = point.corrected_by
    if report.analysis.images is None or "accuracy" not in point.intervals:
        return found
    low, high = point.intervals["accuracy"]
    return {**found, "images": report.analysis.images, "low": low, "high": high}


def front_csv(report: FrontReport) -> str:
    """The front as CSV with exact values: trial, a column for every parameter that occurs, objectives, repeats.

    ``_low`` and ``_high`` are an objective's interval of 95 %, ``accuracy_images`` on how many of ``images`` the
    accuracy was counted, and ``_drawn``, where there is one, by what share it was drawn to what is usual. A cell is
    empty where nobody can tell, ``p_front`` where it is undecided.
    """
    study, points = report.study, report.points
    names = [objective.name for objective in study.objectives]
    parameters = list(dict.fromkeys(name for point in points for name in point.configuration))
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    bounds = [f"{name}_{end}" for name in names for end in ("low", "high")]
    ours = ["repeats", "sessions", "p_front", "standing", "accuracy_images", "images", "represents"]
    drawn = [name for name in names if any(name in point.drawn for point in points)]
    official = OFFICIAL_COLUMNS if any(map(report.official_of, points)) else ()
    writer.writerow(["trial", *parameters, *names, *bounds, *ours, *(f"{name}_drawn" for name in drawn), *official])
    for point in points:
        writer.writerow(
            [
                point.trial,
                *(text(point.configuration[name]) if name in point.configuration else "" for name in parameters),
                *(point.values[name] for name in names),
                *(end for name in names for end in point.intervals.get(name, ("", ""))),
                len(point.trials),
                point.sessions,
                "" if point.probability is None else point.probability,
                point.standing or "",
                point.accuracy.total if point.accuracy else "",
                study.images,
                " ".join(map(str, point.represents)),
                *(point.drawn.get(name, "") for name in drawn),
                *(official_row(report.official_of(point), point.values) if official else ()),
            ]
        )
    return output.getvalue()


def write_front(report: FrontReport) -> list[Path]:
    """Write front.json, front.csv and front.png into the study's folder; returns their paths. Raises OSError."""
    from dse.reports.plot import plot_front  # matplotlib costs a second, and only a finished search draws

    paths = [report.study.folder / name for name in ("front.csv", "front.json", "front.png")]
    write_text(paths[0], front_csv(report), follow=False)
    write_json(paths[1], front_document(report), follow=False)
    plot_front(report, paths[2])
    return paths
