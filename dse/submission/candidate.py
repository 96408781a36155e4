"""A front point that is to be validated: what exploration measured, and how its official runs are asked for."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dse_harness.protocol import AccuracySpec, Performance, PerformanceSpec, Request, Response

from dse.core.configuration import text
from dse.core.experiment import Experiment
from dse.core.origin import ModelOrigin
from dse.errors import Remedy, SubmissionError
from dse.files import fingerprint
from dse.submission.point import own_model
from dse.submission.rounds import LOADGEN_MODEL, SAMPLES_PER_QUERY, SCENARIOS, Scenario, official_buffer_size

USER_CONF = "../user.conf"
"""As seen from either run's request."""
_MOST_READABLE = 160
"""Characters of a name before its hash: files are named after it, and a file's name has 255 bytes."""


@dataclass(frozen=True)
class Candidate:
    """A front point. ``request`` and ``response`` are exploration's; paths in the request are absolute.

    ``explored_values`` are the figures of all its repeats together, which are of so many ``explored_sessions``.
    ``model`` is the model variant's name, ``images`` the size of the complete data set, ``python`` the interpreter that
    the space names for the runtime (None: this one).
    """

    trial: int
    model: str
    configuration: Mapping[str, Any]
    request: Request
    response: Response
    origin: ModelOrigin
    images: int
    python: str | None = None
    explored_values: Mapping[str, float] = field(default_factory=dict)
    explored_sessions: int = 1

    @property
    def name(self) -> str:
        """The model folder: variant and how it runs, whatever else there is on the front.

        A tree has one result per model folder, so two ways to run the same model file are two models. Where a folder
        cannot be called so, what tells the configuration apart is in the end of the name.
        """
        runtime = self.request.runtime
        engine = str(self.configuration.get("runtime", runtime.name))
        parts = [self.model, engine, runtime.delegate, f"t{runtime.threads}", f"b{self.buffer_size}"]
        if runtime.cpu_affinity:
            parts.append(f"cpu{'.'.join(map(str, runtime.cpu_affinity))}")
        parts += [f"{name}.{text(level)}" for name, level in sorted(runtime.options.items())]
        if runtime.batch_size != 1:
            parts.append(f"batch{runtime.batch_size}")
        if self.request.scenario != SCENARIOS[0]:
            parts.append(self.request.scenario.lower())
        wanted = "-".join(parts)
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", wanted).lstrip("._-")[:_MOST_READABLE]
        return name if name == wanted else f"{name}-{fingerprint(dict(self.configuration))[:8]}"

    @property
    def scenario(self) -> Scenario:
        """The one that was explored, and is measured. Raises SubmissionError for one that MLPerf does not have here."""
        found = next((name for name in SCENARIOS if name == self.request.scenario), None)
        if found is None:
            raise SubmissionError(
                f"trial {self.trial} was explored in {self.request.scenario}, allowed: {', '.join(SCENARIOS)}"
            )
        return found

    @property
    def explored(self) -> Performance | None:
        """Exploration's latencies, which Offline has not. Raises SubmissionError when nothing was measured."""
        if self.response.performance is None and self._rate is None:
            raise SubmissionError(f"trial {self.trial} was not measured", remedy=Remedy.SEARCH)
        return self.response.performance

    @property
    def query_ns(self) -> float:
        """The shortest latency of a query, or what a sample took in Offline. Raises as `explored`."""
        return self.explored.latency_min_ns if self.explored else 1e9 / (self._rate or 1)

    @property
    def sample_ns(self) -> float:
        """What a sample took. Raises as `explored`."""
        samples = SAMPLES_PER_QUERY if self.scenario == "MultiStream" else 1
        return self.explored.latency_mean_ns / samples if self.explored else 1e9 / (self._rate or 1)

    @property
    def _rate(self) -> float | None:
        found = self.response.metrics.get("samples_per_second")
        return found.value if found and found.value > 0 else None

    @property
    def peak_bytes(self) -> int:
        """What the process is expected to hold at its peak, with the samples of the official run, without queries."""
        held = (self.response.sample_memory_bytes or 0) // max(self.explored_buffer_size, 1)
        return (self.response.peak_memory_bytes or 0) + held * (self.buffer_size - self.explored_buffer_size)

    @property
    def explored_buffer_size(self) -> int:
        """The samples in memory that exploration used."""
        return (self.request.performance or PerformanceSpec()).buffer_size

    @property
    def buffer_size(self) -> int:
        """The samples in memory in the official runs: the rules want 1,024 at least, and there may be fewer."""
        return official_buffer_size(self.explored_buffer_size, self.images)

    @property
    def experiment(self) -> Experiment:
        """What the official PerformanceOnly run measures, whichever version of the engine is there by then."""
        return Experiment.of(self.performance_request())

    @property
    def official_configuration(self) -> dict[str, Any]:
        """The configuration as the official runs have it."""
        raised = {"buffer_size": self.buffer_size} if "buffer_size" in self.configuration else {}
        return {**self.configuration, **raised}

    def performance_request(self) -> Request:
        """The PerformanceOnly run by MLPerf's settings."""
        spec = PerformanceSpec(buffer_size=self.buffer_size, user_conf=USER_CONF, model_name=LOADGEN_MODEL)
        return dataclasses.replace(self._own, performance=spec, accuracy=None)

    def accuracy_request(self) -> Request:
        """The AccuracyOnly run over the complete data set."""
        spec = AccuracySpec(samples=None, user_conf=USER_CONF, model_name=LOADGEN_MODEL)
        return dataclasses.replace(self._own, performance=None, accuracy=spec)

    @property
    def _own(self) -> Request:
        """The request with the point's copy of the model; energy is no matter of a submission."""
        return dataclasses.replace(self.request, model_path=own_model(self.request.model_path), energy=False)


def without_repeats(candidates: Sequence[Candidate]) -> tuple[list[Candidate], dict[int, int]]:
    """The candidates whose official runs differ, and each other trial with the one that stands for it.

    Two points that differ only in buffers under 1,024 have the same official runs; under two interpreters, which have
    a runtime each, the same request is two.
    """
    kept: list[Candidate] = []
    repeats: dict[int, int] = {}
    for candidate in candidates:
        same = [o for o in kept if (o.python, o.experiment) == (candidate.python, candidate.experiment)]
        if same:
            repeats[candidate.trial] = same[0].trial
        else:
            kept.append(candidate)
    return kept, repeats
