"""In float32 every engine answers as LiteRT does: of 2,000 images at most 5 differ.

`benchmarks/engines.py` shows it for all networks.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from dse_harness.engines import ENGINES

from benchmarks.engines import Predictions, Variant, predictions, ways
from tests.thorough import most_thorough

IMAGES = 2000
MOST = 5

NETWORKS: list[Variant] = [
    {"family": "small", "form": "minimalistic", "width": 0.35, "side": 48, "hard_swish": None},
    {"family": "small", "form": "full", "width": 0.35, "side": 48, "hard_swish": "operator"},
    {"family": "large", "form": "full", "width": 0.35, "side": 64, "hard_swish": "decomposed"},
]


@cache
def by_litert(network: int) -> Predictions:
    return predictions("litert", "xnnpack", {**NETWORKS[network], "precision": "float32"}, IMAGES)


@pytest.mark.parametrize("network", most_thorough(range(3), lambda n: n < 2, "a third network, and the slowest"))
@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "litert"])
def test_float32_predictions_are_those_of_litert(engine: str, network: int) -> None:
    if engine not in (here := dict(ways())):
        pytest.skip("tflite-runtime needs NumPy 1 and Python 3.11 or older" if engine == "tflite-runtime" else engine)
    found = predictions(engine, here[engine], {**NETWORKS[network], "precision": "float32"}, IMAGES)
    assert len(found) == IMAGES
    assert len(np.unique(found)) == 10
    assert int((found != by_litert(network)).sum()) <= MOST
