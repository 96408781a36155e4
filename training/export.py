"""Checkpoints to what ships: ``python -m training.export --checkpoints checkpoints``.

For every checkpoint: the weights that the .tflite writer reads, a row of ``networks.json`` and of the table in
``training/README.md``, and reference outputs for the tests. What ships is what was evaluated: weights are rounded to
float16 first, then batch-norm statistics are estimated anew for every side, then the test split is looked at, once.
A checkpoint that has been exported already is skipped, so the command can be repeated as checkpoints arrive.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from dse.files import sha256_file, write_bytes, write_json, write_text
from dse.shipped import shipped
from dse.zoo.architecture import SIDES, network
from dse.zoo.calibrate import activation_ranges
from dse.zoo.catalogue import SCHEMA, Entry, entries
from dse.zoo.graph import INPUT, Arithmetic, Convolution, Dense, HardSwish, Mean, Op, Softmax, fold
from dse.zoo.weights import Weights, save
from training.data_set import FOLDER as DATA_SET
from training.fashion_mnist import split
from training.network import MobileNetV3
from training.serving import served_input
from training.table import README, rewritten

_ZOO = shipped("zoo")
_REFERENCE = Path(__file__).parent.parent / "tests" / "zoo" / "reference"
_STATISTICS_IMAGES = 4096
_REFERENCE_IMAGES = 32
_BATCH = 256


def exported(checkpoint_path: Path) -> Entry:
    """Write the weights and the reference outputs of a checkpoint and return its row of the table."""
    checkpoint: dict[str, Any] = torch.load(checkpoint_path, weights_only=True)
    spec = network(checkpoint["family"], checkpoint["width"], checkpoint["minimalistic"])
    state = {name: tensor.half().float() if tensor.ndim > 1 else tensor for name, tensor in checkpoint["state"].items()}
    model = MobileNetV3(spec).to(memory_format=torch.channels_last)
    model.load_state_dict(state)
    statistics_images = split("train")[0][:_STATISTICS_IMAGES, 0].numpy()
    with np.load(DATA_SET / "validation.npz") as arrays:
        images, labels = arrays["images"], arrays["labels"]
    accuracy_percent, reference, statistics = {}, {}, {}
    for side in SIDES:
        _estimate_statistics(model, statistics_images, side)
        statistics[side] = {
            name: tensor.numpy().copy() for name, tensor in model.state_dict().items() if "running" in name
        }
        probabilities = _probabilities(model, images, side)
        accuracy_percent[side] = round(float((probabilities.argmax(1) == labels).mean()) * 100, 2)
        reference[str(side)] = probabilities[:_REFERENCE_IMAGES]
    tensors = {name: tensor.numpy() for name, tensor in state.items() if name in dict(model.named_parameters())}
    weights = Weights(spec, tensors, statistics, ranges={})
    weights = dataclasses.replace(weights, ranges=_calibrated(weights))
    weights_path = _ZOO / "weights" / f"{spec.name}.npz"
    for path, write in (
        (weights_path, lambda file: save(file, weights)),
        (_REFERENCE / f"{spec.name}.npz", lambda file: np.savez(file, **reference)),
    ):
        buffer = io.BytesIO()
        write(buffer)
        write_bytes(path, buffer.getvalue())
    return Entry(
        name=spec.name,
        family=spec.family,
        form="minimalistic" if spec.minimalistic else "full",
        width=spec.width,
        parameters=sum(tensor.size for tensor in tensors.values()),
        epochs=checkpoint["epochs"],
        seed=checkpoint["seed"],
        train_loss=round(checkpoint["train_loss"], 4),
        accuracy_percent=accuracy_percent,
        million_macs={side: round(multiply_accumulates(fold(weights, side), side) / 1e6, 3) for side in SIDES},
        weights_bytes=weights_path.stat().st_size,
        weights_sha256=sha256_file(weights_path),
        checkpoint_sha256=sha256_file(checkpoint_path),
    )


def multiply_accumulates(ops: list[Op], side: int) -> int:
    """Multiplications of convolutions and dense layers for one image; element-wise operators are not counted."""
    sides, total = {INPUT: side}, 0
    for op in ops:
        match op:
            case Convolution():
                sides[op.output] = math.ceil(sides[op.input] / op.stride)
                total += op.weights.size * sides[op.output] ** 2
            case Dense():
                sides[op.output] = 1
                total += op.weights.size
            case Mean():
                sides[op.output] = 1
            case Arithmetic() | HardSwish() | Softmax():
                sides[op.output] = sides[op.input]
    return total


def _estimate_statistics(model: nn.Module, images: np.ndarray, side: int) -> None:
    """Replace the statistics of every batch norm by those of ``images`` at ``side``."""
    model.eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the plain average over the batches
            module.train()
    _probabilities(model, images, side)
    model.eval()


def _probabilities(model: nn.Module, images: np.ndarray, side: int) -> np.ndarray:
    """``[N, classes]`` float32, in the mode that the model's layers are in."""
    batches = (torch.from_numpy(served_input(images[i : i + _BATCH], side)) for i in range(0, len(images), _BATCH))
    with torch.inference_mode():
        return torch.cat([model(batch.permute(0, 3, 1, 2)).softmax(1) for batch in batches]).numpy()


def _calibrated(weights: Weights) -> dict[int, dict[str, tuple[float, float]]]:
    with np.load(DATA_SET / "calibration.npz") as arrays:
        images = arrays["images"]
    return {side: activation_ranges(fold(weights, side), side, served_input(images, side)) for side in SIDES}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoints", type=Path, default=Path("checkpoints"))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--again", action="store_true", help="also those that have been exported already")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    table = _ZOO / "networks.json"
    rows = dict(entries()) if table.exists() else {}
    for path in sorted(options.checkpoints.glob("*.pt")):
        known = rows.get(path.stem)
        if known and known.checkpoint_sha256 == sha256_file(path) and not options.again:
            print(f"{path.stem}: exported already")
            continue
        rows[path.stem] = exported(path)
        print(f"{path.stem}: {rows[path.stem].accuracy_percent}", flush=True)
        rows = dict(sorted(rows.items(), key=lambda row: row[1].parameters))
        write_json(table, {"schema": SCHEMA, "networks": [dataclasses.asdict(row) for row in rows.values()]})
        write_text(README, rewritten(README.read_text(), rows.values()))


if __name__ == "__main__":
    main()
