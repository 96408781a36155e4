"""The one place where dse and the harness meet: what to measure (Request) and what came out (Response), as JSON files.

Standard library only. A document that does not fit raises ProtocolError with the place in the document.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import stat
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from dse_harness.decode import Instant, ProtocolError, Range, decode

REQUEST_SCHEMA = 1
RESPONSE_SCHEMA = 2
"""Responses of schema 1 have no `Response.metrics`."""
_MOST_BYTES = 2**23

ImageOrder = Literal["list", "random"]
"""Of the label list or archive, or `image_order.random_order`, in which a part of the images stands for the rest."""

Count = Annotated[int, Range(0)]
Duration = Annotated[int, Range(1)]
Amount = Annotated[float, Range(0)]

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
    "internal",  # a bug in the harness; the message has the exception, stderr.log the traceback
]

INFEASIBLE: frozenset[ErrorClass] = frozenset(
    {"model_broken", "model_unsupported", "input_layout", "delegate_refused", "out_of_memory", "invoke_failed"}
)
"""Errors that belong to the configuration on this machine: measuring it again would end the same way."""


@dataclass(frozen=True)
class RuntimeSpec:
    """What executes the model, and how. ``name`` is one of `engines.ENGINES`, ``delegate`` one of that engine's.

    ``options`` are settings that only this engine has, by name; the engine says which, and what they are by default.
    """

    name: str = "litert"
    threads: int = 1
    delegate: str = "xnnpack"
    cpu_affinity: tuple[int, ...] | None = None
    options: dict[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the model's input. The defaults are the recipe of 2021 ("using-opencv", 87.5 % crop).

    The shorter side is scaled to ``int(100 * side / crop_percent)``, the centre ``side`` x ``side`` is cut out. A
    uint8 input then gets the pixel itself, a float input ``(pixel - mean) / scale``, an int8 or int16 input that value
    by its own quantization parameters.
    """

    crop_percent: float = 87.5
    interpolation: Literal["nearest", "bilinear", "bicubic", "area", "lanczos"] = "bilinear"
    mean: float = 127.5
    scale: float = 127.5


@dataclass(frozen=True)
class DataSetSpec:
    """Labelled images: a folder and a label list (a line per image: name and class), or one .npz with both.

    A .npz has ``images`` uint8 ``[N, H, W]`` or ``[N, H, W, 3]`` (RGB) and ``labels`` integer ``[N]``. ``sha256``
    identifies list and contents; the cache of preprocessed images trusts it. ``classes`` is how many classes there are,
    which labels of a sample cannot tell: a model with one output more has a background class first. Where it is None,
    a model with 1001 outputs has one (ImageNet's convention) and no other does.
    """

    name: str
    path: str
    sha256: str
    labels: str | None = None
    classes: int | None = None


_FEWEST_QUERIES = 64
"""LoadGen's early stopping tells a p90 from so many on (inference_policies, "Early Stopping", table of queries)."""


@dataclass(frozen=True)
class PerformanceSpec:
    """A LoadGen PerformanceOnly run: of ``min_duration_ms`` and ``min_query_count`` queries at least.

    With ``least_duration_ms`` it lasts only as long as its precision asks for: so long, and until it has its queries,
    of which a model that is too slow gets no more than fit into ``min_duration_ms``, and 64 in any case. A request
    without it, as of earlier versions, lasts ``min_duration_ms``.

    With ``user_conf`` the settings come from LoadGen's ``FromConfig`` for ``model_name`` and the other fields but
    ``buffer_size`` are ignored: that is an official run.
    """

    buffer_size: int = 1024
    min_duration_ms: int = 500
    max_duration_ms: int = 0
    min_query_count: int = 100
    user_conf: str | None = None
    model_name: str = "resnet50"
    least_duration_ms: int | None = None

    @property
    def duration_ms(self) -> int:
        """How long the run lasts at least, however fast the model is."""
        least = self.min_duration_ms if self.least_duration_ms is None else self.least_duration_ms
        return min(least, self.min_duration_ms)

    def queries(self, latency_ns: float) -> int:
        """How many queries the run has at least, of a model that needs ``latency_ns`` for one."""
        if self.least_duration_ms is None or self.min_query_count * latency_ns <= self.min_duration_ms * 1e6:
            return self.min_query_count
        fitting = int(self.min_duration_ms * 1e6 / latency_ns)
        return min(self.min_query_count, max(fitting, _FEWEST_QUERIES))

    def seconds(self, latency_ns: float) -> float:
        """How long the run lasts, about, of a model that needs ``latency_ns`` for one query."""
        return max(self.duration_ms / 1e3, self.queries(latency_ns) * latency_ns / 1e9)


@dataclass(frozen=True)
class AccuracySpec:
    """A LoadGen AccuracyOnly run over the first ``samples`` images (None: all) in the request's ``image_order``.

    Of ``more``, larger numbers of images in rising order, it takes the last that is expected to end ``within_s``: a
    fast model is judged by more images in the same time.
    """

    samples: int | None = None
    more: tuple[int, ...] = ()
    within_s: float = 0.0
    user_conf: str | None = None
    model_name: str = "resnet50"

    def images(self, total: int, latency_ns: float) -> int:
        """How many of ``total`` images a model takes that needs ``latency_ns`` for one."""
        chosen = total if self.samples is None else self.samples
        for more in self.more:
            if more * latency_ns <= self.within_s * 1e9:
                chosen = more
        return chosen


@dataclass(frozen=True)
class Request:
    """What to measure. Relative paths are relative to the request's folder; the response lands in the same folder."""

    model_path: str
    model_sha256: str
    data_set: DataSetSpec
    cache_dir: str
    runtime: RuntimeSpec = RuntimeSpec()
    preprocessing: Preprocessing = Preprocessing()
    performance: PerformanceSpec | None = PerformanceSpec()
    accuracy: AccuracySpec | None = None
    spot_check_images: int = 0
    """Of how many of the first images the response is to have the predictions' digest; see `SpotCheck`."""
    image_order: ImageOrder = "list"
    """Which images come first where not all are taken. All of them are always taken in the order of the list."""
    warmup_s: float = 0.02
    task: str = "image_classification"
    """One of `tasks.TASKS`."""
    scenario: str = "SingleStream"
    """One of `scenarios.SCENARIOS`, as LoadGen calls it."""
    schema: int = REQUEST_SCHEMA


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

    ``total`` counts from the start of the process. What the phases leave of it is LoadGen's own start and end, some
    40 ms a run: its logger looks every 10 ms.
    """
    metrics: dict[str, MetricValue] = field(default_factory=dict)
    """Every figure by name, with its unit: those of the blocks above, which are always there, and what only the task,
    the scenario or a sensor knows."""
    schema: int = RESPONSE_SCHEMA

    SCHEMAS: ClassVar[tuple[int, ...]] = (1, RESPONSE_SCHEMA)
    """What can be read."""

    def __post_init__(self) -> None:
        """Have ``metrics`` say what the blocks say, whatever it said of them before."""
        others = {name: metric for name, metric in self.metrics.items() if name not in _OF_BLOCKS}
        object.__setattr__(self, "metrics", {**dict(_block_metrics(self)), **others})


_OF_BLOCKS = {
    "accuracy": "1",
    "model_bytes": "B",
    "model_memory_bytes": "B",
    "peak_memory_bytes": "B",
    "cores_used": "1",
    "latency_early_stopping_p90_ns": "ns",
    **dict.fromkeys(_LATENCIES, "ns"),
}
"""The unit of each metric that a block of a response has."""


def _block_metrics(response: Response) -> Iterator[tuple[str, MetricValue]]:
    performance, accuracy = response.performance, response.accuracy
    found: dict[str, float | None] = {
        "accuracy": accuracy.good / accuracy.total if accuracy else None,
        "model_bytes": response.model.file_bytes if response.model else None,
        "model_memory_bytes": response.model_memory_bytes,
        "peak_memory_bytes": response.peak_memory_bytes,
        "cores_used": response.cores_used,
    }
    if performance:
        found |= {name: getattr(performance, name) for name in _LATENCIES}
        found["latency_early_stopping_p90_ns"] = performance.early_stopping_p90_ns
    for name, value in found.items():
        if value is not None:
            yield name, MetricValue(value, _OF_BLOCKS[name])


_T = TypeVar("_T")


def read(cls: type[_T], path: Path) -> _T:
    """The document at ``path`` as ``cls``. Raises OSError, ProtocolError."""
    try:
        document = json.loads(_contents(path))
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"{path}: not JSON: {error}") from error
    return typing.cast(_T, decode(cls, document, str(path)))


def _contents(path: Path) -> bytes:
    """What is in a regular file: a pipe may never end, a device has no end. Raises OSError, ProtocolError."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(f"{path}: is no regular file")
        contents = file.read(_MOST_BYTES + 1)
    if len(contents) > _MOST_BYTES:
        raise ProtocolError(f"{path}: found more than {_MOST_BYTES} bytes, which no request or response has")
    return contents


def write(document: Request | Response, path: Path, *, durable: bool = True) -> None:
    """Write atomically: a reader finds the whole document or none. Raises OSError.

    Where it is not ``durable``, nobody waits for the disk, and a machine that loses power may leave a torn file.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(dataclasses.asdict(document), file, indent=2, allow_nan=False)
            file.write("\n")
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        error.filename, error.filename2 = str(path), None  # a full disk does not say where, others name the temporary
        temporary.unlink(missing_ok=True)
        raise
