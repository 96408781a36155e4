"""Which images were answered right, from an array to the text that a response holds, and back."""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import NDArray

from dse_harness.protocol import Answers, ImageOrder


def pack(right: NDArray[np.bool_], image_order: ImageOrder) -> Answers:
    """``right`` ``[images]`` in ``image_order``, as a response holds it."""
    return Answers(base64.b64encode(np.packbits(right).tobytes()).decode(), image_order)


def unpack(answers: Answers, images: int) -> NDArray[np.bool_]:
    """What was packed, of so many images."""
    packed = np.frombuffer(base64.b64decode(answers.right), np.uint8)
    return np.unpackbits(packed, count=images).astype(np.bool_)
