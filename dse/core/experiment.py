"""An experiment: what is measured, resolved to content. Its key is what "already known" means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

from dse_harness.protocol import (
    AccuracySpec,
    DataSetSpec,
    ImageOrder,
    PerformanceSpec,
    Preprocessing,
    Request,
    RuntimeSpec,
)

from dse.core.configuration import Value
from dse.files import canonical_json, fingerprint, sha256_text


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How long a performance run takes at least; ``official`` is by MLPerf's settings, whatever else stands here.

    With ``least_duration_s`` it lasts as long as its precision asks for, see `PerformanceSpec`. That says how well the
    same thing is measured, so it is no part of what an experiment is.
    """

    min_duration_s: float = 0.5
    min_query_count: int = 100
    official: bool = False
    least_duration_s: float | None = None

    def spec(self, buffer_size: int) -> PerformanceSpec:
        """The run of a search."""
        return PerformanceSpec(
            buffer_size=buffer_size,
            min_duration_ms=round(self.min_duration_s * 1000),
            min_query_count=self.min_query_count,
            least_duration_ms=None if self.least_duration_s is None else round(self.least_duration_s * 1000),
        )


@dataclass(frozen=True, slots=True)
class Experiment:
    """What a run measures, by content: equal experiments, equal runs, whatever files and spaces are called.

    ``model`` identifies the bytes of the model (`dse.models.ModelSource.identity`), ``data_set`` images and labels by
    their SHA-256; ``classes`` is None where nobody said how many. ``engine_version`` is None where nobody asked.
    ``device`` is empty for this machine. Without ``fidelity`` there is no performance run.
    """

    model: Mapping[str, Value]
    data_set: str
    classes: int | None
    preprocessing: Preprocessing
    runtime: RuntimeSpec
    engine_version: str | None = None
    buffer_size: int = 1024
    fidelity: Fidelity | None = Fidelity()
    scenario: str = "SingleStream"
    device: str = ""

    @classmethod
    def of(cls, request: Request, engine_version: str | None = None) -> Self:
        """What ``request`` asks for; how many images its accuracy run takes, and in which order, is no part of it."""
        spec = request.performance or PerformanceSpec()
        least_s = None if spec.least_duration_ms is None else spec.least_duration_ms / 1000
        fidelity = Fidelity(spec.min_duration_ms / 1000, spec.min_query_count, least_duration_s=least_s)
        if spec.user_conf is not None:
            fidelity = Fidelity(official=True)
        return cls(
            model={"sha256": request.model_sha256},
            data_set=request.data_set.sha256,
            classes=request.data_set.classes,
            preprocessing=request.preprocessing,
            runtime=request.runtime,
            engine_version=engine_version,
            buffer_size=spec.buffer_size,
            fidelity=fidelity if request.performance else None,
            scenario=request.scenario,
        )

    def accuracy_key(self) -> str:
        """What the accuracy depends on: model, images, preprocessing, engine, delegate, options; not threads, batches.

        How many of the images were used is with the accuracy itself: more of them make it better, not another one.
        """
        options = self.runtime.options.items()
        return _accuracy_key(
            tuple([(name, type(value), value) for name, value in self.model.items()]),
            self.data_set,
            self.classes,
            self.preprocessing,
            (self.runtime.name, self.engine_version),
            self.runtime.delegate,
            self.device,
            tuple([(name, type(value), value) for name, value in options]) if options else (),
        )

    def key(self) -> str:
        """What a measurement depends on: equal keys, equal experiment."""
        return key_of(self.accuracy_key(), self.manner())

    def manner(self) -> str:
        """What a measurement depends on beside its accuracy's key, as canonical JSON: how it runs."""
        return canonical_json(
            {
                "threads": self.runtime.threads,
                "cpu_affinity": list(self.runtime.cpu_affinity or ()),
                **({"buffer_size": self.buffer_size, "fidelity": self._fidelity} if self.fidelity else {}),
                **({} if self.runtime.batch_size == 1 else {"batch_size": self.runtime.batch_size}),
                **({} if self.scenario == "SingleStream" else {"scenario": self.scenario}),
            }
        )

    def request(
        self,
        *,
        model_path: Path,
        model_sha256: str,
        data_set: DataSetSpec,
        cache: Path,
        accuracy: AccuracySpec | None = None,
        spot_check_images: int = 0,
        image_order: ImageOrder = "list",
        energy: bool = False,
    ) -> Request:
        """The request that measures this with the model and the images that lie there, at a search's fidelity."""
        return Request(
            model_path=str(model_path),
            model_sha256=model_sha256,
            data_set=data_set,
            cache_dir=str(cache),
            runtime=self.runtime,
            preprocessing=self.preprocessing,
            performance=None if self.fidelity is None else self.fidelity.spec(self.buffer_size),
            accuracy=accuracy,
            spot_check_images=spot_check_images,
            image_order=image_order,
            scenario=self.scenario,
            energy=energy,
        )

    @property
    def _fidelity(self) -> dict[str, float | bool]:
        if self.fidelity is None or self.fidelity.official:
            return {"official": True}
        return {"min_duration": self.fidelity.min_duration_s, "min_query_count": self.fidelity.min_query_count}


def key_of(accuracy_key: str, manner: str) -> str:
    """`Experiment.key` of its two parts, which thousands of configurations have in common with others.

    It is the `fingerprint` of one object with the members of ``manner``, and before them, by the alphabet, "accuracy".
    """
    return sha256_text(f'{{"accuracy":"{accuracy_key}",{manner[1:]}')


_Typed = tuple[tuple[str, type, Value], ...]
"""Names and values with their types: 1 and true are equal, and not the same."""


@lru_cache(4096)
def _accuracy_key(
    model: _Typed,
    data_set: str,
    classes: int | None,
    preprocessing: Preprocessing,
    runtime: tuple[str, str | None],
    delegate: str,
    device: str,
    options: _Typed,
) -> str:
    """Found once for all configurations that differ in how the model runs, not in what it answers."""
    return fingerprint(
        {
            "model": {name: value for name, _, value in model},
            "data_set": data_set,
            "classes": classes,
            "preprocessing": vars(preprocessing),
            "runtime": list(runtime),
            "delegate": delegate,
            # what came later is left out where it is as it always was: older studies know their keys without
            **({"device": device} if device else {}),
            **({"options": {name: value for name, _, value in options}} if options else {}),
        }
    )
