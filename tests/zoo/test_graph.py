import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.zoo.catalogue import networks, weights_file
from dse.zoo.graph import (
    OUTPUT,
    Arithmetic,
    HardSwish,
    Op,
    complete_ranges,
    decompose_hard_swish,
    fold,
)
from dse.zoo.weights import load


@pytest.mark.parametrize("name", networks())
def test_every_operator_reads_what_an_earlier_one_wrote(name: str) -> None:
    with weights_file(name).open("rb") as file:
        weights = load(file)
    for ops in (fold(weights, 64), decompose_hard_swish(fold(weights, 64))):
        known = {"image"}
        for op in ops:
            sources = {op.input} | ({op.other} if isinstance(op, Arithmetic) and isinstance(op.other, str) else set())
            assert sources <= known
            assert op.output not in known
            known.add(op.output)
        assert ops[-1].output == OUTPUT
        assert known - {"image"} == set(complete_ranges(ops, weights.ranges[64]))
    assert any(isinstance(op, HardSwish) for op in fold(weights, 64)) is not weights.network.minimalistic
    assert not any(isinstance(op, HardSwish) for op in decompose_hard_swish(fold(weights, 64)))


@given(st.floats(min_value=-50, max_value=50), st.floats(min_value=-50, max_value=50))
def test_decomposed_hard_swish_is_hard_swish_and_its_ranges_are_exact(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    ops = decompose_hard_swish([HardSwish("y", "x")])
    ranges = complete_ranges(ops, {"x": (low, high), "y": (0.0, 0.0)})
    ends = [_evaluated(ops, value) for value in (low, high)]
    for value, end in zip((low, high), ends, strict=True):
        assert end["y"] == pytest.approx(value * np.clip(value + 3, 0, 6) / 6)
    for name in ("y.gate", "y.gate_scaled"):
        assert ranges[name] == pytest.approx((ends[0][name], ends[1][name]))


def _evaluated(ops: list[Op], value: float) -> dict[str, float]:
    values = {"x": value}
    for op in ops:
        assert isinstance(op, Arithmetic)
        other = values[op.other] if isinstance(op.other, str) else op.other
        result = values[op.input] + other if op.kind == "ADD" else values[op.input] * other
        values[op.output] = min(max(result, 0.0), 6.0) if op.activation == "relu6" else result
    return values
