"""What `benchmarks/simulated.py` answers in place of a machine."""

from __future__ import annotations

import random

import numpy as np
import pytest
from dse_harness.answers import unpack
from dse_harness.protocol import AccuracySpec, DataSetSpec, PerformanceSpec, Request

from benchmarks.simulated import START_S, Machine
from dse.core.accuracies import is_part_of_list
from dse.core.configuration import Configuration

VARIANT = Configuration({"width": 0.5})
IMAGES = 200


def machine(noise: float = 0.0, data_set_images: int = IMAGES) -> Machine:
    right = np.random.default_rng(0).random(IMAGES) < 0.8
    figures = {VARIANT: {"latency_p90_ns": 2e6, "model_memory_bytes": 1e7}}
    return Machine(figures, {VARIANT: right}, noise, data_set_images, random.Random(0))


def request(**changes: object) -> Request:
    return Request(
        "model", "0" * 64, DataSetSpec("images", "images.npz", "1" * 64), "cache", image_order="random", **changes
    )


@pytest.mark.parametrize(("images", "order"), [(64, "random"), (IMAGES, "list")])
def test_an_accuracy_is_counted_on_the_images_that_the_model_saw(images: int, order: str) -> None:
    told = machine()
    accuracy = told.answer(VARIANT, request(accuracy=AccuracySpec(images))).accuracy
    assert accuracy
    assert accuracy.problem() is None
    assert (accuracy.good, accuracy.total) == (int(told.right[VARIANT][:images].sum()), images)
    assert accuracy.image_order == order
    assert accuracy.answers
    assert unpack(accuracy.answers, images).tolist() == told.right[VARIANT][:images].tolist()


def test_all_images_of_a_table_are_a_part_of_a_larger_data_set() -> None:
    accuracy = machine(data_set_images=1000).answer(VARIANT, request(accuracy=AccuracySpec(IMAGES))).accuracy
    assert accuracy
    assert (accuracy.image_order, accuracy.total, accuracy.data_set_images) == ("random", IMAGES, 1000)
    assert not is_part_of_list(accuracy, 1000)  # else a session would count it again with each repeat


def test_a_run_takes_what_it_asks_for() -> None:
    asked = request(accuracy=AccuracySpec(100), performance=PerformanceSpec(64, 500, least_duration_ms=100))
    timing_s = machine().answer(VARIANT, asked).timing_s
    assert timing_s["performance"] == pytest.approx(0.2)  # 100 queries of 2 ms
    assert timing_s["accuracy"] == pytest.approx(0.2)
    assert timing_s["total"] == pytest.approx(START_S + 0.4)


def test_latencies_scatter_as_much_as_is_said() -> None:
    told = machine(noise=0.05)
    found = [told.answer(VARIANT, request()).performance.latency_p90_ns for _ in range(400)]
    assert np.std(np.log(found)) == pytest.approx(0.05, rel=0.15)
    assert np.median(found) == pytest.approx(2e6, rel=0.02)
