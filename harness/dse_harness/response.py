"""What came out of a measurement: the document that the harness writes."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Annotated, Any, ClassVar, Literal

from dse_harness.decode import Instant, Range
from dse_harness.request import Amount, Count, Duration, ImageOrder

RESPONSE_SCHEMA = 2
"""Responses of schema 1 have no `Response.metrics`."""

ErrorClass = Literal[
    "bad_request",  # the request is not one
    "model_missing",  # no such file
    "model_broken",  # not a model file, or one that no runtime takes
    "model_unsupported",  # the runtime loads it, and it is not an image classifier that the harness can feed
    "input_layout",  # neither NHWC nor NCHW with three channels, or the side does not fit
    "delegate_refused",  # the model does not run with this delegate
    "data_set",  # images or labels missing or broken
    "out_of_memory",
    "runtime_missing",  # the runtime is not installed for this interpreter
    "invoke_failed",  # the runtime reported an error while running
    "loadgen",  # LoadGen reported an error or left no summary
    "crashed",  # the process died by a signal (written by the caller)
    "timeout",  # the process was killed after its time (written by the caller)
    "device_lost",  # the device went away whenever it was measured (written by the caller)
    "internal",  # a bug in the harness; the message has the exception, stderr.log the traceback
]

INFEASIBLE: frozenset[ErrorClass] = frozenset(
    {
        "model_broken",
        "model_unsupported",
        "input_layout",
        "delegate_refused",
        "out_of_memory",
        "invoke_failed",
        "device_lost",
    }
)
"""Errors that belong to the configuration on this machine: measuring it again would end the same way."""


@dataclass(frozen=True)
class MetricValue:
    """A figure in its unit: ``1`` (a ratio or a count), ``ns``, ``B``, ``J``, ``1/s``, ..."""

    value: float
    unit: str


@dataclass(frozen=True)
class Performance:
    """LoadGen's own figures, from its detail log, never timed again. Latencies are integer nanoseconds."""

    latency_min_ns: Duration
    latency_mean_ns: Duration
    latency_p50_ns: Duration
    latency_p90_ns: Duration
    latency_p95_ns: Duration
    latency_p99_ns: Duration
    latency_p999_ns: Duration
    latency_max_ns: Duration
    early_stopping_p90_ns: Duration | None
    query_count: Count
    duration_ns: Count
    valid: bool
    min_duration_met: bool
    min_queries_met: bool
    early_stopping_met: bool
    warnings: tuple[str, ...] = ()

    @classmethod
    def constant(cls, latency_ns: int, **others: Any) -> Performance:
        """A valid result in which every latency is the same, but for ``others`` by the field's name.

        For what has a latency and ran no LoadGen: a formula, a table.
        """
        values: dict[str, Any] = {
            **dict.fromkeys(_LATENCIES, latency_ns),
            **dict.fromkeys(("valid", "min_duration_met", "min_queries_met", "early_stopping_met"), True),
            "early_stopping_p90_ns": None,
            "query_count": 0,
            "duration_ns": 0,
        }
        return cls(**{**values, **others})


_LATENCIES = tuple(each.name for each in dataclasses.fields(Performance) if each.name.startswith("latency_"))


@dataclass(frozen=True)
class Answers:
    """Which images were answered right: a bit for each, of the first image the highest of the first byte, in base64.

    2,000 images are 336 characters. The bits are in ``image_order``, also where all images were taken in the order of
    the list: so they compare, image by image, with those of a part.
    """

    right: str
    image_order: ImageOrder = "list"


@dataclass(frozen=True)
class Accuracy:
    """Top-1 over ``total`` images, and the SHA-256 of their predictions, in their order, as little-endian int32.

    ``image_order`` says which images these are, where they are not all ``data_set_images`` of the data set. Responses
    of earlier versions have neither: they took the first of the list. Nor have they ``answers``.
    """

    good: Count
    total: Annotated[int, Range(1)]
    predictions_sha256: str
    image_order: ImageOrder = "list"
    data_set_images: Count | None = None
    answers: Answers | None = None

    def problem(self) -> str | None:
        """What contradicts itself."""
        if self.good > self.total:
            return f"found {self.good} right answers out of {self.total} images, allowed: up to as many as images"
        return self._problem_of_answers(self.answers) if self.answers else None

    def _problem_of_answers(self, answers: Answers) -> str | None:
        try:
            bits = base64.b64decode(answers.right, validate=True)
        except ValueError:
            return "found answers that are not base64"
        expected = -(-self.total // 8)
        if len(bits) != expected:
            return f"found {len(bits)} bytes of answers, expected {expected} for {self.total} images"
        right = int.from_bytes(bits, "big")
        if right & ((1 << (-self.total % 8)) - 1):
            return f"found right answers beyond the {self.total} images"
        if right.bit_count() != self.good:
            return f"found {right.bit_count()} right answers image by image, and {self.good} counted"
        return None


@dataclass(frozen=True)
class SpotCheck:
    """What the model answered on the first ``images`` images: the digest that `Accuracy` has, over just those.

    Trials that are to share an accuracy must agree in it. The accuracy run's own answers where there was one, else
    plain invocations after the performance run.
    """

    images: Annotated[int, Range(1)]
    predictions_sha256: str
    image_order: ImageOrder = "list"


SINCE_BOOT = " has occurred"
"""How those flags of `DeviceState.throttled` end that stay until the machine starts again."""


@dataclass(frozen=True)
class DeviceState:
    """What the machine says about itself at one moment; None or empty where it does not tell."""

    time_utc: Annotated[str, Instant()]
    load_1min: Amount
    cpu_governors: tuple[str, ...] = ()
    cpu_frequency_khz: tuple[Count, ...] = ()
    temperatures_celsius: dict[str, float] = field(default_factory=dict)
    throttled: tuple[str, ...] = ()
    throttle_count: Count | None = None
    memory_available_bytes: Count | None = None
    foreign_cpu_s: float | None = None
    """CPU seconds that other processes have used since boot: the difference after - before is foreign load."""
    boottime_s: Amount | None = None
    """Seconds since boot: how long it is from before to after, whatever sets the clock meanwhile. None in responses of
    before."""


@dataclass(frozen=True)
class ModelInfo:
    """What the engine says about the model's input, and the output that counts."""

    input_shape: tuple[Count, ...]
    input_type: str
    input_layout: Literal["NHWC", "NCHW"]
    output_shape: tuple[Count, ...]
    output_type: str
    background_class: bool
    file_bytes: Count
    input_scale: float | None = None
    """Of an integer input; None for others, and in responses of before."""
    input_zero_point: int = 0


@dataclass(frozen=True)
class Evidence:
    """What a performance and an accuracy result must share to belong together.

    ``preprocessing_sha256`` is over the `Preprocessing` and OpenCV's version.
    """

    model_sha256: str
    data_set_sha256: str
    preprocessing_sha256: str
    runtime: str
    runtime_version: str
    delegate: str
    loadgen_version: str


@dataclass(frozen=True)
class Failure:
    """Why there is no measurement: a class to count by and a sentence to read."""

    error: ErrorClass
    message: str


@dataclass(frozen=True)
class Response:
    """What came out: a failure, or the runs that were asked for."""

    failure: Failure | None = None
    performance: Performance | None = None
    accuracy: Accuracy | None = None
    spot_check: SpotCheck | None = None
    peak_memory_bytes: Count | None = None
    """Peak resident set of the process once runtime, model and samples are in memory and the model has run."""
    model_memory_bytes: Count | None = None
    """What runtime, model and its buffers added to the process: the peak resident set once the model has run, less the
    resident set before the runtime was loaded. No samples, no LoadGen, no Python. None in responses of before."""
    sample_memory_bytes: Count | None = None
    """The samples in memory during the performance run, in the model's input type."""
    loadgen_memory_bytes: Count | None = None
    """What came on top in the performance run: LoadGen keeps 318 to 550 bytes for each query that it generates, which
    grows with the run's length and the model's speed, and says nothing about the model."""
    baseline_memory_bytes: Count | None = None
    """Resident set before the model and the samples were loaded."""
    cores_used: Amount | None = None
    """CPU time over wall time of the performance run."""
    pace_before_ns: Count | None = None
    """The shortest time of a fixed loop on the processor, directly before the first query: see `dse_harness.pace`."""
    pace_after_ns: Count | None = None
    """The same directly after the last query."""
    slow_share: Amount | None = None
    """Of the looks at the processor between queries, those at which it was slower than usual: see `dse_harness.gate`.
    None where nobody looked."""
    takes: Count | None = None
    """How often the performance run was taken: again where the processor became slower on the way. The last counts."""
    probe_latency_ns: Count | None = None
    model: ModelInfo | None = None
    evidence: Evidence | None = None
    device_before: DeviceState | None = None
    device_after: DeviceState | None = None
    versions: dict[str, str] = field(default_factory=dict)
    timing_s: dict[str, Amount] = field(default_factory=dict)
    """Wall seconds by phase; ``performance`` and ``accuracy`` are LoadGen's timed runs, the rest is overhead.

    ``total`` counts from the start of the process, or from when a forked one got its request. What the phases leave of
    it is LoadGen's own start and end, some 25 ms a run: its logger looks every 10 ms, and has to look three times.
    """
    metrics: dict[str, MetricValue] = field(default_factory=dict)
    """Every figure by name, with its unit: those of the blocks above, which are always there, and what only the task,
    the scenario or a sensor knows."""
    schema: int = RESPONSE_SCHEMA

    SCHEMAS: ClassVar[tuple[int, ...]] = (1, RESPONSE_SCHEMA)
    """What can be read."""
    _others: ClassVar[dict[str, MetricValue]]
    """No field, as nobody writes it: each response has its own."""

    def __post_init__(self) -> None:
        """Have ``metrics`` say what the blocks say, whatever it said of them before; made when somebody asks for it."""
        object.__setattr__(self, "_others", {n: m for n, m in self.metrics.items() if n not in _OF_BLOCKS})
        object.__delattr__(self, "metrics")

    @property
    def other_metrics(self) -> dict[str, MetricValue]:
        """Those of ``metrics`` that no block has."""
        return self._others

    def figure(self, name: str) -> tuple[float, str] | None:
        """One of ``metrics``, found without the others: its value and its unit."""
        if (of_block := _OF_BLOCKS.get(name)) is not None:
            unit, read = of_block
            value = read(self)
            return None if value is None else (value, unit)
        found = self._others.get(name)
        return None if found is None else (found.value, found.unit)


def _of_performance(name: str) -> Callable[[Response], float | None]:
    return lambda response: getattr(response.performance, name) if response.performance else None


_OF_BLOCKS: dict[str, tuple[str, Callable[[Response], float | None]]] = {
    "accuracy": ("1", lambda response: response.accuracy.good / response.accuracy.total if response.accuracy else None),
    "model_bytes": ("B", lambda response: response.model.file_bytes if response.model else None),
    "model_memory_bytes": ("B", attrgetter("model_memory_bytes")),
    "peak_memory_bytes": ("B", attrgetter("peak_memory_bytes")),
    "cores_used": ("1", attrgetter("cores_used")),
    **{name: ("ns", _of_performance(name)) for name in _LATENCIES},
    "latency_early_stopping_p90_ns": ("ns", _of_performance("early_stopping_p90_ns")),
}
"""The unit of each metric that a block of a response has, and how it is read."""


def _metrics(response: Response) -> dict[str, MetricValue]:
    found = ((name, response.figure(name)) for name in _OF_BLOCKS)
    return {name: MetricValue(*figure) for name, figure in found if figure is not None} | response.other_metrics


_found_once = cached_property(_metrics)
_found_once.__set_name__(Response, "metrics")
Response.metrics = _found_once  # type: ignore[assignment]  # of thousands of responses few are asked for all of them
