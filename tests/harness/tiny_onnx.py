"""A classifier of a few hundred bytes as .onnx: mean over space, then a fully connected layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dse.zoo.protobuf import Constant, Node, Port, serialize


def write_tiny_onnx(
    path: Path, *, batch: int | str = 1, height: int | str = 8, type_: str = "float32", outputs: int = 1
) -> Path:
    """Write a model whose answer depends on the image's mean colour; a dimension that is a text is open."""
    weights = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)
    others = [f"other_{number}" for number in range(1, outputs)]
    nodes = [
        *([Node("Cast", ["image"], "real", {"to": 1})] if type_ != "float32" else []),
        Node("GlobalAveragePool", ["image" if type_ == "float32" else "real"], "mean"),
        Node("Flatten", ["mean"], "flat"),
        Node("Gemm", ["flat", "weights"], "logits", {"transB": 1}),
        *(Node("Neg", ["logits"], name) for name in others),
    ]
    path.write_bytes(
        serialize(
            nodes,
            [Constant("weights", weights, "float32")],
            inputs=[Port("image", (batch, 3, height, 8), type_)],
            outputs=[Port(name, (batch, 10)) for name in ("logits", *others)],
            description="tiny",
        )
    )
    return path
