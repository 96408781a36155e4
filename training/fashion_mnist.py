"""Fashion-MNIST as tensors, read from the files of Debian's package ``dataset-fashion-mnist``."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

FOLDER = Path("/usr/share/datasets/fashion-mnist")


def split(name: str, folder: Path = FOLDER) -> tuple[Tensor, Tensor]:
    """Images ``[N, 1, 28, 28]`` uint8 and labels ``[N]`` int64 of the split ``train`` or ``t10k``."""
    images = _idx(folder / f"{name}-images-idx3-ubyte.gz", header_bytes=16).reshape(-1, 1, 28, 28)
    labels = _idx(folder / f"{name}-labels-idx1-ubyte.gz", header_bytes=8).astype(np.int64)
    return torch.from_numpy(images), torch.from_numpy(labels)


def network_input(images: Tensor, side: int) -> Tensor:
    """``[N, 3, side, side]`` float32 in -1..1, scaled as the harness scales (bilinear, half-pixel centres)."""
    scaled = F.interpolate(images.float(), size=(side, side), mode="bilinear", align_corners=False)
    return (scaled / 127.5 - 1).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def augmented(images: Tensor, generator: torch.Generator) -> Tensor:
    """The batch shifted by up to two pixels, each image mirrored with probability one half."""
    dy, dx = torch.randint(0, 5, (2,), generator=generator).tolist()
    shifted = F.pad(images, (2, 2, 2, 2))[:, :, dy : dy + 28, dx : dx + 28]
    mirrored = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(mirrored[:, None, None, None], shifted.flip(3), shifted)


def _idx(path: Path, header_bytes: int) -> np.ndarray:
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header_bytes).copy()
