"""The surrogate's beliefs: exact where it was told, unsure where it was not, additive when the world is."""

from __future__ import annotations

import numpy as np
import pytest

from dse.core.configuration import Configuration
from dse.core.tree import Level, Parameter, ParameterTree
from dse.samplers.encoding import Encoder
from dse.samplers.gaussian import GaussianProcess, invert_lower
from dse.samplers.kernel import Coded, Kernel

TREE = ParameterTree(
    (
        Parameter("family", (Level("small", (Parameter("form", (Level("a"), Level("b"))),)), Level("large"))),
        Parameter("threads", tuple(Level(n) for n in (1, 2, 4, 8))),
        Parameter("side", tuple(Level(n) for n in (48, 64, 80))),
    )
)


def test_numbers_are_scaled_words_are_codes_and_absent_is_nan() -> None:
    encoder = Encoder(TREE)
    cells = encoder.encode(
        [
            Configuration({"family": "large", "threads": 1, "side": 64}),
            Configuration({"family": "small", "form": "b", "threads": 2, "side": 80}),
        ]
    )
    assert encoder.is_number == (False, False, True, True)
    assert np.isnan(cells[0, 1])
    assert cells[1, 1] == 1
    assert cells[:, 2] == pytest.approx([0, 1 / 3])  # by ratio: 1, 2, 4, 8
    assert cells[:, 3] == pytest.approx([0.5, 1])  # by difference: 48, 64, 80


def test_it_knows_what_it_was_told_and_is_unsure_elsewhere() -> None:
    encoder = Encoder(TREE)
    everything = encoder.encode(list(TREE.configurations()))
    values = np.nan_to_num(everything, nan=0.7) @ np.array([1.0, 0.5, -2.0, 1.5])
    seen = np.arange(0, len(values), 2)
    mean, sd = GaussianProcess(encoder.is_number, everything[seen], values[seen]).predict(everything)
    assert mean[seen] == pytest.approx(values[seen], abs=0.1)
    rest = np.setdiff1d(np.arange(len(values)), seen)
    assert np.abs(mean[rest] - values[rest]).mean() < 0.2 * values.std()
    assert sd[rest].mean() > sd[seen].mean()


def test_errors_of_known_figures_are_not_what_is_unknown_of_others() -> None:
    """They move what is predicted; repeats make them smaller, not a look at what is beside them."""
    encoder = Encoder(TREE)
    everything = encoder.encode(list(TREE.configurations()))
    known, values = everything[::2], np.nan_to_num(everything[::2], nan=0.7).sum(axis=1)
    errors = np.linspace(0.0, 1.0, len(known))
    exact = GaussianProcess(encoder.is_number, known, values)
    unsure = GaussianProcess(encoder.is_number, known, values, exact.scales, errors)
    assert unsure.predict(everything)[1] == pytest.approx(exact.predict(everything)[1])
    assert unsure.predict(everything)[0] != pytest.approx(exact.predict(everything)[0])


def test_errors_beyond_all_values_are_no_problem() -> None:
    encoder = Encoder(TREE)
    everything = encoder.encode(list(TREE.configurations()))
    values, errors = np.arange(5.0), np.array([0.0, 1e12, 1e12, 0.0, 1e12])
    mean, sd = GaussianProcess(encoder.is_number, everything[:5], values, errors=errors).predict(everything)
    assert np.isfinite(mean).all()
    assert np.isfinite(sd).all()


def test_whatever_the_lengths_are_it_is_a_covariance() -> None:
    """A number that some configurations do not have is no exception."""
    rows = np.array([[0.0], [0.25], [0.5], [1.0], [np.nan]])
    known = Coded((True,), rows)
    for length in (-8.0, 0.0, 4.0, 8.0):
        scales = np.array([length, -20.0, 0.0, 0.0, -20.0])
        assert np.linalg.eigvalsh(Kernel(scales, known, known).rows()).min() > -1e-9


def test_equal_values_are_no_problem() -> None:
    encoder = Encoder(TREE)
    everything = encoder.encode(list(TREE.configurations()))
    mean, sd = GaussianProcess(encoder.is_number, everything[:5], np.full(5, 3.0)).predict(everything)
    assert mean == pytest.approx(np.full(len(everything), 3.0), abs=1e-3)
    assert np.isfinite(sd).all()


@pytest.mark.parametrize("size", [1, 31, 33, 64, 150])
def test_a_triangle_is_inverted_as_any_matrix(size: int) -> None:
    rng = np.random.default_rng(size)
    factor = np.tril(rng.standard_normal((size, size))) / size + np.eye(size)
    assert invert_lower(factor) @ factor == pytest.approx(np.eye(size))


def _noisy(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, Encoder]:
    """Everything encoded, what is true there, what was measured, and how far each of it may be off."""
    encoder, rng = Encoder(TREE), np.random.default_rng(seed)
    everything = encoder.encode(list(TREE.configurations()))
    truth = np.nan_to_num(everything, nan=0.7) @ np.array([0.3, 0.2, -2.0, 1.5])
    errors = rng.choice([0.01, 0.6], len(truth))
    return everything, truth, truth + errors * rng.standard_normal(len(truth)), errors, encoder


def test_what_is_known_badly_counts_less_and_is_drawn_to_what_the_others_say() -> None:
    gained = []
    for seed in range(5):
        everything, truth, values, errors, encoder = _noisy(seed)
        process = GaussianProcess(encoder.is_number, everything, values, errors=errors)
        mean, sd = process.own()
        blind, _ = GaussianProcess(encoder.is_number, everything, values).predict(everything)
        assert (sd <= errors + 1e-9).all()
        assert mean[errors < 0.1] == pytest.approx(values[errors < 0.1], abs=0.03)
        unsure = errors > 0.1
        assert np.abs(mean - truth)[unsure].mean() < 0.7 * np.abs(values - truth)[unsure].mean()
        gained.append(np.abs(blind - truth).mean() / np.abs(process.predict(everything)[0] - truth).mean())
    assert np.mean(gained) > 1.3


def test_draws_have_the_mean_and_the_spread_that_are_told() -> None:
    everything, _, values, errors, encoder = _noisy(7)
    process = GaussianProcess(encoder.is_number, everything, values, errors=errors)
    mean, sd = process.own()
    some = np.array([0, 3, 8])
    draws = process.own_draws(some, np.random.default_rng(0).standard_normal((4000, 3)))
    assert draws.mean(axis=0) == pytest.approx(mean[some], abs=0.05 * errors.max())
    assert draws.std(axis=0) == pytest.approx(sd[some], rel=0.05)


def test_without_errors_it_is_what_was_told() -> None:
    everything, _, values, _, encoder = _noisy(1)
    process = GaussianProcess(encoder.is_number, everything, values, errors=np.zeros(len(values)))
    assert process.own()[0] == pytest.approx(values)
    assert (process.own()[1] == 0).all()
    assert process.own_draws(np.arange(3), np.ones((2, 3))) == pytest.approx(np.tile(values[:3], (2, 1)))
