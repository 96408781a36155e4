"""What a study says as trials of Optuna: one for each configuration, and one for each run.

User attributes are numbers with their unit in the name, and text only where it is text (`docs/optuna.md` lists them).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from dse_harness.protocol import DeviceState
from optuna.distributions import CategoricalDistribution

from dse.core.configuration import Configuration
from dse.core.exclusions import starvation
from dse.core.measurement import Measurement
from dse.core.metrics import Constraint, Objective
from dse.study.artifacts import artifact_attributes
from dse.study.rows import ConfigurationRow, TrialRow, trial_row
from dse.study.tables import StoredTrial, as_json, encoded

OFFICIAL = ("official", "rehearsal")
"""What the names of attributes with official figures begin with."""


class Shown:
    """Makes trials of Optuna of the rows of a study whose trials' folders are below ``trials``.

    ``distributions`` have every value that a parameter of one of them has; ``official`` are official figures by trial;
    ``artifacts`` are the files by trial that were looked for, and stay what they are: others are added.
    """

    def __init__(
        self,
        objectives: Sequence[Objective],
        constraints: Sequence[Constraint],
        distributions: Mapping[str, CategoricalDistribution],
        trials: Path,
        official: Mapping[int, Mapping[str, Any]],
        artifacts: dict[int, dict[str, str]],
    ) -> None:
        self._objectives, self._constraints = tuple(objectives), tuple(constraints)
        self._distributions, self._encoded = distributions, encoded(distributions)
        self._trials = trials
        self._official, self._found = official, artifacts

    def configuration(self, row: ConfigurationRow, runs: Sequence[Measurement]) -> StoredTrial:
        """A configuration of which ``runs`` are all trials. Complete where it has a figure for all that is asked."""
        asked = [*(o.name for o in self._objectives), *(c.metric.name for c in self._constraints)]
        user = {
            "trial": row.trial,
            "trials": list(row.trials),
            "repeats": row.repeats,
            "sessions": row.sessions,
            "fingerprint": row.configuration.fingerprint,
            "verdict": row.verdict,
            "reason": row.reason,
            "represented_by": row.represented_by,
            **row.values,
            **{f"{name}_standard_error": row.standard_errors.get(name) for name in asked},
            **{f"{name}_low": low for name, (low, _) in row.intervals.items() if name in asked},
            **{f"{name}_high": high for name, (_, high) in row.intervals.items() if name in asked},
            "p_front": row.p_front,
            "accuracy_good": row.accuracy.good if row.accuracy else None,
            "accuracy_images": row.accuracy.total if row.accuracy else None,
            "accuracy_corrected_by": row.corrected_by or None,
            **{f"{name}_drawn": row.drawn[name] for name in asked if name in row.drawn},
            **next((self._official[t] for t in (row.trial, *row.trials) if t in self._official), {}),
        }
        return self._stored(row, user, runs, is_complete=all(name in row.values for name in asked))

    def run(self, row: TrialRow, measured: Measurement) -> StoredTrial:
        """A run; failed where it is excluded or lacks an objective."""
        failure = measured.response.failure
        user = {
            "trial": row.trial,
            "fingerprint": row.configuration.fingerprint,
            "phase": row.phase,
            "failure": failure.error if failure else None,
            "reason": row.reason,
            **row.values,
            "accuracy_good": row.accuracy.good if row.accuracy else None,
            "accuracy_images": row.accuracy.total if row.accuracy else None,
            "accuracy_from": row.accuracy_from,
            "cores_used": measured.response.cores_used,
            "duration_s": row.seconds,
            **self._official.get(row.trial, {}),
        }
        counts = row.state == "counts" and all(o.name in row.values for o in self._objectives)
        return self._stored(row, user, [measured], is_complete=counts)

    def new_run(self, measured: Measurement) -> StoredTrial:
        """A run that ended now, as far as it can be judged by itself."""
        found = starvation(measured)
        return self.run(trial_row(measured, [found] if found else (), self._trials), measured)

    def _stored(
        self,
        row: ConfigurationRow | TrialRow,
        user: Mapping[str, Any],
        runs: Sequence[Measurement],
        *,
        is_complete: bool,
    ) -> StoredTrial:
        return StoredTrial(
            state="COMPLETE" if is_complete else "FAIL",
            values=tuple(float(row.values[o.name]) for o in self._objectives) if is_complete else (),
            parameters=self._parameters(row.configuration),
            user=as_json({name: value for name, value in user.items() if value is not None}),
            system=as_json(self._artifacts(row.trial) | self._excess(row.values)),
            start=self._time(runs[0], "device_before", "trial.json"),
            complete=self._time(runs[-1], "device_after", "response.json"),
        )

    def _artifacts(self, trial: int) -> dict[str, str]:
        if trial not in self._found:
            self._found[trial] = artifact_attributes(self._trials, trial)
        return self._found[trial]

    def _time(self, measured: Measurement, state: Literal["device_before", "device_after"], written: str) -> datetime:
        """When a run began or ended: by the device, else by the file that was written then. UTC without a zone."""
        found: DeviceState | None = getattr(measured.response, state)
        if found is not None:
            time = datetime.fromisoformat(found.time_utc)
        else:
            found_s = 0.0
            with suppress(OSError):
                found_s = (self._trials / str(measured.trial) / written).stat().st_mtime
            time = datetime.fromtimestamp(found_s, UTC)
        return time.astimezone(UTC).replace(tzinfo=None)

    def _parameters(self, configuration: Configuration) -> dict[str, tuple[float, str]]:
        return {
            name: (self._distributions[name].to_internal_repr(value), self._encoded[name])
            for name, value in configuration.items()
        }

    def _excess(self, values: Mapping[str, float]) -> dict[str, Any]:
        """How far constraints are violated, in both of Optuna's spellings."""
        excess = {str(c): c.excess(values[c.metric.name]) for c in self._constraints if c.metric.name in values}
        attributes: dict[str, Any] = {f"constraints:{name}": value for name, value in excess.items()}
        if excess:
            attributes["constraints"] = list(excess.values())  # the one spelling that Optuna Dashboard 0.21 reads
        return attributes
