"""What validated points are made of: the recorded logs of real LoadGen runs, and what a harness says of them."""

from __future__ import annotations

import dataclasses
import gzip
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import flatbuffers
import numpy as np
from dse_harness import loadgen
from dse_harness.protocol import (
    Accuracy,
    AccuracySpec,
    DataSetSpec,
    Evidence,
    PerformanceSpec,
    Request,
    Response,
    write,
)
from dse_harness.scenarios import scenario_of

from dse.core.configuration import Configuration
from dse.core.origin import ModelOrigin
from dse.files import sha256_file
from dse.study.record import TrialRecord
from dse.submission.fields import SYSTEM_FIELDS
from dse.submission.point import ValidatedPoint, write_point

RECORDED = Path(__file__).parent / "recorded"

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


def sleep_data(root: Path) -> DataSetSpec:
    """The data set of the recorded runs: 1,200 images of no content, whose classes are their numbers modulo 10."""
    path = root / "sleep.npz"
    if not path.exists():
        np.savez(path, images=np.zeros((1200, 2, 2), np.uint8), labels=np.arange(1200) % 10)
    return DataSetSpec("sleep", str(path), sha256_file(path))


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


PREDICTIONS = "b0907ecab3a5c9f3d84bc51e369545502fc253a819ff60b24e9db82fc9ea1916"


@cache
def recorded(round_name: str, run: str) -> loadgen.Log:
    return loadgen.read_log(RECORDED / round_name / run)


def recorded_response(request: Request, round_name: str) -> Response:
    """What a harness would say of the recorded runs."""
    run = "accuracy" if request.performance is None else "performance"
    evidence = Evidence(
        model_sha256=request.model_sha256,
        data_set_sha256=request.data_set.sha256,
        preprocessing_sha256="b" * 64,
        runtime="litert",
        runtime_version="2.3.0",
        delegate="xnnpack",
        loadgen_version=recorded(round_name, run).version,
    )
    versions = {"numpy": "2.4.6", "python": "3.11.7"}
    if request.performance is None:
        return Response(accuracy=Accuracy(627, 1200, PREDICTIONS), evidence=evidence, versions=versions)
    performance = recorded(round_name, run).performance(scenario_of("SingleStream"))
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
    data_set = sleep_data(root)
    for run, request in zip(("performance", "accuracy"), requests(model, data_set), strict=True):
        (folder / run).mkdir(parents=True)
        write(request, folder / run / "request.json")
        write(recorded_response(request, round_name), folder / run / "response.json")
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


def system_description() -> dict[str, str]:
    values = dict.fromkeys(SYSTEM_FIELDS, "-")
    return values | {"status": "available", "system_type": "edge", "number_of_nodes": "1", "accelerators_per_node": "0"}


def explored(study: Path, trial: int) -> None:
    """A measured trial of the study: the model and the request of `make_point`."""
    (study.parent / "tiny-int8-t1.tflite").write_bytes(tflite())
    request, _ = requests(study.parent / "tiny-int8-t1.tflite", sleep_data(study.parent))
    folder = study / "trials" / str(trial)
    TrialRecord(trial, Configuration({"threads": 1}), f"{trial}", "accuracy", trial).write(folder)
    write(request, folder / "request.json")
    measured = recorded_response(request, "v6.1")
    write(dataclasses.replace(measured, accuracy=Accuracy(627, 1200, "c" * 64)), folder / "response.json")


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str
