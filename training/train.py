"""Train one network of the zoo and write its checkpoint: ``python -m training.train small 0.5 --epochs 8``.

Every batch has one of the zoo's input sides, drawn at random; small sides more often, because they cost less. The last
epoch is the one that is kept: the test split is looked at once, afterwards. Same seed and same machine, same weights.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from dse.zoo.architecture import SIDES, network
from training.fashion_mnist import augmented, network_input, split
from training.network import MobileNetV3

_SIDE_WEIGHTS = torch.tensor([0.30, 0.30, 0.25, 0.15])
_BATCH = 128
_PEAK_LEARNING_RATE = 4e-3


def train(family: str, width: float, minimalistic: bool, epochs: int, seed: int, folder: Path) -> Path:
    """Train on the training split and return the path of the checkpoint."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    spec = network(family, width, minimalistic)
    images, labels = split("train")
    model = MobileNetV3(spec).to(memory_format=torch.channels_last)
    steps = len(images) // _BATCH
    optimizer = torch.optim.AdamW(model.parameters(), _PEAK_LEARNING_RATE, weight_decay=2e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, _PEAK_LEARNING_RATE, total_steps=epochs * steps, pct_start=0.2
    )
    began = time.monotonic()
    for epoch in range(epochs):
        order, total_loss = torch.randperm(len(images), generator=generator), 0.0
        for step in range(steps):
            batch = order[step * _BATCH : (step + 1) * _BATCH]
            side = SIDES[int(torch.multinomial(_SIDE_WEIGHTS, 1, generator=generator))]
            logits = model(network_input(augmented(images[batch], generator), side))
            loss = F.cross_entropy(logits, labels[batch], label_smoothing=0.1)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            total_loss += loss.item()
        print(
            f"{spec.name} epoch {epoch + 1}/{epochs} loss {total_loss / steps:.3f} {time.monotonic() - began:.0f} s",
            flush=True,
        )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{spec.name}.pt"
    torch.save(
        {
            "family": family,
            "width": width,
            "minimalistic": minimalistic,
            "epochs": epochs,
            "seed": seed,
            "train_loss": total_loss / steps,
            "state": model.state_dict(),
        },
        path,
    )
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("family", choices=("small", "large"))
    parser.add_argument("width", type=float)
    parser.add_argument("--minimalistic", action="store_true")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--checkpoints", type=Path, default=Path("checkpoints"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(train(options.family, options.width, options.minimalistic, options.epochs, options.seed, options.checkpoints))


if __name__ == "__main__":
    main()
