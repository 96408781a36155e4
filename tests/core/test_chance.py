"""What is no better than a guess, and what is too few images to say so."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from dse_harness.protocol import Accuracy, Failure, ModelInfo, Response

from dse.core.chance import as_good_by_chance, no_better_than_chance
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement


def _measured(good: int, total: int, outputs: int = 1001, *, background: bool = True) -> Measurement:
    model = ModelInfo((1, 8, 8, 3), "float32", "NHWC", (1, outputs), "float32", background, 100)
    accuracy = Accuracy(good, total, "")
    return Measurement(0, Configuration(), "", Response(accuracy=accuracy, model=model), accuracy, 0)


@pytest.mark.parametrize(
    ("good", "total", "outputs", "guessed"),
    [
        (0, 500, 1001, True),
        (2, 500, 1001, True),
        (50, 50_000, 1001, True),
        (90, 500, 1001, False),  # another normalisation: 18 % instead of 50
        (90, 50_000, 1001, False),
        (0, 49, 1001, False),  # too few to say
        (1000, 10_000, 10, True),
        (1100, 10_000, 10, False),
        (500, 10_000, 10, True),  # worse than a guess
        (52, 100, 2, True),
        (70, 100, 2, False),
    ],
)
def test_what_a_guess_does_as_well_is_told(good: int, total: int, outputs: int, guessed: bool) -> None:
    sentence = no_better_than_chance(_measured(good, total, outputs, background=outputs == 1001))
    assert (sentence is not None) == guessed
    if sentence:
        classes = 1000 if outputs == 1001 else outputs
        assert sentence.startswith(
            f"{good} of {total} images are right, which is no better than a guess among {classes}"
        )


def test_the_probability_is_that_of_guessing() -> None:
    chance = random.Random(1)
    guesses = [sum(chance.random() < 0.25 for _ in range(40)) for _ in range(4000)]
    for good in (0, 5, 10, 14, 18):
        share = sum(guess >= good for guess in guesses) / len(guesses)
        assert as_good_by_chance(good, 40, 4) == pytest.approx(share, abs=0.03)
    assert as_good_by_chance(40_000, 50_000, 1000) == 0


def test_a_trial_without_an_accuracy_or_a_model_is_no_guess() -> None:
    measured = _measured(0, 500)
    assert no_better_than_chance(replace(measured, accuracy=None)) is None
    assert no_better_than_chance(replace(measured, response=replace(measured.response, model=None))) is None
    failed = replace(measured.response, failure=Failure("crashed", "x"))
    assert no_better_than_chance(replace(measured, response=failed)) is None
