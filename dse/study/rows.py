"""What a study says, row by row: configurations with everything that is known of them, and the runs behind them.

Each collection is a sequence of frozen rows and a table: ``to_pandas()``. Figures are in the unit that ends their name
(``_ns``, ``_bytes``); an accuracy is a ratio, 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar, overload

from dse_harness.protocol import Accuracy

from dse.core.analysis import Analysis
from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.explanation import Verdict
from dse.core.known import Known
from dse.core.measurement import Measurement, Phase
from dse.core.membership import told
from dse.core.metrics import METRICS
from dse.core.reason import Reason
from dse.core.verdicts import Standing

if TYPE_CHECKING:
    import pandas as pd

TrialState = Literal["counts", "excluded", "failed", "elsewhere"]
"""``elsewhere``: of no configuration of the space as it is now."""


@dataclass(frozen=True)
class ConfigurationRow:
    """A configuration and what its repeats say together. ``trial`` is the repeat nearest to that, ``trials`` all that
    count; of a configuration without one, ``trial`` is its first.

    ``values`` are the figures by metric, ``standard_errors`` theirs in the same unit, ``intervals`` where each lies
    with 95 % probability; what nobody can tell is missing. ``p_front`` is the probability to be on the front, None
    where that is undecided or nobody can tell; ``standing`` says whether it is certainly ``on`` the front, ``off`` it,
    or ``plausible``. ``accuracy`` are the counts behind the accuracy, of ``images`` in the data set; it was
    ``corrected_by`` so many models that saw more of them, and is as it was counted where that is 0.
    ``drawn`` says by what share percentiles were drawn to what is usual for the engine and its settings.
    ``represents`` are the trials of what it stands for on the front, and ``represented_by`` is the trial of what stands
    for it: nowhere worse by more than the indifference. ``sessions`` is in how many sessions of the study its trials
    ran. ``reason`` says why it is not measured, or which constraint
    does not hold. ``excluded`` has the reasons against single trials of it.

    >>> import dse
    >>> row = dse.open_study("studies/example").front()[0]
    >>> row.verdict, row.repeats, sorted(row.values)[:2]
    ('front', 1, ['accuracy', 'latency_early_stopping_p90_ns'])
    """

    trial: int
    configuration: Configuration
    verdict: Verdict
    values: Mapping[str, float] = field(default_factory=dict)
    standard_errors: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    p_front: float | None = None
    standing: Standing | None = None
    trials: tuple[int, ...] = ()
    accuracy: Accuracy | None = None
    images: int | None = None
    corrected_by: int = 0
    drawn: Mapping[str, float] = field(default_factory=dict)
    represents: tuple[int, ...] = ()
    represented_by: int | None = None
    sessions: int = 0
    reason: str | None = None
    excluded: Mapping[int, tuple[Reason, ...]] = field(default_factory=dict)

    @property
    def repeats(self) -> int:
        """How many trials count for it."""
        return len(self.trials)

    def cells(self) -> dict[str, Any]:
        """What the table has of it beside its parameters and figures."""
        return {
            **{f"{name}_{end}": x for name, ends in self.intervals.items() for end, x in zip(_ENDS, ends, strict=True)},
            **{f"{name}_standard_error": value for name, value in self.standard_errors.items()},
            "repeats": self.repeats,
            "sessions": self.sessions,
            "p_front": self.p_front,
            "standing": self.standing,
            "accuracy_good": self.accuracy.good if self.accuracy else None,
            "accuracy_images": self.accuracy.total if self.accuracy else None,
            "accuracy_corrected_by": self.corrected_by or None,
            **{f"{name}_drawn": share for name, share in self.drawn.items()},
            "images": self.images,
            "verdict": self.verdict,
            "represented_by": self.represented_by,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class TrialRow:
    """One run. ``values`` are its own figures, with the accuracy on most images that counts for it.

    ``accuracy_from`` is the trial that counted that accuracy, ``seconds`` what the run took, ``logs`` the folder of its
    files, ``session`` the number of the search that it is of. ``reason`` says why it does not count.

    >>> import dse
    >>> row = dse.open_study("studies/example").trials()[0]
    >>> row.trial, row.phase, row.state, row.reason
    (0, 'search', 'counts', None)
    """

    trial: int
    configuration: Configuration
    phase: Phase
    state: TrialState
    values: Mapping[str, float] = field(default_factory=dict)
    accuracy: Accuracy | None = None
    accuracy_from: int | None = None
    seconds: float | None = None
    reason: str | None = None
    logs: Path = field(default_factory=Path)
    session: int = 1

    def cells(self) -> dict[str, Any]:
        """What the table has of it beside its parameters and figures."""
        return {
            "phase": self.phase,
            "state": self.state,
            "reason": self.reason,
            "accuracy_good": self.accuracy.good if self.accuracy else None,
            "accuracy_images": self.accuracy.total if self.accuracy else None,
            "accuracy_from": self.accuracy_from,
            "seconds": self.seconds,
            "session": self.session,
            "logs": str(self.logs),
        }


_ENDS = ("low", "high")
_Row = TypeVar("_Row", bound=ConfigurationRow | TrialRow)


@dataclass(frozen=True)
class Rows(Sequence[_Row], Generic[_Row]):
    """A sequence of rows that can be had as a table. ``objectives`` are the names of the study's."""

    rows: tuple[_Row, ...]
    objectives: tuple[str, ...] = ()

    @overload
    def __getitem__(self, index: int) -> _Row: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> _Row | Self:
        return replace(self, rows=self.rows[index]) if isinstance(index, slice) else self.rows[index]

    def __len__(self) -> int:
        return len(self.rows)

    def to_pandas(self) -> pd.DataFrame:
        """The rows as a pandas DataFrame with the trial as its index.

        A column for every parameter, then for every metric, the objectives first, then what else is known. A cell is
        empty where a configuration does not have the parameter, or nobody can tell.
        """
        import pandas as pd  # half a second, and only a table needs it

        found = [{"trial": r.trial, **r.configuration, **r.values, **r.cells()} for r in self.rows]
        parameters = dict.fromkeys(name for row in self.rows for name in row.configuration)
        metrics = dict.fromkeys(self.objectives) | dict.fromkeys(name for row in self.rows for name in row.values)
        columns = dict.fromkeys(["trial", *parameters, *metrics, *(name for row in found for name in row)])
        return pd.DataFrame(found, columns=list(columns)).set_index("trial")

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return str(self.to_pandas().to_html(max_rows=60))


class Front(Rows[ConfigurationRow]):
    """The configurations on the front, the best in the first objective first.

    >>> import dse
    >>> front = dse.open_study("studies/example").front()
    >>> front[0].values["accuracy"] >= front[-1].values["accuracy"]
    True
    """


class Configurations(Rows[ConfigurationRow]):
    """Every configuration that was tried, in the order of its first trial.

    >>> import dse
    >>> table = dse.open_study("studies/example").configurations().to_pandas()
    >>> len(table), list(table["repeats"])
    (6, [1, 1, 1, 1, 1, 1])
    """


class Trials(Rows[TrialRow]):
    """Every run, in order.

    >>> import dse
    >>> [row.trial for row in dse.open_study("studies/example").trials()]
    [0, 1, 2, 3, 4, 5]
    """


def configuration_rows(analysis: Analysis) -> Configurations:
    """A row for each configuration that a trial of the study belongs to."""
    estimates = {e.configuration: (index, e) for index, e in enumerate(analysis.estimates)}
    represents = {point.configuration: point.represents for point in analysis.front}
    rows = []
    for known in analysis.known:
        index, found = estimates.get(known.configuration, (0, None))
        if found is None:
            rows.append(_without_figures(analysis, known))
            continue
        verdict, reason = _verdict(analysis, found, on_front=known.configuration in represents)
        probability = float(analysis.membership[index]) if analysis.tells_certainty else None
        rows.append(
            ConfigurationRow(
                trial=found.trial,
                configuration=known.configuration,
                verdict=verdict,
                values=found.values,
                standard_errors={
                    name: error if METRICS.get(name).scale == "absolute" else error * found.values[name]
                    for name, error in found.errors.items()
                    if analysis.tells_certainty
                },
                intervals=analysis.intervals(found),
                p_front=None if probability is None else told(probability, on_front=verdict == "front"),
                standing=analysis.standings.get(known.configuration),
                trials=found.trials,
                accuracy=found.accuracy,
                images=analysis.images,
                corrected_by=found.corrected_by,
                drawn=found.drawn,
                represents=represents.get(known.configuration, ()),
                represented_by=analysis.represented.get(known.configuration),
                sessions=len(found.sessions),
                reason=reason,
                excluded=_excluded(analysis, known.trials),
            )
        )
    return Configurations(tuple(rows), _names(analysis))


def front_rows(analysis: Analysis, *, exact: bool = False) -> Front:
    """The rows of the front, or of the ``exact`` one."""
    rows = {row.configuration: row for row in configuration_rows(analysis)}
    points = analysis.exact_front if exact else analysis.front
    return Front(tuple(rows[point.configuration] for point in points), _names(analysis))


def trial_rows(analysis: Analysis, measurements: Iterable[Measurement], trials: Path) -> Trials:
    """A row for each of ``measurements``, whose folders are below ``trials``."""
    placed = {m.trial: m for known in analysis.known for m in known.trials}
    reasons = analysis.exclusions.reasons
    rows = (
        trial_row(m, reasons.get(m.trial, ()), trials, latest=placed.get(m.trial, m), placed=m.trial in placed)
        for m in measurements
    )
    return Trials(tuple(rows), _names(analysis))


def trial_row(
    measured: Measurement,
    reasons: Sequence[Reason],
    trials: Path,
    *,
    latest: Measurement | None = None,
    placed: bool = True,
) -> TrialRow:
    """The row of ``measured``, against which ``reasons`` speak; ``latest`` has the accuracy that is known now.

    It is ``placed`` where it belongs to a configuration of the space as it is.
    """
    known, why = latest or measured, None
    state: TrialState = "counts"
    if measured.response.failure is not None:
        state, why = "failed", f"{measured.response.failure.error}: {measured.response.failure.message}"
    elif not placed:
        state, why = "elsewhere", "of no configuration of the space as it is now"
    elif reasons:
        state, why = "excluded", _sentence(reasons)
    return TrialRow(
        trial=measured.trial,
        configuration=measured.configuration,
        phase=measured.phase,
        state=state,
        values=known.values,
        accuracy=None if measured.failed else known.accuracy,
        accuracy_from=known.accuracy_from if known.accuracy and not measured.failed else None,
        seconds=measured.response.timing_s.get("total"),
        reason=why,
        logs=trials / str(measured.trial),
        session=measured.session,
    )


def _names(analysis: Analysis) -> tuple[str, ...]:
    return tuple(objective.name for objective in analysis.objectives)


def _verdict(analysis: Analysis, found: Estimate, *, on_front: bool) -> tuple[Verdict, str | None]:
    """What is to be said of a configuration that has figures."""
    for constraint in analysis.constraints:
        value = found.values.get(constraint.metric.name)
        if value is None or constraint.excess(value) > 0:
            shown = "unknown" if value is None else constraint.metric.show(value)
            return "constraint", f"{constraint} does not hold: {shown}"
    if not on_front and not all(objective.name in found.values for objective in analysis.objectives):
        return "failed", "it lacks a figure that is an objective"
    represented = found.configuration in analysis.represented
    return ("front" if on_front else "represented" if represented else "dominated"), None


def _without_figures(analysis: Analysis, known: Known) -> ConfigurationRow:
    failed = next((m for m in known.trials if m.response.failure), None)
    excluded = _excluded(analysis, known.trials)
    verdict: Verdict = "excluded"
    if failed is not None and failed.response.failure is not None:
        verdict = "infeasible" if failed.infeasible else "failed"
        reason = f"{failed.response.failure.error}: {failed.response.failure.message}"
    else:
        reason = _sentence(next(iter(excluded.values())))
    return ConfigurationRow(known.trials[0].trial, known.configuration, verdict, reason=reason, excluded=excluded)


def _excluded(analysis: Analysis, trials: Iterable[Measurement]) -> dict[int, tuple[Reason, ...]]:
    reasons = analysis.exclusions.reasons
    return {m.trial: reasons[m.trial] for m in trials if m.trial in reasons}


def _sentence(reasons: Iterable[Reason]) -> str:
    return "; ".join(f"{reason.word}: {reason.sentence}" for reason in reasons)
