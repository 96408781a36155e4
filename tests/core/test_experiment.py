"""An experiment's keys are what studies of every version know a measurement by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dse_harness.protocol import (
    AccuracySpec,
    DataSetSpec,
    PerformanceSpec,
    Preprocessing,
    Request,
    RuntimeSpec,
)

from dse.core.experiment import Experiment, Fidelity

_MODEL = "5873581a37483b663ce4a97e88dbe479abb6cb9c69c4c13eca43b9356bc18d9f"
_IMAGES = "dee0c02e96d8ef9f7a9f8b95ef9dd68ae2a348a1f1f3acbcd9c5f69456cef034"
_EXPERIMENT = Experiment(
    model={"sha256": _MODEL},
    data_set=_IMAGES,
    classes=10,
    preprocessing=Preprocessing(),
    runtime=RuntimeSpec(),
    engine_version="2.0.3",
    fidelity=Fidelity(0.33330000000000004, 128),
)
_REQUEST = Request(_MODEL, "a" * 64, DataSetSpec("sleep", "/data/sleep.npz", "b" * 64), "/cache")


@pytest.mark.parametrize(
    ("experiment", "accuracy_key", "key"),
    [
        (
            _EXPERIMENT,
            "abd19894b3eb11b8945302d7df69be96a1d31855c555b1c691f5171b54f7c696",
            "50e413c6f18d464d09e13edf4fc05a2f057be4d3dc01733879ceb3ab4d042fe3",
        ),
        (
            replace(
                _EXPERIMENT,
                runtime=RuntimeSpec("litert", 2, "builtin", (0, 1)),
                engine_version="2.1.0",
                buffer_size=64,
            ),
            "6a697d32ed3ca2254dac373286605c66cf2582c17bf12b670e9aa7b3b0a5785f",
            "aea0cdf27a8a3395fabddbb92a930339eade3dbced57cb4ef4ee91a1f7900037",
        ),
    ],
)
def test_the_keys_are_those_of_studies_that_were_measured_before_there_was_this_class(
    experiment: Experiment, accuracy_key: str, key: str
) -> None:
    assert experiment.accuracy_key() == accuracy_key
    assert experiment.key() == key


@pytest.mark.parametrize(
    ("change", "is_other_accuracy"),
    [
        ({"model": {"sha256": "f"}}, True),
        ({"data_set": "f"}, True),
        ({"classes": 11}, True),
        ({"preprocessing": Preprocessing(crop_percent=80)}, True),
        ({"engine_version": "2.0.4"}, True),
        ({"device": "pi"}, True),
        ({"runtime": RuntimeSpec(delegate="builtin")}, True),
        ({"runtime": RuntimeSpec(threads=2)}, False),
        ({"runtime": RuntimeSpec(cpu_affinity=(0,))}, False),
        ({"buffer_size": 2}, False),
        ({"fidelity": Fidelity(0.3333, 64)}, False),
        ({"fidelity": Fidelity(official=True)}, False),
        ({"fidelity": None}, False),
        ({"scenario": "Offline"}, False),
    ],
)
def test_another_content_is_another_experiment(change: dict[str, Any], is_other_accuracy: bool) -> None:
    other = replace(_EXPERIMENT, **change)
    assert other != _EXPERIMENT
    assert other.key() != _EXPERIMENT.key()
    assert (other.accuracy_key() != _EXPERIMENT.accuracy_key()) == is_other_accuracy


def test_a_request_asks_for_the_experiment_that_it_was_made_of() -> None:
    experiment = replace(_EXPERIMENT, fidelity=Fidelity(0.25, 100), buffer_size=500)
    request = experiment.request(
        model_path=Path("/models/m.tflite"),
        model_sha256=_MODEL,
        data_set=DataSetSpec("fashion_mnist", "/data/validation.npz", _IMAGES, classes=10),
        cache=Path("/cache"),
        accuracy=AccuracySpec(64),
        spot_check_images=8,
        image_order="random",
    )
    assert Experiment.of(request, "2.0.3") == experiment
    assert request.performance == PerformanceSpec(buffer_size=500, min_duration_ms=250, min_query_count=100)
    assert (request.accuracy, request.spot_check_images, request.image_order) == (AccuracySpec(64), 8, "random")


def test_a_run_that_may_end_earlier_measures_the_same_and_says_so_in_its_request() -> None:
    shorter = replace(_EXPERIMENT, fidelity=Fidelity(0.5, 100, least_duration_s=0.1))
    fixed = replace(_EXPERIMENT, fidelity=Fidelity(0.5, 100))
    assert shorter.key() == fixed.key()
    assert replace(shorter, fidelity=Fidelity(0.6, 100, least_duration_s=0.1)).key() != fixed.key()
    request = shorter.request(
        model_path=Path("/models/m.tflite"),
        model_sha256=_MODEL,
        data_set=DataSetSpec("fashion_mnist", "/data/validation.npz", _IMAGES, classes=10),
        cache=Path("/cache"),
    )
    assert request.performance == PerformanceSpec(
        buffer_size=_EXPERIMENT.buffer_size, min_duration_ms=500, min_query_count=100, least_duration_ms=100
    )
    assert Experiment.of(request).fidelity == shorter.fidelity


@pytest.mark.parametrize(
    "change",
    [
        {"image_order": "random"},
        {"accuracy": AccuracySpec(10)},
        {"model_path": "/elsewhere/m.tflite"},
        {"cache_dir": "/other"},
        {"data_set": DataSetSpec("renamed", "/moved.npz", "b" * 64)},
    ],
)
def test_where_files_lie_and_which_images_come_first_make_no_other_experiment(change: dict[str, Any]) -> None:
    assert Experiment.of(replace(_REQUEST, **change)) == Experiment.of(_REQUEST)


@pytest.mark.parametrize(
    "change",
    [
        {"model_sha256": "f" * 64},
        {"runtime": RuntimeSpec(threads=2)},
        {"data_set": DataSetSpec("sleep", "/data/sleep.npz", "c" * 64)},
        {"performance": PerformanceSpec(buffer_size=3)},
        {"performance": PerformanceSpec(user_conf="../user.conf")},
        {"performance": None},
    ],
)
def test_another_request_is_another_experiment(change: dict[str, Any]) -> None:
    other = Experiment.of(replace(_REQUEST, **change))
    assert other != Experiment.of(_REQUEST)
    assert other.key() != Experiment.of(_REQUEST).key()
