"""What to measure: the document that the harness reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from dse_harness.decode import Range

REQUEST_SCHEMA = 1

ImageOrder = Literal["list", "random"]
"""Of the label list or archive, or `image_order.random_order`, in which a part of the images stands for the rest."""

Count = Annotated[int, Range(0)]
Duration = Annotated[int, Range(1)]
Amount = Annotated[float, Range(0)]


@dataclass(frozen=True)
class RuntimeSpec:
    """What executes the model, and how. ``name`` is one of `engines.ENGINES`, ``delegate`` one of that engine's.

    ``options`` are settings that only this engine has, by name; the engine says which, and what they are by default.
    ``batch_size`` images go into the model at once, in a scenario whose queries have so many.
    """

    name: str = "litert"
    threads: int = 1
    delegate: str = "xnnpack"
    cpu_affinity: tuple[int, ...] | None = None
    options: dict[str, str | int | float | bool] = field(default_factory=dict)
    batch_size: int = 1


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the model's input. The defaults are the recipe of 2021 ("using-opencv", 87.5 % crop).

    The shorter side is scaled to ``int(100 * side / crop_percent)``, the centre ``side`` x ``side`` is cut out. A
    uint8 input then gets the pixel itself, a float input ``(pixel - mean) / scale``, an int8 or int16 input that value
    by its own quantization parameters. ``mean`` and ``scale`` are one number, or three: of red, green and blue.
    """

    crop_percent: float = 87.5
    interpolation: Literal["nearest", "bilinear", "bicubic", "area", "lanczos"] = "bilinear"
    mean: float | tuple[float, float, float] = 127.5
    scale: float | tuple[float, float, float] = 127.5

    @property
    def channels(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Means and scales, one each or three each."""
        count = 3 if isinstance(self.mean, tuple) or isinstance(self.scale, tuple) else 1
        mean, scale = (of if isinstance(of, tuple) else (of,) * count for of in (self.mean, self.scale))
        return mean, scale

    def problem(self) -> str | None:
        """What is wrong with them."""
        for name, value in (("mean", self.mean), ("scale", self.scale)):
            if isinstance(value, tuple) and len(value) != 3:
                return f"{name}: found {len(value)} numbers, allowed: one, or three: of red, green and blue"
        return None


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

    def queries(self, latency_ns: float, fewest: int = _FEWEST_QUERIES) -> int:
        """How many queries the run has at least, of a model that needs ``latency_ns`` for one; ``fewest`` in any case.

        In Offline LoadGen counts samples instead, of which its one query has so many at least.
        """
        if self.least_duration_ms is None or self.min_query_count * latency_ns <= self.min_duration_ms * 1e6:
            return self.min_query_count
        fitting = int(self.min_duration_ms * 1e6 / latency_ns)
        return min(self.min_query_count, max(fitting, fewest))

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
    """How long the model runs before anything is timed, three times at least."""
    task: str = "image_classification"
    """One of `tasks.TASKS`."""
    scenario: str = "SingleStream"
    """One of `scenarios.SCENARIOS`, as LoadGen calls it."""
    energy: bool = False
    """Whether the performance run's energy is asked for: see `dse_harness.energy`."""
    schema: int = REQUEST_SCHEMA
