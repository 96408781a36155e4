"""The MobileNetV3 family as data: what the training code and the .tflite writer both build from.

Source of the tables: Howard et al., "Searching for MobileNetV3", 2019 (arXiv:1905.02244), tables 1 and 2.
The minimalistic form has 3x3 kernels and ReLU only and no squeeze-and-excite. Nothing here imports more than the
standard library.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Family = Literal["small", "large"]
Activation = Literal["relu", "hard_swish"]

SIDES = (48, 64, 96, 128)
CLASSES = 10
BATCH_NORM_EPSILON = 1e-3


@dataclass(frozen=True, slots=True)
class Block:
    """One inverted residual block: expand 1x1, depthwise kernel x kernel, squeeze-and-excite, project 1x1."""

    kernel: int
    expansion: int
    channels: int
    squeeze_excite: bool
    activation: Activation
    stride: int

    @property
    def squeezed(self) -> int:
        """Channels between squeeze and excite."""
        return scaled(self.expansion / 4)


@dataclass(frozen=True, slots=True)
class Network:
    """A member of the family with every channel count resolved for its width multiplier."""

    family: Family
    width: float
    minimalistic: bool
    activation: Activation
    stem: int
    blocks: tuple[Block, ...]
    last: int
    hidden: int
    classes: int = CLASSES

    @property
    def name(self) -> str:
        """File and search-space name, e.g. ``small_minimalistic_0.35``."""
        return f"{self.family}{'_minimalistic' if self.minimalistic else ''}_{self.width}"


# kernel, expansion, channels, squeeze-and-excite, activation, stride
_Row = tuple[int, int, int, bool, Activation, int]
_LARGE: tuple[_Row, ...] = (
    (3, 16, 16, False, "relu", 1),
    (3, 64, 24, False, "relu", 2),
    (3, 72, 24, False, "relu", 1),
    (5, 72, 40, True, "relu", 2),
    (5, 120, 40, True, "relu", 1),
    (5, 120, 40, True, "relu", 1),
    (3, 240, 80, False, "hard_swish", 2),
    (3, 200, 80, False, "hard_swish", 1),
    (3, 184, 80, False, "hard_swish", 1),
    (3, 184, 80, False, "hard_swish", 1),
    (3, 480, 112, True, "hard_swish", 1),
    (3, 672, 112, True, "hard_swish", 1),
    (5, 672, 160, True, "hard_swish", 2),
    (5, 960, 160, True, "hard_swish", 1),
    (5, 960, 160, True, "hard_swish", 1),
)
_SMALL: tuple[_Row, ...] = (
    (3, 16, 16, True, "relu", 2),
    (3, 72, 24, False, "relu", 2),
    (3, 88, 24, False, "relu", 1),
    (5, 96, 40, True, "hard_swish", 2),
    (5, 240, 40, True, "hard_swish", 1),
    (5, 240, 40, True, "hard_swish", 1),
    (5, 120, 48, True, "hard_swish", 1),
    (5, 144, 48, True, "hard_swish", 1),
    (5, 288, 96, True, "hard_swish", 2),
    (5, 576, 96, True, "hard_swish", 1),
    (5, 576, 96, True, "hard_swish", 1),
)
_STEM_CHANNELS = 16
_HIDDEN_UNITS = {"small": 1024, "large": 1280}


def scaled(channels: float, divisor: int = 8) -> int:
    """Round a scaled channel count to a multiple of ``divisor``, never losing more than 10 % (as in MobileNetV2)."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


def network(family: Family, width: float, minimalistic: bool) -> Network:
    """Resolve the table of ``family`` for a width multiplier and form."""
    activation: Activation = "relu" if minimalistic else "hard_swish"
    blocks = tuple(
        Block(kernel, scaled(expansion * width), scaled(channels * width), squeeze_excite, block_activation, stride)
        for kernel, expansion, channels, squeeze_excite, block_activation, stride in (
            _LARGE if family == "large" else _SMALL
        )
    )
    if minimalistic:
        blocks = tuple(replace(block, kernel=3, squeeze_excite=False, activation="relu") for block in blocks)
    return Network(
        family=family,
        width=width,
        minimalistic=minimalistic,
        activation=activation,
        stem=scaled(_STEM_CHANNELS * width),
        blocks=blocks,
        last=6 * blocks[-1].channels,
        hidden=scaled(_HIDDEN_UNITS[family] * width),
    )
