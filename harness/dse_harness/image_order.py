"""The order in which images are taken where not all of them are: as a draw, so that a part stands for the rest."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


def random_order(total: int, data_set_sha256: str) -> NDArray[np.int64]:
    """A permutation of 0 to ``total`` - 1 that depends on the data set's content alone, ``[total]``.

    Every model, machine and version takes the same one, and the first of it are the same however many are taken.
    By a random key for each image, which SHAKE-256 gives: no library's generator, which a new version may change.
    """
    keys = hashlib.shake_256(f"dse image order 1 {data_set_sha256}".encode()).digest(8 * total)
    return np.argsort(np.frombuffer(keys, "<u8"), kind="stable")
