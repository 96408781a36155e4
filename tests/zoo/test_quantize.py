import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dse.zoo.flatbuffer import Quantization
from dse.zoo.quantize import activation_quantization, quantized_bias, quantized_weights

_REALS = st.floats(min_value=-1000, max_value=1000, width=32)


@given(_REALS, _REALS, st.floats(min_value=0, max_value=1))
def test_an_activation_in_range_comes_back_within_half_a_step(a: float, b: float, position: float) -> None:
    low, high = min(a, b, 0.0), max(a, b, 0.0)
    quantization = activation_quantization(min(a, b), max(a, b))
    scale, zero_point = float(quantization.scale[0]), int(quantization.zero_point[0])
    value = low + position * (high - low)
    stored = np.clip(round(value / scale) + zero_point, -128, 127)
    assert -128 <= zero_point <= 127
    # Half a step for the value, half for the zero point, which moves the ends of the range.
    assert abs((stored - zero_point) * scale - value) <= scale * 1.001


@given(
    arrays(np.float32, (3, 2, 2, 4), elements=_REALS),
    st.sampled_from([None, 0, 3]),
    st.sampled_from([8, 4]),
)
def test_a_weight_comes_back_within_half_a_step(weights: np.ndarray, axis: int | None, bits: int) -> None:
    stored, quantization = quantized_weights(weights, axis, bits)
    shape = [1] * weights.ndim
    if axis is not None:
        shape[axis] = -1
    scale = quantization.scale.reshape(shape)
    assert np.abs(stored).max() <= 2 ** (bits - 1) - 1
    assert (np.abs(stored * scale - weights) <= scale * 0.5001).all()
    assert quantization.scale.size == (1 if axis is None else weights.shape[axis])
    assert not quantization.zero_point.any()


def test_a_bias_is_stored_in_units_of_the_accumulator() -> None:
    source = Quantization(np.array([0.5], np.float32), np.array([3]))
    weights = Quantization(np.array([0.25, 0.125], np.float32), np.zeros(2, np.int64))
    stored, quantization = quantized_bias(np.array([1.0, -1.0], np.float32), source, weights)
    assert stored.tolist() == [8, -16]
    assert quantization.scale.tolist() == [0.125, 0.0625]
