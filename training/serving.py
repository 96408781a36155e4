"""What the harness does to a model, in a few lines: scale the images and run them one by one."""

from __future__ import annotations

import time

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

DELEGATES = {
    "xnnpack": OpResolverType.AUTO,
    "builtin": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
}


def served_input(images: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    """``[N, side, side, 3]`` float32 in -1..1 of ``[N, 28, 28]``: OpenCV's bilinear scaling, rounded to 8 bits.

    Within one grey level of what the networks were trained with.
    """
    scaled = np.stack([cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR) for image in images])
    return np.repeat(scaled.astype(np.float32)[..., None] / np.float32(127.5) - 1, 3, axis=3)


def run(
    model: bytes, images: NDArray[np.float32], delegate: str = "xnnpack"
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Probabilities ``[N, classes]`` and nanoseconds ``[N]`` of ``images`` ``[N, side, side, 3]``, one by one."""
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=DELEGATES[delegate], num_threads=1)
    interpreter.allocate_tensors()
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    if source["dtype"] == np.int8:
        scale, zero_point = source["quantization"]
        images = np.clip(np.rint(images / scale) + zero_point, -128, 127).astype(np.int8)
    outputs, durations_ns = [], []
    for image in images:
        interpreter.set_tensor(source["index"], image[None])
        began = time.perf_counter_ns()
        interpreter.invoke()
        durations_ns.append(time.perf_counter_ns() - began)
        outputs.append(interpreter.get_tensor(target["index"])[0])
    probabilities = np.array(outputs, np.float32)
    if target["dtype"] == np.int8:
        scale, zero_point = target["quantization"]
        probabilities = (probabilities - zero_point) * scale
    return probabilities, np.array(durations_ns)
