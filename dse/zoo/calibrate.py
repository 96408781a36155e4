"""Ranges of activations, recorded by running the float32 model with LiteRT's builtin kernels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from dse.zoo.graph import Op
from dse.zoo.writer import write


def activation_ranges(
    ops: Sequence[Op], side: int, images: Iterable[NDArray[np.float32]]
) -> dict[str, tuple[float, float]]:
    """Smallest and largest value of every operator's output over ``images``, each ``[side, side, 3]`` in -1..1."""
    model = write(ops, side, "float32", {}, "calibration")
    interpreter = Interpreter(
        model_content=model,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
        num_threads=1,
    )
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    outputs = {op.output for op in ops}
    indices = {
        detail["name"]: detail["index"] for detail in interpreter.get_tensor_details() if detail["name"] in outputs
    }
    ranges = {op.output: (np.inf, -np.inf) for op in ops}
    for image in images:
        interpreter.set_tensor(source, image[None])
        interpreter.invoke()
        for name, index in indices.items():
            values, (low, high) = interpreter.get_tensor(index), ranges[name]
            ranges[name] = (min(low, float(values.min())), max(high, float(values.max())))
    return ranges
