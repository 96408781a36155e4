"""The harness as dse starts it: a fresh process, a real runtime, a real LoadGen."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dse_harness.answers import pack
from dse_harness.boot import command
from dse_harness.energy import EnergySensors
from dse_harness.engines import open_engine
from dse_harness.image_order import random_order
from dse_harness.protocol import Accuracy, MetricValue, Response, RuntimeSpec, SpotCheck

from tests.harness.running import request_for, run_harness, write_colours
from tests.harness.tiny_models import write_tiny_model

LOGS = ["mlperf_log_accuracy.json", "mlperf_log_detail.txt", "mlperf_log_summary.txt", "mlperf_log_trace.json"]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny.tflite")


@pytest.fixture
def data_set(tmp_path: Path) -> Path:
    return write_colours(tmp_path / "colours.npz")


def failure(response: Response) -> tuple[str, str]:
    assert response.failure is not None
    return response.failure.error, response.failure.message


def test_both_runs_in_one_process(tmp_path: Path, model: Path, data_set: Path) -> None:
    response = run_harness(tmp_path / "trial", request_for(model, data_set))
    assert response.failure is None
    assert response.performance is not None
    assert response.performance.valid
    assert response.performance.query_count >= 64
    assert response.performance.early_stopping_p90_ns is not None
    assert (
        response.performance.latency_min_ns
        <= response.performance.latency_p50_ns
        <= response.performance.latency_max_ns
    )
    assert not [text for text in response.performance.warnings if text.startswith("error")]
    assert response.accuracy is not None
    assert response.accuracy.total == 40
    assert response.metrics["latency_p90_ns"] == MetricValue(response.performance.latency_p90_ns, "ns")
    assert response.metrics["samples_per_second"].value > 0
    assert response.peak_memory_bytes is not None
    assert response.baseline_memory_bytes is not None
    assert response.peak_memory_bytes > response.baseline_memory_bytes
    assert response.evidence is not None
    assert response.evidence.loadgen_version == response.versions["loadgen"]
    assert response.cores_used is not None
    assert response.device_before is not None
    assert response.device_after is not None
    for run in ("performance", "accuracy"):
        assert sorted(path.name for path in (tmp_path / "trial" / run).iterdir()) == LOGS


def test_the_models_memory_is_without_the_samples_and_without_the_making_of_pixels(tmp_path: Path, model: Path) -> None:
    data_set = write_colours(tmp_path / "colours.npz", count=1500)
    big = write_tiny_model(tmp_path / "big.tflite", side=64)
    found = []
    for number, buffer in enumerate((8, 8, 1024)):  # the first one starts a child that makes the pixels
        performance = {"buffer_size": buffer, "min_duration_ms": 20, "min_query_count": 64}
        found.append(run_harness(tmp_path / str(number), request_for(big, data_set, performance=performance)))
    memory = [response.model_memory_bytes or 0 for response in found]
    assert min(memory) > 2**20
    assert max(memory) - min(memory) < 2**18, memory
    peaks = [response.peak_memory_bytes or 0 for response in found]
    assert peaks[2] - peaks[1] > 1000 * 64 * 64 * 3 * 4
    assert [response.sample_memory_bytes for response in found] == [n * 64 * 64 * 3 * 4 for n in (8, 8, 1024)]


@pytest.mark.parametrize("performance", [None, {"buffer_size": 8, "min_duration_ms": 20, "min_query_count": 10}])
def test_a_part_of_images_in_order_of_classes_is_drawn_from_all_of_them(
    tmp_path: Path, model: Path, performance: Any
) -> None:
    data_set = write_colours(tmp_path / "colours.npz", count=400)
    with np.load(data_set) as archive:
        images, labels = archive["images"], np.sort(archive["labels"])
    np.savez(data_set, images=images, labels=labels)
    values = (np.arange(256, dtype=np.float32) - 127.5) / 127.5
    expected, order = np.array(answers(model, data_set, values, "NHWC"), "<i4"), random_order(400, "c" * 64)
    for samples in (50, 400):
        changes = {"accuracy": {"samples": samples}, "spot_check_images": 30, "performance": performance}
        request = request_for(model, data_set, image_order="random", **changes)
        response = run_harness(tmp_path / str(samples), request)
        assert response.failure is None
        taken = order[:50] if samples == 50 else np.arange(400)
        assert response.accuracy == Accuracy(
            int((expected == labels)[taken].sum()),
            samples,
            hashlib.sha256(expected[taken].tobytes()).hexdigest(),
            "random" if samples == 50 else "list",
            400,
            pack((expected == labels)[order[:samples]], "random"),
        )
        digest = hashlib.sha256(expected[order[:30]].tobytes()).hexdigest()
        assert response.spot_check == SpotCheck(30, digest, "random")


def test_without_an_accuracy_run_the_spot_check_takes_the_same_images(
    tmp_path: Path, model: Path, data_set: Path
) -> None:
    changes = {"image_order": "random", "spot_check_images": 10}
    both = run_harness(tmp_path / "1", request_for(model, data_set, **changes))
    alone = run_harness(tmp_path / "2", request_for(model, data_set, accuracy=None, **changes))
    assert both.spot_check == alone.spot_check


def answers(model: Path, data_set: Path, values: np.ndarray, layout: str) -> list[int]:
    """Image by image, without LoadGen or the cache."""
    invoke = open_engine(RuntimeSpec()).load(model).bind()
    with np.load(data_set) as archive:
        images = values[archive["images"][:, 2:10, 2:10]]  # colours are plain: any part of the image will do
    ordered = images if layout == "NHWC" else images.transpose(0, 3, 1, 2)
    return [int(invoke(np.ascontiguousarray(image[None]))[0].argmax()) for image in ordered]


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("type_", ["float32", "int8", "uint8"])
def test_accuracy_is_that_of_a_plain_loop(tmp_path: Path, data_set: Path, type_: Any, layout: Any) -> None:
    model = write_tiny_model(tmp_path / "tiny.tflite", type_=type_, layout=layout)
    pixels = np.arange(256)
    values = {
        "float32": ((pixels - 127.5) / 127.5).astype(np.float32),
        "int8": np.rint((pixels - 127.5) / 127.5 / np.float32(1 / 127.5)).astype(np.int8),
        "uint8": pixels.astype(np.uint8),
    }[type_]
    response = run_harness(tmp_path / "trial", request_for(model, data_set, performance=None))
    assert response.failure is None
    expected = answers(model, data_set, values, layout)
    with np.load(data_set) as archive:
        good = int((archive["labels"] == expected).sum())
    import hashlib

    assert response.accuracy is not None
    assert response.accuracy.good == good
    assert len(set(expected)) > 2
    assert response.accuracy.predictions_sha256 == hashlib.sha256(np.array(expected, "<i4").tobytes()).hexdigest()


def test_a_background_class_comes_first(tmp_path: Path, data_set: Path) -> None:
    model = write_tiny_model(tmp_path / "tiny.tflite", outputs=11)
    response = run_harness(tmp_path / "trial", request_for(model, data_set, performance=None))
    assert response.model is not None
    assert response.model.background_class
    entries = json.loads((tmp_path / "trial" / "accuracy" / "mlperf_log_accuracy.json").read_text())
    raw = answers(model, data_set, ((np.arange(256) - 127.5) / 127.5).astype(np.float32), "NHWC")
    for entry in entries:
        assert np.frombuffer(bytes.fromhex(entry["data"]), "<f4")[0] == raw[entry["qsl_idx"]] - 1


def test_the_first_samples_only(tmp_path: Path, model: Path, data_set: Path) -> None:
    response = run_harness(tmp_path / "trial", request_for(model, data_set, performance=None, accuracy={"samples": 7}))
    assert response.accuracy is not None
    assert response.accuracy.total == 7
    entries = json.loads((tmp_path / "trial" / "accuracy" / "mlperf_log_accuracy.json").read_text())
    assert sorted(entry["qsl_idx"] for entry in entries) == list(range(7))


def test_an_official_run_is_configured_once_and_by_its_file(tmp_path: Path, model: Path, data_set: Path) -> None:
    (tmp_path / "user.conf").write_text(
        "resnet50.SingleStream.min_duration = 60\n"
        "resnet50.SingleStream.target_latency = 0.01\n"
        "resnet50.SingleStream.performance_sample_count_override = 32\n"
    )
    conf = str(tmp_path / "user.conf")
    response = run_harness(
        tmp_path / "performance", request_for(model, data_set, performance={"user_conf": conf}, accuracy=None)
    )
    assert response.failure is None
    assert response.performance is not None
    detail = (tmp_path / "performance" / "performance" / "mlperf_log_detail.txt").read_text()
    assert "Multiple conf files" not in detail
    values = {e["key"]: e["value"] for e in (json.loads(line[9:]) for line in detail.splitlines())}
    assert values["effective_min_duration_ms"] == 60
    assert values["effective_performance_sample_count"] == len(values["loaded_qsl_set"]) == 32
    assert values["effective_qsl_rng_seed"] != 0
    accuracy = run_harness(
        tmp_path / "accuracy", request_for(model, data_set, performance=None, accuracy={"user_conf": conf})
    )
    assert accuracy.accuracy is not None
    assert accuracy.accuracy.total == 40
    assert accuracy.evidence == response.evidence


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"performance": {"user_conf": "user.conf"}}, "bad_request", "allowed: one of them"),
        ({"performance": None, "accuracy": None}, "bad_request", "found neither performance nor accuracy"),
        ({"performance": {"user_conf": "absent.conf"}, "accuracy": None}, "bad_request", "absent.conf: no such file"),
        ({"performance": {"buffer_size": 41}}, "data_set", "found a buffer of 41 samples, allowed: up to"),
        ({"accuracy": {"samples": 41}}, "data_set", "found accuracy.samples 41, allowed: up to"),
        ({"performance": {"buffer_size": 0}}, "bad_request", "performance.buffer_size: found 0, allowed: 1 or more"),
        ({"runtime": {"threads": 0}}, "bad_request", "runtime.threads: found 0, allowed: 1 or more"),
        ({"runtime": {"cpu_affinity": [4095]}}, "bad_request", "runtime.cpu_affinity: found [4095]"),
        ({"preprocessing": {"crop_percent": 101}}, "bad_request", "preprocessing.crop_percent: found 101.0"),
        ({"preprocessing": {"mean": [1, 2]}}, "bad_request", "mean: found 2 numbers, allowed: one, or three"),
        ({"preprocessing": {"scale": [1, 0, 1]}}, "bad_request", "preprocessing.scale: found 0, allowed: any other"),
        ({"model_sha256": "0" * 64}, "bad_request", "the request names 0000"),
        ({"model_path": "absent.tflite"}, "model_missing", "absent.tflite: no such file"),
        ({"data_set": {"name": "x", "path": "no.npz", "sha256": "1"}}, "data_set", "no.npz: not a readable .npz"),
        (
            {"data_set": {"name": "x", "path": "../colours.npz", "sha256": "1", "classes": 9}},
            "data_set",
            "x: found class 9, allowed: 0 to 8",
        ),
        (
            {"data_set": {"name": "x", "path": "../colours.npz", "sha256": "1", "classes": 12}},
            "model_unsupported",
            "found 10 outputs, allowed for a data set of 12 classes: 12, or 13",
        ),
        ({"runtime": {"delegate": "gpu"}}, "bad_request", "runtime.delegate: found 'gpu', allowed for litert"),
        (
            {"runtime": {"name": "onnx"}},
            "bad_request",
            "runtime.name: found 'onnx', allowed: litert, ",
        ),
        ({"task": "telepathy"}, "bad_request", "task: found 'telepathy', allowed: image_classification"),
        ({"scenario": "Duet"}, "bad_request", "scenario: found 'Duet', allowed: SingleStream"),
    ],
)
def test_what_goes_wrong_is_said(
    tmp_path: Path, data_set: Path, changes: dict[str, Any], error: str, message: str
) -> None:
    model = write_tiny_model(tmp_path / "tiny.tflite", outputs=9 if "x: found" in message else 10)
    response = run_harness(tmp_path / "trial", request_for(model, data_set, **changes))
    assert failure(response)[0] == error
    assert message in failure(response)[1]


def test_a_failed_accuracy_run_does_not_lose_the_performance(tmp_path: Path, model: Path, data_set: Path) -> None:
    response = run_harness(tmp_path / "trial", request_for(model, data_set, accuracy={"samples": 41}))
    assert failure(response)[0] == "data_set"
    assert response.performance is not None


def test_a_request_that_is_none_has_a_response(tmp_path: Path) -> None:
    assert failure(run_harness(tmp_path / "trial", "{}"))[0] == "bad_request"


def test_an_audit_config_that_lies_about_changes_nothing(tmp_path: Path, model: Path, data_set: Path) -> None:
    folder = tmp_path / "trial"
    folder.mkdir()
    (folder / "audit.config").write_text("*.*.min_query_count = 7\n*.*.max_query_count = 7\n")
    response = run_harness(folder, request_for(model, data_set, accuracy=None))
    assert response.performance is not None
    assert response.performance.query_count > 7


def test_describe_says_what_each_delegate_sees(tmp_path: Path, model: Path) -> None:
    done = subprocess.run(
        [*command(sys.executable), "describe", str(model)], capture_output=True, text=True, check=True
    )
    described = json.loads(done.stdout)
    assert described["xnnpack"]["input_shape"] == described["builtin"]["input_shape"] == [1, 8, 8, 3]


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_a_killed_driver_leaves_no_orphan(tmp_path: Path, model: Path, data_set: Path) -> None:
    request = request_for(model, data_set, performance={"buffer_size": 8, "min_duration_ms": 60_000}, accuracy=None)
    (tmp_path / "request.json").write_text(json.dumps(request))
    driver = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, subprocess, sys\n"
            "child = subprocess.Popen(sys.argv[1:], env={**os.environ, 'DSE_PARENT': str(os.getpid())})\n"
            "print(child.pid, flush=True)\n"
            "child.wait()",
            *command(sys.executable),
            "run",
            str(tmp_path / "request.json"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert driver.stdout is not None
    child = int(driver.stdout.readline())
    log = tmp_path / "performance" / "mlperf_log_detail.txt"
    _wait(log.exists)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    driver.stdout.close()
    _wait(lambda: not _runs(child))
    assert not (tmp_path / "response.json").exists()


def _wait(condition: Any) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_a_fast_model_is_judged_by_more_images_in_the_same_time(tmp_path: Path, model: Path, data_set: Path) -> None:
    seen = []
    for name, within_s in (("none", 0.0), ("all", 60.0)):
        asked = {"samples": 5, "more": [10, 20], "within_s": within_s}
        response = run_harness(tmp_path / name, request_for(model, data_set, performance=None, accuracy=asked))
        assert response.accuracy is not None
        seen.append(response.accuracy.total)
    assert seen == [5, 20]


def test_a_response_that_is_there_is_never_written_over(tmp_path: Path, model: Path, data_set: Path) -> None:
    (tmp_path / "request.json").write_text(json.dumps(request_for(model, data_set)))
    (tmp_path / "response.json").write_text("mine")
    done = subprocess.run(
        [*command(sys.executable), "run", str(tmp_path / "request.json")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "copy request.json into a new folder" in done.stderr
    assert (tmp_path / "response.json").read_text() == "mine"


def test_the_spot_check_is_the_same_with_and_without_an_accuracy_run(
    tmp_path: Path, model: Path, data_set: Path
) -> None:
    with_run = run_harness(tmp_path / "with", request_for(model, data_set, spot_check_images=16))
    without = run_harness(tmp_path / "without", request_for(model, data_set, accuracy=None, spot_check_images=16))
    more = run_harness(
        tmp_path / "more", request_for(model, data_set, accuracy={"samples": 4}, spot_check_images=10**6)
    )
    assert with_run.spot_check == without.spot_check is not None
    assert with_run.spot_check.images == 16
    assert more.spot_check is not None
    assert with_run.accuracy is not None
    assert more.spot_check.images == with_run.accuracy.total
    assert more.spot_check.predictions_sha256 == with_run.accuracy.predictions_sha256


@pytest.mark.parametrize(
    ("scenario", "batch_size"), [("Offline", 1), ("Offline", 3), ("MultiStream", 1), ("MultiStream", 8)]
)
def test_a_scenario_with_several_samples_a_query_answers_as_single_stream_does(
    tmp_path: Path, model: Path, data_set: Path, scenario: str, batch_size: int
) -> None:
    single = run_harness(tmp_path / "single", request_for(model, data_set, spot_check_images=7))
    runtime = {"batch_size": batch_size}
    performance = {"buffer_size": 8, "min_duration_ms": 50, "min_query_count": 700}
    request = request_for(
        model, data_set, scenario=scenario, runtime=runtime, spot_check_images=7, performance=performance
    )
    found = run_harness(tmp_path / "found", request)
    assert found.failure is None
    assert found.accuracy == single.accuracy
    assert found.spot_check == single.spot_check
    assert found.metrics["samples_per_second"].value > 0
    if scenario == "Offline":
        assert found.performance is None
        assert found.metrics["samples"].value >= 700
    else:
        assert found.performance is not None
        assert found.performance.query_count >= 700
        assert found.metrics["latency_early_stopping_p99_ns"].value >= found.performance.latency_p99_ns
    lines = (tmp_path / "found" / "performance" / "mlperf_log_detail.txt").read_text().splitlines()
    assert any(f'"effective_scenario", "value": "{scenario}"' in line for line in lines)


def test_batches_that_a_scenario_does_not_have_are_refused(tmp_path: Path, model: Path, data_set: Path) -> None:
    response = run_harness(tmp_path / "trial", request_for(model, data_set, runtime={"batch_size": 2}))
    assert failure(response) == (
        "bad_request",
        "runtime.batch_size: found 2, allowed in SingleStream: up to 1, the samples of a query",
    )


def test_energy_is_measured_or_refused_with_the_reason(tmp_path: Path, model: Path, data_set: Path) -> None:
    response = run_harness(tmp_path / "trial", request_for(model, data_set, energy=True))
    if (problem := EnergySensors().problem) is None:
        assert response.metrics["energy_per_query_j"].value > 0
        assert response.metrics["idle_power_w"].value > 0
    else:
        assert failure(response) == ("bad_request", f"energy: {problem}")
