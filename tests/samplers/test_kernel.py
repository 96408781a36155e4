"""The covariance of levels against its formula, and predictions against those of the whole matrix."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dse.samplers.encoding import Array, Encoder
from dse.samplers.gaussian import GaussianProcess
from dse.samplers.kernel import Coded, Kernel, prior_variance
from tests.samplers.test_gaussian import TREE

ENCODER = Encoder(TREE)
EVERYTHING = ENCODER.encode(list(TREE.configurations()))
SCALES = np.log([0.5, 2.0, 0.7, 1.5, 0.9, 0.4, 0.6, 0.01])


def _alike(one: Array, other: Array) -> float:
    """The formula of the kernel, one parameter after the other."""
    linear, additive, product, _ = np.exp(SCALES[-4:])
    straight, alone = 0.0, []
    for a, b, is_number, length in zip(one, other, ENCODER.is_number, np.exp(SCALES[:-4]), strict=True):
        if math.isnan(a) or math.isnan(b):
            apart = float(math.isnan(a) != math.isnan(b))
        elif is_number:
            apart = (a - b) ** 2
            straight += (a - 0.5) * (b - 0.5)
        else:
            apart = float(a != b)
        alone.append(math.exp(-apart / length))
    return float(linear * straight + additive * np.mean(alone) + product * np.prod(alone) + 1.0)


@pytest.mark.parametrize("together", [1, 4, 128])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_it_is_the_formula(dtype: type[np.floating], together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dse.samplers.kernel._MOST_TOGETHER", together)
    expected = np.array([[_alike(one, other) for other in EVERYTHING[:9]] for one in EVERYTHING])
    left, right = Coded(ENCODER.is_number, EVERYTHING), Coded(ENCODER.is_number, EVERYTHING[:9])
    kernel = Kernel(SCALES, left, right, dtype)
    assert kernel.rows() == pytest.approx(expected, rel=1e-5)
    assert kernel.rows(slice(3, 8)) == pytest.approx(expected[3:8], rel=1e-5)
    some = left.take([7, 2, 5])
    assert Kernel(SCALES, some, right, dtype).rows() == pytest.approx(expected[[7, 2, 5]], rel=1e-5)
    assert prior_variance(SCALES, some) == pytest.approx(prior_variance(SCALES, left)[[7, 2, 5]])
    assert prior_variance(SCALES, left) == pytest.approx([_alike(one, one) for one in EVERYTHING])


def test_predictions_in_single_precision_are_those_of_the_whole_matrix() -> None:
    rng = np.random.default_rng(0)
    values = np.nan_to_num(EVERYTHING, nan=0.3) @ rng.random(4) + 0.1 * rng.standard_normal(len(EVERYTHING))
    seen = np.arange(0, len(values), 3)
    targets = (values[seen] - values[seen].mean()) / values[seen].std()
    whole = np.array([[_alike(one, other) for other in EVERYTHING[seen]] for one in EVERYTHING])
    noisy = whole[seen] + (math.exp(SCALES[-1]) + 1e-8) * np.eye(len(seen))
    mean = values[seen].mean() + values[seen].std() * whole @ np.linalg.solve(noisy, targets)
    variance = [_alike(one, one) for one in EVERYTHING] - (whole * np.linalg.solve(noisy, whole.T).T).sum(axis=1)
    process = GaussianProcess(ENCODER.is_number, EVERYTHING[seen], values[seen], SCALES)
    found = process.predict(EVERYTHING)
    assert found[0] == pytest.approx(mean, abs=1e-4 * values.std())
    assert found[1] == pytest.approx(values[seen].std() * np.sqrt(variance), abs=1e-3 * values.std())
