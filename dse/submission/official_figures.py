"""What official runs said of a study's trials, to stand beside what exploration said of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dse_harness.protocol import Response

from dse.core.metrics import values_of
from dse.errors import SubmissionError
from dse.files import canonical_json
from dse.study import Study
from dse.submission.check_point import require_logged
from dse.submission.hashes import content_hash
from dse.submission.point import ValidatedPoint, readable_points
from dse.submission.rounds import Scenario, official_buffer_size

SCHEMA = 1
HEADLINES: Mapping[Scenario, str] = {
    "SingleStream": "latency_p90_ns",
    "MultiStream": "latency_p99_ns",
    "Offline": "samples_per_second",
}


@dataclass(frozen=True)
class OfficialFigures:
    """The figures of a point's two official runs. ``trial`` is the one that was validated, in ``folder``.

    ``values`` has every metric of `dse.core.metrics` that the runs have, in the metric's unit. ``rehearsal``: runs
    shorter than the rules want, which are never submitted. Offline has no latencies.
    """

    trial: int
    round: str
    rehearsal: bool
    good: int
    total: int
    latency_p90_ns: int | None
    early_stopping_p90_ns: int | None
    peak_memory_bytes: int | None
    query_count: int
    duration_ns: int
    values: Mapping[str, float]
    folder: Path
    scenario: Scenario = "SingleStream"

    @property
    def headline(self) -> str:
        """The metric that MLPerf's result is, or is the estimate of."""
        return HEADLINES[self.scenario]

    @property
    def accuracy(self) -> float:
        """Right answers over images, 0 to 1."""
        return self.good / self.total

    def ratio(self, explored: float) -> float:
        """The official `headline` over the explored one."""
        return self.values[self.headline] / explored

    def differs(self, explored: float, indifference: float) -> bool:
        """Whether the official `headline` differs from the explored one by more than ``indifference`` (0.03: 3 %)."""
        ratio = self.ratio(explored)
        return max(ratio, 1 / ratio) > 1 + indifference

    def document(self) -> dict[str, Any]:
        """The figures as JSON has them: latencies in ns, memory in bytes, accuracy 0 to 1."""
        return {
            "trial": self.trial,
            "round": self.round,
            "rehearsal": self.rehearsal,
            "accuracy": self.accuracy,
            "good": self.good,
            "total": self.total,
            "latency_p90_ns": self.latency_p90_ns,
            "early_stopping_p90_ns": self.early_stopping_p90_ns,
            **({} if self.scenario == "SingleStream" else {self.headline: self.values[self.headline]}),
            "peak_memory_bytes": self.peak_memory_bytes,
            "query_count": self.query_count,
            "duration_ns": self.duration_ns,
        }


def official_figures(study: Study) -> tuple[dict[int, OfficialFigures], list[SubmissionError]]:
    """The official figures of each trial that has some, by number, and what of the validation cannot be believed.

    A trial has those of its own runs and of every trial whose official runs would be the same: a repeat, or one with
    another buffer under 1,024. Official runs go before rehearsals, a later round before an earlier one.
    """
    points, problems = readable_points(study.folder)
    found: dict[int, OfficialFigures] = {}
    for point in points:
        try:
            found_here = figures_of(point)
        except SubmissionError as error:
            problems.append(error)
            continue
        older = found.get(point.trial)
        if older is None or _rank(found_here) > _rank(older):
            found[point.trial] = found_here
    images = study.images
    runs = {measured.trial: _official_run(measured.accuracy_key, measured.configuration, images)
            for measured in study.measurements}  # fmt: skip
    by_run: dict[str, OfficialFigures] = {}
    for figures in found.values():
        run = runs.get(figures.trial)
        if run is not None and (run not in by_run or _rank(figures) > _rank(by_run[run])):
            by_run[run] = figures
    return {trial: by_run[run] for trial, run in runs.items() if run in by_run} | found, problems


def figures_of(point: ValidatedPoint) -> OfficialFigures:
    """The figures of a point. Raises SubmissionError where its responses are not those of its record, or of its log.

    The accuracy is not counted again, which takes the images: `dse submit` does.
    """
    response, accuracy = point.performance.response, point.accuracy.response.accuracy
    performance, values = response.performance, values_of(response)
    if HEADLINES[point.scenario] not in values or accuracy is None:
        raise SubmissionError(f"trial {point.trial} ({point.name}) has no official figures", path=point.folder)
    for run in (point.performance, point.accuracy):
        path = run.folder / "response.json"
        if content_hash(path) != point.sha256.get(path.relative_to(point.folder).as_posix()):
            raise SubmissionError(f"not what it was when the official run of trial {point.trial} ended", path=path)
    require_logged(point)
    return OfficialFigures(
        trial=point.trial,
        round=point.round,
        rehearsal=point.rehearsal,
        good=accuracy.good,
        total=accuracy.total,
        latency_p90_ns=performance.latency_p90_ns if performance else None,
        early_stopping_p90_ns=performance.early_stopping_p90_ns if performance else None,
        peak_memory_bytes=response.peak_memory_bytes,
        query_count=performance.query_count if performance else 1,
        duration_ns=performance.duration_ns if performance else _offline_ns(response),
        values=values | {"accuracy": accuracy.good / accuracy.total},
        folder=point.folder,
        scenario=point.scenario,
    )


def _offline_ns(response: Response) -> int:
    """How long its one query took."""
    samples, rate = (response.metrics.get(name) for name in ("samples", "samples_per_second"))
    return round(1e9 * samples.value / rate.value) if samples and rate and rate.value > 0 else 0


def _rank(figures: OfficialFigures) -> tuple[bool, tuple[int, ...], int]:
    """What makes one better evidence than another."""
    version = tuple(
        int(part) for part in figures.round.removeprefix("v").split(".") if re.fullmatch("[0-9]{1,9}", part)
    )
    return not figures.rehearsal, version, figures.duration_ns


def _official_run(accuracy_key: str | None, configuration: Mapping[str, Any], images: int) -> str:
    """What tells the official runs of one trial from those of another: not how many samples exploration held."""
    official = dict(configuration)
    if isinstance(size := official.get("buffer_size"), int):
        official["buffer_size"] = official_buffer_size(size, images)
    return canonical_json([accuracy_key, official])
