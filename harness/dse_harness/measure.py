"""From a request to a response: the order of things in one measurement, and what each of them cost."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
import traceback
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dse_harness import accuracy, compiled, loadgen, process
from dse_harness.answers import pack, unpack
from dse_harness.describe import describe
from dse_harness.device_state import DeviceReader
from dse_harness.energy import EnergySensors, energy_metrics
from dse_harness.engines import Invoke, engine_of
from dse_harness.errors import HarnessError
from dse_harness.gate import Gate
from dse_harness.image_order import random_order
from dse_harness.pace import PACER, Pacer
from dse_harness.protocol import (
    Accuracy,
    AccuracySpec,
    Evidence,
    Failure,
    MetricValue,
    PerformanceSpec,
    Request,
    Response,
    SpotCheck,
)
from dse_harness.request_checks import check_labels, check_request, check_sha256, images_wanted
from dse_harness.samples import PixelCache, SampleMemory, Samples, require_memory
from dse_harness.scenarios import scenario_of, too_large, waits_for_answers
from dse_harness.tasks import Task, task_of
from dse_harness.tensors import batch_of, image_input

_TAKES = 3
"""Of a performance run, at most: where the processor became slower on the way, it is taken again."""
_MOST_SLOW = 0.05
"""Of the looks between queries, in a take that counts as undisturbed. Chosen: half of the slowest tenth, which a p90 is
of, and what is left is hardly noisier than with a fiftieth."""


def measure(
    request: Request,
    request_path: Path,
    engine_bytes: int = 0,
    found: Callable[[Response], object] | None = None,
    pacer: Pacer = PACER,
) -> Response:
    """Do what ``request`` asks; LoadGen's logs land beside ``request_path``. Whatever fails is in the response.

    ``engine_bytes`` of the resident set are an engine that was imported before; they are part of the model's memory.
    ``found`` hears of the response as soon as nothing can change it, where that is before LoadGen has ended its logs.
    ``pacer`` says how fast the processor is.
    """
    measurement = _Measurement(request, request_path, engine_bytes, found, pacer)
    failure = None
    try:
        measurement.run()
    except HarnessError as error:
        failure = error.failure
    except MemoryError as error:
        failure = Failure("out_of_memory", f"no memory left for the model and its samples: {error}")
    except Exception as error:  # noqa: BLE001 - a bug here costs one measurement, and has to be readable
        traceback.print_exc()
        failure = Failure("internal", f"{type(error).__name__}: {error}")
    return measurement.response(failure)


class _Measurement:
    def __init__(
        self,
        request: Request,
        request_path: Path,
        engine_bytes: int,
        found: Callable[[Response], object] | None,
        pacer: Pacer,
    ) -> None:
        self._request, self._pacer = request, pacer
        self._when_found = found
        self._engine_bytes = engine_bytes
        self._request_path = request_path
        self._folder = request_path.parent
        self._device = DeviceReader()
        self._found: dict[str, Any] = {"device_before": self._device.read()}
        self._versions = {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "kernel": os.uname().release,
            "machine": os.uname().machine,
        }
        self._timing_s = {"start_and_imports": process.age_s()}
        self._metrics: dict[str, MetricValue] = {}
        self._answers: dict[int, bytes] = {}
        """On the images that an accuracy run took, by their place in the list."""
        self._order = np.empty(0, np.int64)
        """In which images are taken where not all are."""
        self._earlier_peak_bytes = self._left_bytes = 0
        """Peak resident set before an accuracy run that came first, and what its queries left in memory."""

    def response(self, failure: Failure | None) -> Response:
        """What there is by now, whether it ended well or not."""
        timing_s = {**self._timing_s, "total": process.age_s()}
        return Response(
            failure=failure,
            **self._found,
            metrics=self._metrics,
            device_after=self._device.read(),
            versions=self._versions,
            timing_s={phase: round(seconds, 6) for phase, seconds in timing_s.items()},
        )

    def run(self) -> None:
        """Find everything that the request asks for. Raises HarnessError, MemoryError."""
        request, found = self._request, self._found
        check_request(request)
        engine_class, task_class = engine_of(request.runtime), task_of(request.task)
        self._scenario = scenario_of(request.scenario)
        if reason := too_large(request.scenario, type(self._scenario), request.runtime.batch_size):
            raise HarnessError("bad_request", f"runtime.{reason}")
        if request.runtime.cpu_affinity is not None:
            process.pin(request.runtime.cpu_affinity)
        with self._phase("load"):
            path = self._folder / request.model_path
            engine_class.check_file(path)
            check_sha256(path, request.model_sha256)
            empty_bytes = process.resident_bytes()
            engine = engine_class(request.runtime)
            self._versions[request.runtime.name] = engine.version
            found["baseline_memory_bytes"] = process.resident_bytes()
            session = compiled.load(engine, request, self._request_path)
            image = image_input(session.inputs, path)
            self._task = task_class(session.outputs, request.data_set.classes)
            found["model"] = describe(session, path, self._task)
            self._invoke = session.bind(self._task.reads)
            # An engine may get memory when the model first runs. Later, pixels and samples would be counted too.
            self._batch = np.zeros(batch_of(request.runtime.batch_size, image), image.type)
            _run_once(self._invoke, self._batch)
            peak_bytes = process.peak_resident_bytes()
            if peak_bytes is not None and empty_bytes is not None:
                found["model_memory_bytes"] = max(0, peak_bytes - empty_bytes + self._engine_bytes)
        with self._phase("preprocess"):
            cache = PixelCache(request, self._request_path, image.side)
            self._versions["opencv"] = cache.opencv_version
            labels = cache.labels()
            check_labels(request, int(labels.max()))
            self._task.check_labels(labels)
            self._order = np.arange(len(labels))
            if request.image_order == "random":
                self._order = random_order(len(labels), request.data_set.sha256)
            cache.prepare(range(min(request.performance.buffer_size if request.performance else 1, len(labels))))
            cache.prepare(self._order[: images_wanted(request, len(labels))].tolist())
        memory = SampleMemory(cache, request.preprocessing, image)
        if request.performance is not None:
            self._run_performance(request.performance, memory, labels)
        if request.accuracy is None or self._answers:
            self._conclude(memory, labels)
        else:
            self._run_accuracy(request.accuracy, memory, labels)

    def _conclude(self, memory: SampleMemory, labels: NDArray[np.int32]) -> None:
        """What is left once LoadGen has asked all it asks. Raises HarnessError (``invoke_failed``)."""
        request, versions = self._request, self._versions
        if request.spot_check_images:
            with self._phase("spot_check"):
                self._check_spot(min(request.spot_check_images, len(labels)), memory)
        self._found["evidence"] = Evidence(
            model_sha256=request.model_sha256,
            data_set_sha256=request.data_set.sha256,
            preprocessing_sha256=_preprocessing_sha256(request, versions["opencv"]),
            runtime=request.runtime.name,
            runtime_version=versions[request.runtime.name],
            delegate=request.runtime.delegate,
            loadgen_version=versions["loadgen"],
        )

    def _run_performance(self, spec: PerformanceSpec, memory: SampleMemory, labels: NDArray[np.int32]) -> None:
        total = len(labels)
        with self._phase("warmup"):
            invoke_ns = self._found["probe_latency_ns"] = self._warm_up(memory)
        settings = loadgen.performance_settings(self._scenario, spec, self._folder, invoke_ns, len(self._batch))
        buffer = settings.performance_sample_count_override or spec.buffer_size
        if buffer > total:
            raise HarnessError(
                "data_set", f"found a buffer of {buffer} samples, allowed: up to the data set's {total} images"
            )
        require_memory(buffer, memory.sample_bytes, self._found["device_before"].memory_available_bytes)
        energy = EnergySensors() if self._request.energy else None
        idle_watts = energy.idle_watts() if energy else 0.0
        for take in range(1, _TAKES + 1):
            if spec.user_conf is None and self._request.accuracy and not self._answers and not self._is_at_pace():
                self._count_meanwhile(self._request.accuracy, memory, labels)
            gate = self._gate(spec)
            run, log = self._run_loadgen(settings, memory, total, buffer, "performance", energy, gate=gate)
            if take == 1:  # as a process has it that takes one
                peak_bytes, loaded_bytes = process.peak_resident_bytes(), run.peak_loaded_bytes
                self._found["sample_memory_bytes"] = buffer * memory.sample_bytes
                if peak_bytes is not None and loaded_bytes is not None:
                    loaded_bytes = max(loaded_bytes - self._left_bytes, self._earlier_peak_bytes)
                    self._found["peak_memory_bytes"] = loaded_bytes
                    self._found["loadgen_memory_bytes"] = max(0, peak_bytes - loaded_bytes)
            self._waited(run.settle_s + (gate.waited_ns / 1e9 if gate else 0.0))
            before_ns, after_ns = run.pace_ns
            was_usual = self._pacer.is_usual(max(before_ns, after_ns))
            if gate is not None and (gate.slow_share or 0.0) > _MOST_SLOW:
                was_usual = False
            is_worth_it = self._pacer.is_usual(before_ns) and self._pacer.is_patient(self._timing_s["settle"])
            if was_usual or not is_worth_it or spec.user_conf is not None:
                break
        self._pacer.learn_from(was_usual)
        self._found |= {"pace_before_ns": before_ns, "pace_after_ns": after_ns, "takes": take}
        self._found["slow_share"] = None if gate is None or gate.slow_share is None else round(gate.slow_share, 4)
        self._found["cores_used"] = round(run.cpu_s / run.issue_s, 3)
        performance = self._found["performance"] = log.performance(self._scenario)
        self._metrics |= log.metrics(self._scenario)
        if energy:
            self._metrics |= energy_metrics(run.joules, run.issue_s, log.samples, idle_watts)
        self._timing_s["performance"] = performance.duration_ns / 1e9 if performance else run.issue_s

    def _gate(self, spec: PerformanceSpec) -> Gate | None:
        """What keeps queries back while the processor is slow; None in an official run, where waiting costs energy that
        is measured, and where LoadGen does not wait for an answer before it asks again."""
        if spec.user_conf is not None or self._request.energy or not waits_for_answers(type(self._scenario)):
            return None
        return Gate(self._pacer, lambda: _run_once(self._invoke, self._batch)) if self._pacer.looks_between else None

    def _is_at_pace(self) -> bool:
        start = time.perf_counter()
        found = self._pacer.look()
        self._waited(time.perf_counter() - start)
        return found

    def _waited(self, seconds: float) -> None:
        self._timing_s["settle"] = self._timing_s.get("settle", 0.0) + seconds

    def _count_meanwhile(self, spec: AccuracySpec, memory: SampleMemory, labels: NDArray[np.int32]) -> None:
        """Count the accuracy before anything is timed, as the processor is slow, which no answer depends on.

        What that takes of memory is no part of a performance run. Where it cannot be told apart, nothing is counted.
        """
        self._earlier_peak_bytes = process.peak_resident_bytes() or 0
        if not process.forget_peak():
            return
        began_bytes = self._run_accuracy(spec, memory, labels, is_last=False).peak_loaded_bytes
        self._left_bytes = max(0, (process.resident_bytes() or 0) - (began_bytes or 0))
        process.forget_peak()

    def _run_accuracy(
        self, spec: AccuracySpec, memory: SampleMemory, labels: NDArray[np.int32], *, is_last: bool = True
    ) -> loadgen.Run:
        samples = self._accuracy_images(spec, memory, len(labels))
        if samples > len(labels):
            raise HarnessError(
                "data_set", f"found accuracy.samples {samples}, allowed: up to the data set's {len(labels)} images"
            )
        settings = loadgen.accuracy_settings(self._scenario, spec, self._folder)
        buffer = min(samples, settings.performance_sample_count_override or loadgen.ACCURACY_BUFFER)
        all_of_them = samples == len(labels)  # these are always taken as the list has them, as MLPerf wants it
        images = np.arange(samples) if all_of_them else self._order[:samples]

        def count(run: loadgen.Run, answers: list[bytes]) -> None:
            self._timing_s |= {"accuracy": run.issue_s, "accuracy_samples": run.load_s}
            predictions = _read_predictions(self._task, answers)
            self._answers = dict(zip(images.tolist(), answers, strict=True))
            order = "list" if all_of_them else self._request.image_order
            accuracy_ = self._task.accuracy(predictions, labels[images], order, len(labels))
            self._found["accuracy"] = self._ordered(accuracy_)
            self._metrics |= self._task.metrics(predictions, labels[images])
            if is_last:
                self._conclude(memory, labels)

        def answer(run: loadgen.Run) -> None:
            count(run, [run.answers[index] for index in range(samples)])
            if is_last and self._when_found:
                self._when_found(self.response(None))

        if spec.user_conf is not None:  # goes by MLPerf's rules: samples are in memory before it asks, its log counts
            run, _ = self._run_loadgen(settings, memory.of(images), samples, buffer, "accuracy")
        else:
            done = answer if "loadgen" in self._versions or not is_last else None
            run, _ = self._run_loadgen(settings, memory.on_demand(images), samples, samples, "accuracy", done=done)
        if "accuracy" not in self._timing_s:
            count(run, accuracy.read_answers(self._folder / "accuracy" / "mlperf_log_accuracy.json", samples))
        return run

    def _ordered(self, found: Accuracy | None) -> Accuracy | None:
        """``found`` with its answers in the order in which a part of the images is taken, so that they compare."""
        wanted = self._request.image_order
        if found is None or found.answers is None or found.answers.image_order == wanted:
            return found
        right = unpack(found.answers, found.total)  # of all images: a part of them is in this order already
        return replace(found, answers=pack(right[self._order], wanted))

    def _accuracy_images(self, spec: AccuracySpec, memory: SampleMemory, total: int) -> int:
        """How many images the accuracy run takes: ``samples``, or as many of ``more`` as fit into ``within_s``."""
        if spec.more and "probe_latency_ns" not in self._found:
            with self._phase("warmup"):
                self._found["probe_latency_ns"] = self._warm_up(memory)
        return spec.images(total, self._found.get("probe_latency_ns", 0))

    def _check_spot(self, images: int, memory: SampleMemory) -> None:
        """Raises HarnessError (``invoke_failed``)."""
        wanted = self._order[:images].tolist()
        if not self._answers.keys() >= set(wanted):
            self._answers = {image: self._answer(memory, image) for image in wanted}
        predictions = _read_predictions(self._task, [self._answers[image] for image in wanted])
        digest = self._task.digest(predictions)
        self._found["spot_check"] = SpotCheck(images, digest, self._request.image_order)

    def _run_loadgen(
        self,
        settings: Any,
        memory: Samples,
        total: int,
        buffer: int,
        folder: Literal["performance", "accuracy"],
        energy: EnergySensors | None = None,
        done: Callable[[loadgen.Run], object] | None = None,
        gate: Gate | None = None,
    ) -> tuple[loadgen.Run, loadgen.Log]:
        pacer = self._pacer if folder == "performance" else None
        batch = self._batch if len(self._batch) > 1 else None
        run = loadgen.Run(self._scenario, self._task, self._invoke, memory, pacer, batch, energy, done, gate)
        run.start(settings, total, buffer, self._folder / folder)
        self._timing_s[f"{folder}_samples"] = run.load_s
        log = loadgen.read_log(self._folder / folder)
        self._versions["loadgen"] = log.version
        return run, log

    def _warm_up(self, memory: SampleMemory) -> int:
        """The shortest latency seen for an image, in ns, of at least three invocations.

        Raises HarnessError (``invoke_failed``).
        """
        memory.load([0])
        self._batch[...] = memory.samples[0]
        memory.unload([0])
        latencies_ns: list[int] = []
        end = time.perf_counter() + self._request.warmup_s
        while len(latencies_ns) < 3 or time.perf_counter() < end:
            start_ns = time.perf_counter_ns()
            _run_once(self._invoke, self._batch)
            latencies_ns.append(time.perf_counter_ns() - start_ns)
        return max(1, min(latencies_ns) // len(self._batch))

    def _answer(self, memory: SampleMemory, image: int) -> bytes:
        """What an accuracy run would log. Raises HarnessError (``invoke_failed``)."""
        values = array("f", [0.0]) * self._task.most_values
        memory.load([image])
        try:
            self._batch[...] = memory.samples[image]
            count = self._task.answer([output[:1] for output in _run_once(self._invoke, self._batch)], values)
        finally:
            memory.unload([image])
        return values[:count].tobytes()

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self._timing_s[name] = time.perf_counter() - start


def _read_predictions(task: Task, answers: list[bytes]) -> NDArray[Any]:
    try:
        return task.predictions(answers)
    except ValueError as error:
        raise HarnessError("loadgen", f"the accuracy log has answers of another task: {error}") from error


def _run_once(invoke: Invoke, sample: NDArray[Any]) -> Sequence[NDArray[Any]]:
    """Raises HarnessError (``invoke_failed``)."""
    try:
        return invoke(sample)
    except (ValueError, RuntimeError) as error:
        raise HarnessError("invoke_failed", " ".join(str(error).split())) from error


def _preprocessing_sha256(request: Request, opencv_version: str) -> str:
    """Of every setting between an image and the model's input, the library that applies them among them."""
    content = {**asdict(request.preprocessing), "opencv": opencv_version}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
