"""Whether a model answers no better than a guess would: a sign that it gets other inputs than it was trained for."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache

from dse.core.measurement import Measurement

_LEAST_IMAGES = 50
"""With fewer images a good model may look like a guess."""
_SURE = 0.01
"""A guess does as well as this, or better, in so many cases at least."""

ADVICE = (
    "check the order of the classes in the label list, the normalisation (mean and scale in preprocessing, "
    "which a model may have of its own) and whether the model has a background class"
)


ADVICE_WHERE_OTHERS_DO = (
    "other configurations of the same model answer better: what sets this one apart, such as its precision or its "
    "engine, does not suit the model"
)


def no_better_than_chance(measured: Measurement) -> str | None:
    """A sentence, with the counts, where the accuracy of a trial is no better than a guess; None where it is."""
    accuracy, model = measured.accuracy, measured.response.model
    if measured.failed or accuracy is None or model is None or accuracy.total < _LEAST_IMAGES or not model.output_shape:
        return None
    classes = model.output_shape[-1] - model.background_class
    if classes < 2 or as_good_by_chance(accuracy.good, accuracy.total, classes) < _SURE:
        return None
    return (
        f"{accuracy.good} of {accuracy.total} images are right, which is no better than a guess among {classes} classes"
    )


@lru_cache(2**12)
def as_good_by_chance(good: int, total: int, classes: int) -> float:
    """The probability that a guess among ``classes`` is right ``good`` times of ``total`` or more: binomial."""
    mean = total / classes
    if good > mean + 10 * math.sqrt(mean) + 10:
        return 0.0
    worse = math.fsum(_probability(k, total, 1 / classes) for k in range(good))
    return max(0.0, 1.0 - worse)


def _probability(k: int, n: int, p: float) -> float:
    ways = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(ways + k * math.log(p) + (n - k) * math.log1p(-p))


def guesses(measurements: Iterable[Measurement]) -> str | None:
    """A sentence on the models of ``measurements`` that answer no better than chance, and what to check."""
    found: dict[int | None, tuple[Measurement, str]] = {}
    better = set()
    for measured in measurements:
        if sentence := no_better_than_chance(measured):
            found.setdefault(measured.accuracy_from, (measured, sentence))
        elif measured.accuracy is not None:
            better.add(measured.configuration.get("model"))
    if not found:
        return None
    # one whose inputs may be wrong comes before one whose precision is
    measured, sentence = min(found.values(), key=lambda each: each[0].configuration.get("model") in better)
    advice = ADVICE_WHERE_OTHERS_DO if measured.configuration.get("model") in better else ADVICE
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"no better than chance: trial {measured.trial}: {sentence}{more}; {advice}"
