"""One LoadGen run: the system under test, the sample library, the settings, and what LoadGen's own log says."""

from __future__ import annotations

import gc
import json
import time
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mlperf_loadgen as lg

from dse_harness.errors import HarnessError
from dse_harness.process import peak_resident_bytes
from dse_harness.protocol import AccuracySpec, Performance, PerformanceSpec
from dse_harness.runtimes import Invoke
from dse_harness.samples import SampleMemory

MODEL_SCENARIO = "SingleStream"
ACCURACY_BUFFER = 1024
"""Samples in memory at a time in an accuracy run: LoadGen goes through the data set in sets of so many."""


_CALLBACK_NS = 3000
"""The least that LoadGen and its callback add to an invocation, between one query and the next."""


def performance_settings(spec: PerformanceSpec, folder: Path, invoke_ns: int) -> lg.TestSettings:
    """Settings of a PerformanceOnly run, from `user_conf` if there is one. Raises HarnessError (``loadgen``).

    ``invoke_ns`` is the shortest time that an invocation was seen to take. LoadGen generates queries for twice the
    duration at the latency it expects: too few end the run early, too many cost time and memory.
    """
    if spec.user_conf is not None:
        settings = _official_settings(folder / spec.user_conf, spec.model_name)
    else:
        settings = lg.TestSettings()
        settings.min_duration_ms = spec.min_duration_ms
        settings.max_duration_ms = spec.max_duration_ms
        settings.min_query_count = spec.min_query_count
        settings.single_stream_expected_latency_ns = invoke_ns + _CALLBACK_NS
    settings.scenario = lg.TestScenario.SingleStream
    settings.mode = lg.TestMode.PerformanceOnly
    return settings


def accuracy_settings(spec: AccuracySpec, folder: Path) -> lg.TestSettings:
    """Settings of an AccuracyOnly run, from `user_conf` if there is one. Raises HarnessError (``loadgen``)."""
    if spec.user_conf is not None:
        settings = _official_settings(folder / spec.user_conf, spec.model_name)
    else:
        settings = lg.TestSettings()
    settings.scenario = lg.TestScenario.SingleStream
    settings.mode = lg.TestMode.AccuracyOnly
    return settings


def _official_settings(user_conf: Path, model_name: str) -> lg.TestSettings:
    if not user_conf.is_file():
        raise HarnessError("bad_request", f"user_conf: {user_conf}: no such file")
    settings = lg.TestSettings()
    # Once per process: LoadGen counts the calls, and a second one marks the log as not valid for official submission.
    if settings.FromConfig(str(user_conf), model_name, MODEL_SCENARIO, 1) != 0:
        raise HarnessError("loadgen", f"{user_conf}: LoadGen does not take it as its configuration")
    return settings


class Run:
    """A run of LoadGen over a model: `start` returns when its logs are complete in ``folder``."""

    def __init__(self, invoke: Invoke, first_class: int, memory: SampleMemory) -> None:
        self.issue_s = 0.0
        """Wall seconds from samples loaded to last query answered, the generation of queries included."""
        self.cpu_s = 0.0
        """CPU seconds of this process in that time, over all threads."""
        self.load_s = 0.0
        """Wall seconds of copying samples into memory."""
        self.peak_loaded_bytes: int | None = None
        """Peak resident set of this process when the last samples were in memory."""
        self._invoke = invoke
        self._first_class = first_class
        self._memory = memory
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
        sut = lg.ConstructFastSUT(self._issuer(), self._flush)
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

    def _issuer(self) -> Callable[[list[int], list[int]], None]:
        """The callback that LoadGen times: everything is bound, nothing but the answer is made.

        The same in both modes: the answer is part of the work, in a performance run too.
        """
        invoke, samples, failed = self._invoke, self._memory.samples, self._failed
        first_class = self._first_class
        answer = array("f", [0.0])
        response = lg.QuerySampleResponse(0, answer.buffer_info()[0], answer.itemsize)
        responses = [response]
        complete = lg.QuerySamplesComplete

        def issue(ids: list[int], indices: list[int]) -> None:
            if not failed:
                try:
                    answer[0] = float(invoke(samples[indices[0]]).argmax() - first_class)
                except BaseException as error:  # noqa: BLE001 - raised again after the run: LoadGen cannot be unwound
                    failed.append(error)
            response.id = ids[0]
            complete(responses)

        return issue

    def _load(self, indices: Sequence[int]) -> None:
        start = time.perf_counter()
        try:
            self._memory.load(indices)
        except BaseException as error:  # noqa: BLE001 - as above
            self._failed.append(error)
        self.load_s += time.perf_counter() - start
        self.peak_loaded_bytes = peak_resident_bytes()
        self._began = (time.perf_counter(), time.process_time())

    def _flush(self) -> None:
        began, began_cpu = self._began
        self.issue_s += time.perf_counter() - began
        self.cpu_s += time.process_time() - began_cpu


def _failure(error: BaseException) -> BaseException:
    if isinstance(error, (ValueError, RuntimeError)):
        return HarnessError("invoke_failed", " ".join(str(error).split()))
    return error


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The entries of LoadGen's detail log. Raises HarnessError (``loadgen``)."""
    path = folder / "mlperf_log_detail.txt"
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        return [json.loads(line[len(":::MLLOG ") :]) for line in lines if line.startswith(":::MLLOG ")]
    except (OSError, ValueError) as error:
        raise HarnessError("loadgen", f"{path}: cannot be read: {error}") from error


def performance(entries: list[dict[str, Any]]) -> Performance:
    """The result in a PerformanceOnly run's log. Raises HarnessError (``loadgen``)."""
    values = {entry["key"]: entry["value"] for entry in entries}
    remarks = tuple(_remarks(entries))
    try:
        return Performance(
            latency_min_ns=values["result_min_latency_ns"],
            latency_mean_ns=values["result_mean_latency_ns"],
            latency_p50_ns=values["result_50.00_percentile_latency_ns"],
            latency_p90_ns=values["result_90.00_percentile_latency_ns"],
            latency_p95_ns=values["result_95.00_percentile_latency_ns"],
            latency_p99_ns=values["result_99.00_percentile_latency_ns"],
            latency_p999_ns=values["result_99.90_percentile_latency_ns"],
            latency_max_ns=values["result_max_latency_ns"],
            early_stopping_p90_ns=values["early_stopping_latency_ss"] or None,
            query_count=values["result_query_count"],
            duration_ns=round(1e9 * values["result_query_count"] / values["result_qps_with_loadgen_overhead"]),
            valid=values["result_validity"] == "VALID",
            min_duration_met=values["result_min_duration_met"],
            min_queries_met=values["result_min_queries_met"],
            early_stopping_met=values["early_stopping_met"],
            warnings=remarks,
        )
    except KeyError as error:
        raise HarnessError("loadgen", "; ".join(remarks) or f"the log has no {error}") from error


def version(entries: list[dict[str, Any]]) -> str:
    """LoadGen's version and commit as its log has them. Raises HarnessError (``loadgen``)."""
    for entry in entries:
        if entry["key"] == "loadgen_version":
            return str(entry["value"])
    raise HarnessError("loadgen", "the log has no loadgen_version")


def _remarks(entries: list[dict[str, Any]]) -> list[str]:
    return [
        f"{entry['key']}: {entry['value']}"
        for entry in entries
        if entry["metadata"]["is_error"] or entry["metadata"]["is_warning"]
    ]
