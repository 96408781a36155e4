"""A validated point and a good tree, made from the recorded logs of real LoadGen runs."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import shutil
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import flatbuffers
import pytest

from dse.files import sha256_file
from dse.submission.fields import SYSTEM_FIELDS
from dse.submission.point import ModelOrigin, ValidatedPoint, write_point
from dse.submission.rounds import ROUNDS, SCENARIOS, Scenario
from dse.submission.tree import Submission, write_tree
from harness.protocol import (
    Accuracy,
    AccuracySpec,
    DataSetSpec,
    Evidence,
    Performance,
    PerformanceSpec,
    Request,
    Response,
    write,
)

RECORDED = Path(__file__).parent / "recorded"
LOADGEN = {"v5.1": "5.1.2", "v6.0": "6.0.15", "v6.1": "6.0.17"}

MakePoint = Callable[..., ValidatedPoint]
MakeTree = Callable[..., Path]


def tflite(input_type: int = 9, weight_type: int = 9) -> bytes:
    """The smallest .tflite that has an input and a weight: one graph, two tensors, two buffers."""
    builder = flatbuffers.Builder(0)

    def vector(offsets: list[int]) -> int:
        builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            builder.PrependUOffsetTRelative(offset)
        return int(builder.EndVector())

    def integers(values: list[int]) -> int:
        builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            builder.PrependInt32(value)
        return int(builder.EndVector())

    data = builder.CreateByteVector(bytes(64))
    builder.StartObject(1)
    empty = builder.EndObject()
    builder.StartObject(1)
    builder.PrependUOffsetTRelativeSlot(0, data, 0)
    buffers = vector([empty, builder.EndObject()])
    tensors = []
    for kind, buffer, shape in ((input_type, 0, integers([1, 28, 28, 3])), (weight_type, 1, integers([8, 8]))):
        builder.StartObject(3)
        builder.PrependUOffsetTRelativeSlot(0, shape, 0)
        builder.PrependInt8Slot(1, kind, 0)
        builder.PrependUint32Slot(2, buffer, 0)
        tensors.append(builder.EndObject())
    tensor_vector, inputs = vector(tensors), integers([0])
    builder.StartObject(2)
    builder.PrependUOffsetTRelativeSlot(0, tensor_vector, 0)
    builder.PrependUOffsetTRelativeSlot(1, inputs, 0)
    graphs = vector([builder.EndObject()])
    builder.StartObject(5)
    builder.PrependUint32Slot(0, 3, 0)
    builder.PrependUOffsetTRelativeSlot(2, graphs, 0)
    builder.PrependUOffsetTRelativeSlot(4, buffers, 0)
    builder.Finish(builder.EndObject(), file_identifier=b"TFL3")
    return bytes(builder.Output())


def requests(model: Path, data_set: DataSetSpec) -> tuple[Request, Request]:
    performance = Request(
        model_path=str(model),
        model_sha256=sha256_file(model),
        data_set=data_set,
        cache_dir="/tmp/cache",
        performance=PerformanceSpec(user_conf="../user.conf"),
    )
    return performance, dataclasses.replace(
        performance, performance=None, accuracy=AccuracySpec(user_conf="../user.conf")
    )


def response(request: Request, round_name: str) -> Response:
    """What a harness would say of the recorded runs."""
    evidence = Evidence(
        model_sha256=request.model_sha256,
        data_set_sha256=request.data_set.sha256,
        preprocessing_sha256="b" * 64,
        runtime="litert",
        runtime_version="2.3.0",
        delegate="xnnpack",
        loadgen_version=f"{LOADGEN[round_name]} @ d6147c7eb7",
    )
    versions = {"numpy": "2.4.6", "python": "3.11.7"}
    if request.performance is None:
        return Response(accuracy=Accuracy(627, 1200, "c" * 64), evidence=evidence, versions=versions)
    performance = Performance(
        latency_min_ns=10_056_269,
        latency_mean_ns=10_308_355,
        latency_p50_ns=10_187_866,
        latency_p90_ns=10_279_422,
        latency_p95_ns=10_356_797,
        latency_p99_ns=13_847_233,
        latency_p999_ns=17_028_448,
        latency_max_ns=101_790_940,
        early_stopping_p90_ns=10_282_726,
        query_count=58_121,
        duration_ns=600_000_000_000,
        valid=True,
        min_duration_met=True,
        min_queries_met=True,
        early_stopping_met=True,
    )
    return Response(performance=performance, peak_memory_bytes=40_000_000, evidence=evidence, versions=versions)


def copy_logs(round_name: str, run: str, target: Path) -> None:
    shutil.copytree(RECORDED / round_name / run, target)
    compressed = target / "mlperf_log_accuracy.json.gz"
    if compressed.exists():
        (target / "mlperf_log_accuracy.json").write_bytes(gzip.decompress(compressed.read_bytes()))
        compressed.unlink()


def write_good_point(
    root: Path, trial: int = 7, name: str = "tiny-int8-t1", round_name: str = "v6.1", rehearsal: bool = False
) -> ValidatedPoint:
    folder = root / "study" / "validation" / str(trial)
    model = root / f"{name}.tflite"
    model.write_bytes(tflite())
    data_set = DataSetSpec("sleep", "/data/sleep.npz", hashlib.sha256(b"sleep").hexdigest())
    for run, request in zip(("performance", "accuracy"), requests(model, data_set), strict=True):
        (folder / run).mkdir(parents=True)
        write(request, folder / run / "request.json")
        write(response(request, round_name), folder / run / "response.json")
        copy_logs(round_name, run, folder / run / run)
    shutil.copy(RECORDED / round_name / "user.conf", folder)
    return write_point(
        folder,
        trial=trial,
        name=name,
        configuration={"width": 0.5, "threads": 1},
        origin=ModelOrigin("https://example.org/weights.tgz"),
        round_name=round_name,
        rehearsal=rehearsal,
    )


@pytest.fixture
def make_point(tmp_path: Path) -> MakePoint:
    """A function that validates a point below ``tmp_path / "study"`` with recorded logs."""
    return partial(write_good_point, tmp_path)


def system_description() -> dict[str, str]:
    values = dict.fromkeys(SYSTEM_FIELDS, "-")
    return values | {"status": "available", "system_type": "edge", "number_of_nodes": "1", "accelerators_per_node": "0"}


@pytest.fixture
def system() -> dict[str, str]:
    return system_description()


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """One submission per round and scenarios, written once."""

    @cache
    def write_once(round_name: str, scenarios: tuple[Scenario, ...]) -> Path:
        root = tmp_path_factory.mktemp(round_name)
        points = [write_good_point(root, round_name=round_name)]
        submission = Submission("Example", "board", system_description(), ROUNDS[round_name], points, scenarios)
        write_tree(submission, root / "submission", allow=["data-set-size"])
        return root / "submission"

    return write_once


@pytest.fixture
def make_tree(tmp_path: Path, written: Callable[..., Path]) -> MakeTree:
    """A function that writes a tree good in everything but the data set's size, and returns its `tree` folder."""

    def make(round_name: str = "v6.1", scenarios: tuple[Scenario, ...] = SCENARIOS) -> Path:
        shutil.copytree(written(round_name, scenarios), tmp_path / "submission")
        return tmp_path / "submission" / "tree"

    return make
