import io

import numpy as np
import pytest

from dse.zoo.architecture import SIDES, network
from dse.zoo.catalogue import networks, weights_file
from dse.zoo.weights import Weights, load, save


@pytest.mark.parametrize("name", networks())
def test_saving_what_was_loaded_gives_the_same_bytes(name: str) -> None:
    shipped = weights_file(name).read_bytes()
    weights = load(io.BytesIO(shipped))
    buffer = io.BytesIO()
    save(buffer, weights)
    assert buffer.getvalue() == shipped
    assert weights.network.name == name
    assert set(weights.statistics) == set(weights.ranges) == set(SIDES)


def test_kernels_are_rounded_to_float16_and_vectors_are_not() -> None:
    third = np.full((2, 3), 1 / 3, np.float32)
    weights = Weights(
        network("small", 0.5, minimalistic=True),
        {"kernel": third, "bias": third[0]},
        {48: {"mean": third[0]}, 64: {"mean": third[1]}},
        {48: {"x": (-1.0, 2.0)}, 64: {"x": (-3.0, 4.0)}},
    )
    buffer = io.BytesIO()
    save(buffer, weights)
    loaded = load(io.BytesIO(buffer.getvalue()))
    assert (loaded.tensors["kernel"] == third.astype(np.float16)).all()
    assert (loaded.tensors["bias"] == third[0]).all()
    assert loaded.ranges[64] == {"x": (-3.0, 4.0)}
