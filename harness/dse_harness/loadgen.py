"""One LoadGen run: the system under test, the sample library, the settings, and what LoadGen's own log says."""

from __future__ import annotations

import gc
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlperf_loadgen as lg
from numpy.typing import NDArray

from dse_harness import detail_log
from dse_harness.energy import EnergySensors
from dse_harness.engines import Invoke
from dse_harness.errors import HarnessError
from dse_harness.gate import Gate, gated
from dse_harness.pace import Pacer
from dse_harness.process import peak_resident_bytes
from dse_harness.protocol import AccuracySpec, MetricValue, Performance, PerformanceSpec
from dse_harness.samples import Samples
from dse_harness.scenarios import Answer, Issue, Scenario, in_batches
from dse_harness.tasks import Task

ACCURACY_BUFFER = 1024
"""Samples in memory at a time in an accuracy run: LoadGen goes through the data set in sets of so many."""

_MOST_LOG_BYTES = 64 * 2**20
"""As many as dse reads of one for a submission."""


def performance_settings(
    scenario: Scenario, spec: PerformanceSpec, folder: Path, invoke_ns: int, batch_size: int = 1
) -> lg.TestSettings:
    """Settings of a PerformanceOnly run, from `user_conf` if there is one. Raises HarnessError (``loadgen``).

    ``invoke_ns`` is the shortest time that an invocation was seen to take for a sample, of ``batch_size`` at once.
    """
    if spec.user_conf is not None:
        settings = _official_settings(folder / spec.user_conf, spec.model_name, scenario)
    else:
        settings = lg.TestSettings()
        settings.min_duration_ms = spec.duration_ms
        settings.max_duration_ms = spec.max_duration_ms
        settings.min_query_count = spec.queries(invoke_ns)
        if batch_size == 1:
            scenario.settings(settings, spec, invoke_ns)
        else:
            scenario.settings(settings, spec, invoke_ns, batch_size)
    settings.scenario = scenario.scenario
    settings.mode = lg.TestMode.PerformanceOnly
    return settings


def accuracy_settings(scenario: Scenario, spec: AccuracySpec, folder: Path) -> lg.TestSettings:
    """Settings of an AccuracyOnly run, from `user_conf` if there is one. Raises HarnessError (``loadgen``)."""
    if spec.user_conf is not None:
        settings = _official_settings(folder / spec.user_conf, spec.model_name, scenario)
    else:
        settings = lg.TestSettings()
    settings.scenario = scenario.scenario
    settings.mode = lg.TestMode.AccuracyOnly
    return settings


def _official_settings(user_conf: Path, model_name: str, scenario: Scenario) -> lg.TestSettings:
    if not user_conf.is_file():
        raise HarnessError("bad_request", f"user_conf: {user_conf}: no such file")
    settings = lg.TestSettings()
    # Once per process: LoadGen counts the calls, and a second one marks the log as not valid for official submission.
    if settings.FromConfig(str(user_conf), model_name, scenario.scenario.name, 1) != 0:
        raise HarnessError("loadgen", f"{user_conf}: LoadGen does not take it as its configuration")
    return settings


class Run:
    """A run of LoadGen over a model: `start` returns when its logs are complete in ``folder``."""

    def __init__(
        self,
        scenario: Scenario,
        task: Task,
        invoke: Invoke,
        memory: Samples,
        pacer: Pacer | None = None,
        batch: NDArray[Any] | None = None,
        energy: EnergySensors | None = None,
        done: Callable[[Run], object] | None = None,
        gate: Gate | None = None,
    ) -> None:
        self.issue_s = 0.0
        """Wall seconds from samples loaded to last query answered, the generation of queries included."""
        self.cpu_s = 0.0
        """CPU seconds of this process in that time, over all threads."""
        self.load_s = 0.0
        """Wall seconds of copying samples into memory."""
        self.peak_loaded_bytes: int | None = None
        """Peak resident set of this process when the last samples were in memory."""
        self.settle_s = 0.0
        """Wall seconds of waiting for a processor at its usual pace; without a ``pacer`` nobody waits."""
        self.pace_ns: list[int] = []
        """The loop of `dse_harness.pace` before the first query and after the last one."""
        self._scenario = scenario
        self._task = task
        self._invoke = invoke
        self._memory = memory
        self._pacer, self._gate = pacer, gate
        self.joules = 0.0
        """What the device took in that time, where ``energy`` is there to tell."""
        self._energy = energy
        self._batch = batch
        """Room for the samples that go into the model at once, ``[batch, ...]``; None where they go one by one."""
        self.answers: dict[int, bytes] = {}
        """By the sample's index, what LoadGen was told; kept where somebody waits to hear that the run is ``done``."""
        self._done = done
        """Called when the last query of a set of samples is answered. LoadGen then ends its logs, for some 25 ms."""
        self._failed: list[BaseException] = []
        self._began = (0.0, 0.0)

    def start(self, settings: lg.TestSettings, total_count: int, buffer: int, folder: Path) -> None:
        """Run; four log files appear in ``folder``. Raises HarnessError, MemoryError."""
        folder.mkdir(exist_ok=True)
        output = lg.LogOutputSettings()
        output.outdir = str(folder)
        logging = lg.LogSettings()
        logging.log_output = output
        logging.enable_trace = False
        batch = self._batch
        issue = (
            self._scenario.issuer(self._answerer())
            if batch is None
            else in_batches(self._batch_answerer(batch), len(batch))
        )
        if self._gate:
            issue = gated(issue, self._gate, self._failed)
        sut = lg.ConstructFastSUT(issue, self._flush)
        library = lg.ConstructQSL(total_count, buffer, self._load, self._memory.unload)
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            # An audit.config in the current folder would change the run, and nobody would see it.
            lg.StartTestWithLogSettings(sut, library, settings, logging, str(folder / "audit.config"))
        finally:
            gc.enable()
            lg.DestroyQSL(library)
            lg.DestroyFastSUT(sut)
        if self._failed:
            raise _failure(self._failed[0])

    def _answerer(self) -> Answer:
        """What LoadGen times: everything is bound, nothing but the answer is made.

        The same in both modes: the answer is part of the work, in a performance run too.
        """
        invoke, samples, failed, decode = self._invoke, self._memory.samples, self._failed, self._task.answer
        most, values = self._task.most_values, array("f", [0.0]) * self._task.most_values
        response = lg.QuerySampleResponse(0, values.buffer_info()[0], most * values.itemsize)
        responses = [response]
        complete = lg.QuerySamplesComplete

        def answer(sample_id: int, index: int) -> None:
            if not failed:
                try:
                    count = decode(invoke(samples[index]), values)
                    if most != 1:
                        response.size = count * values.itemsize
                except BaseException as error:  # noqa: BLE001 - raised again after the run: LoadGen cannot be unwound
                    failed.append(error)
            response.id = sample_id
            complete(responses)

        def answer_and_keep(sample_id: int, index: int) -> None:
            answer(sample_id, index)
            self.answers[index] = values[: response.size // values.itemsize].tobytes()

        return answer if self._done is None else answer_and_keep

    def _batch_answerer(self, batch: NDArray[Any]) -> Issue:
        """The same for as many samples at once as ``batch`` has room for, or fewer: the model runs on all of it."""
        invoke, samples, failed, decode = self._invoke, self._memory.samples, self._failed, self._task.answer
        most, rows = self._task.most_values, range(len(batch))
        values = [array("f", [0.0]) * most for _ in rows]
        responses = [lg.QuerySampleResponse(0, each.buffer_info()[0], most * each.itemsize) for each in values]
        complete = lg.QuerySamplesComplete

        def answer(ids: Sequence[int], indices: Sequence[int]) -> None:
            if not failed:
                try:
                    for row, index in enumerate(indices):
                        batch[row] = samples[index][0]
                    outputs = invoke(batch)
                    for row in range(len(ids)):
                        count = decode([output[row : row + 1] for output in outputs], values[row])
                        responses[row].size = count * values[row].itemsize
                except BaseException as error:  # noqa: BLE001 - as above
                    failed.append(error)
            for row, sample_id in enumerate(ids):
                responses[row].id = sample_id
            complete(responses[: len(ids)])

        def answer_and_keep(ids: Sequence[int], indices: Sequence[int]) -> None:
            answer(ids, indices)
            for index, found, response in zip(indices, values, responses, strict=False):
                self.answers[index] = found[: response.size // found.itemsize].tobytes()

        return answer if self._done is None else answer_and_keep

    def _load(self, indices: Sequence[int]) -> None:
        start = time.perf_counter()
        try:
            self._memory.load(indices)
        except BaseException as error:  # noqa: BLE001 - as above
            self._failed.append(error)
        self.load_s += time.perf_counter() - start
        self.peak_loaded_bytes = peak_resident_bytes()
        if self._pacer:
            start = time.perf_counter()
            self.pace_ns.append(self._pacer.settle())
            self.settle_s = time.perf_counter() - start
        if self._energy:
            try:
                self._energy.start()
            except BaseException as error:  # noqa: BLE001 - as above
                self._failed.append(error)
        self._began = (time.perf_counter(), time.process_time())

    def _flush(self) -> None:
        began, began_cpu = self._began
        seconds = time.perf_counter() - began
        self.issue_s += seconds
        self.cpu_s += time.process_time() - began_cpu
        if self._energy and not self._failed:
            self.joules += self._energy.stop(seconds)
        if self._pacer:  # at once: a processor that was idle in between is slower for some milliseconds
            self.pace_ns.append(self._pacer.now())
        if self._done and not self._failed:
            try:
                self._done(self)
            except BaseException as error:  # noqa: BLE001 - as above
                self._failed.append(error)


def _failure(error: BaseException) -> BaseException:
    if isinstance(error, (ValueError, RuntimeError)):
        return HarnessError("invoke_failed", " ".join(str(error).split()))
    return error


@dataclass(frozen=True)
class Log:
    """The detail log of a run: the last value of each key, and what LoadGen complained about."""

    values: dict[str, Any]
    warnings: tuple[str, ...]

    @property
    def version(self) -> str:
        """LoadGen's version and commit. Raises HarnessError (``loadgen``)."""
        return str(self._read(lambda: self.values["loadgen_version"]))

    @property
    def samples(self) -> int:
        """How many a PerformanceOnly run answered. Raises HarnessError (``loadgen``)."""
        return int(self._read(lambda: self.values["result_query_count"] * self.values["effective_samples_per_query"]))

    def performance(self, scenario: Scenario) -> Performance | None:
        """The result of a PerformanceOnly run. Raises HarnessError (``loadgen``)."""
        found: Performance | None = self._read(lambda: scenario.performance(self.values, self.warnings))
        return found

    def metrics(self, scenario: Scenario) -> dict[str, MetricValue]:
        """What else such a run found. Raises HarnessError (``loadgen``)."""
        return dict(self._read(lambda: scenario.metrics(self.values)))

    def _read(self, look_up: Callable[[], Any]) -> Any:
        try:
            return look_up()
        except KeyError as error:
            raise HarnessError("loadgen", "; ".join(self.warnings) or f"the log has no {error}") from error


def read_log(folder: Path) -> Log:
    """The detail log in ``folder``. Raises HarnessError (``loadgen``)."""
    path = folder / "mlperf_log_detail.txt"
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_LOG_BYTES + 1)
        if len(data) > _MOST_LOG_BYTES:
            raise ValueError(f"found more than {_MOST_LOG_BYTES} bytes, at most {_MOST_LOG_BYTES} are read")
        entries = list(detail_log.entries(data))
    except (OSError, ValueError) as error:
        raise HarnessError("loadgen", f"{path}: cannot be read: {error}") from error
    return Log(
        {entry.key: entry.value for entry in entries},
        tuple(f"{entry.key}: {entry.value}" for entry in entries if entry.is_error or entry.is_warning),
    )
