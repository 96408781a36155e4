"""Metrics, units, and constraints as people write them."""

from __future__ import annotations

import pytest
from dse_harness.protocol import Accuracy, MetricValue, ModelInfo, Performance, Response
from hypothesis import given
from hypothesis import strategies as st

from dse.core.metrics import METRICS, parse_constraint, parse_metric, values_of


@pytest.mark.parametrize(
    ("source", "name", "operator", "bound"),
    [
        ("accuracy >= 0.85", "accuracy", ">=", 0.85),
        ("accuracy>=85%", "accuracy", ">=", 0.85),
        (" latency_p90_ns <= 2.5 ms ", "latency_p90_ns", "<=", 2.5e6),
        ("latency_p99_ns <= 1e6", "latency_p99_ns", "<=", 1e6),
        ("latency_mean_ns <= 3us", "latency_mean_ns", "<=", 3e3),
        ("peak_memory_bytes <= 64 MiB", "peak_memory_bytes", "<=", 2**26),
        ("model_bytes <= 1000", "model_bytes", "<=", 1000),
    ],
)
def test_constraints_are_read_in_the_metrics_unit(source: str, name: str, operator: str, bound: float) -> None:
    constraint = parse_constraint(source)
    assert (constraint.metric.name, constraint.operator) == (name, operator)
    assert constraint.bound == pytest.approx(bound)


@pytest.mark.parametrize(
    ("source", "allowed"),
    [
        ("", "METRIC >= NUMBER"),
        ("accuracy", "METRIC >= NUMBER"),
        ("accuracy > 0.8", "METRIC >= NUMBER"),
        ("accuracy == 0.8", "METRIC >= NUMBER"),
        ("0.8 <= accuracy", "METRIC >= NUMBER"),
        ("accuracy >= nan", "METRIC >= NUMBER"),
        ("accuracy >= 0.8.5", "expected a number"),
        ("latency_p90_ns <= 1e999", "expected a number"),
        ("accuracy >= 85", "0 to 1"),
        ("accuracy >= 850%", "0 to 1"),
        ("accuracy >= 3 ms", "%"),
        ("latency_p90_ns <= 3 MiB", "ms, ns, s, us"),
        ("peak_memory_bytes <= 3 ms", "B, GiB, KiB, MiB"),
        ("speed <= 3", "accuracy, latency_p50_ns"),
    ],
)
def test_anything_else_is_refused_with_what_is_allowed(source: str, allowed: str) -> None:
    with pytest.raises(ValueError, match="found") as caught:
        parse_constraint(source)
    assert allowed in str(caught.value)


@given(st.sampled_from(sorted(METRICS)), st.sampled_from([">=", "<="]), st.floats(0, 1))
def test_what_a_constraint_shows_reads_back(name: str, operator: str, bound: float) -> None:
    scale = min(METRICS.get(name).units.most, 1e9)
    constraint = parse_constraint(f"{name} {operator} {bound * scale!r}")
    assert parse_constraint(str(constraint)) == constraint


@given(st.floats(0, 1), st.floats(0, 1))
def test_excess_is_positive_exactly_outside(bound: float, value: float) -> None:
    assert (parse_constraint(f"accuracy >= {bound!r}").excess(value) > 0) == (value < bound)
    assert (parse_constraint(f"accuracy <= {bound!r}").excess(value) > 0) == (value > bound)


def test_values_are_shown_in_units_for_people() -> None:
    shown = {name: METRICS.get(name).show(1234567) for name in METRICS}
    assert shown["latency_p90_ns"] == "1.235 ms"
    assert shown["model_bytes"] == "1.2 MiB"
    assert METRICS.get("accuracy").show(0.91254) == "91.25 %"


def test_an_unknown_metric_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"'speed', allowed: accuracy, .*model_bytes"):
        parse_metric("speed")


def test_every_metric_comes_out_of_a_full_response_and_none_of_an_empty_one() -> None:
    measured = ("latency_early_stopping_p99_ns", "ns"), ("samples_per_second", "1/s"), ("energy_per_query_j", "J")
    response = Response(
        metrics={name: MetricValue(1.0, unit) for name, unit in measured},
        performance=Performance(*range(1, 9), 9, 500, 10**9, True, True, True, True),
        accuracy=Accuracy(3, 4, ""),
        peak_memory_bytes=10,
        model_memory_bytes=9,
        model=ModelInfo((1, 8, 8, 3), "float32", "NHWC", (1, 10), "float32", False, 11),
    )
    assert set(values_of(response)) == set(METRICS)
    assert values_of(response)["latency_p90_ns"] == response.performance.latency_p90_ns  # type: ignore[union-attr]
    assert values_of(Response()) == {}
