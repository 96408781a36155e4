"""The family of ``dse.zoo.architecture`` as a PyTorch module.

Layers carry the names that the .tflite writer looks up: ``stem``, ``blocks.<i>.{expand,depthwise,reduce,excite,
project}``, ``last``, ``hidden``, ``classifier``. Padding is TensorFlow's SAME, so that no PAD operator is needed.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from dse.zoo.architecture import BATCH_NORM_EPSILON, Activation, Block, Network

_ACTIVATIONS = {"relu": nn.ReLU, "hard_swish": nn.Hardswish}


class _SameConv2d(nn.Conv2d):
    """A convolution without bias, padded as TensorFlow's SAME does (more on the bottom right when it is uneven)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, groups: int) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        if stride == 1:
            return F.conv2d(x, self.weight, None, 1, kernel // 2, 1, self.groups)
        vertical, horizontal = (max((-(-n // stride) - 1) * stride + kernel - n, 0) for n in x.shape[2:])
        x = F.pad(x, (horizontal // 2, horizontal - horizontal // 2, vertical // 2, vertical - vertical // 2))
        return F.conv2d(x, self.weight, None, stride, 0, 1, self.groups)


class _ConvNorm(nn.Module):
    def __init__(
        self,
        inputs: int,
        outputs: int,
        activation: Activation | None,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.conv = _SameConv2d(inputs, outputs, kernel, stride, groups)
        self.norm = nn.BatchNorm2d(outputs, eps=BATCH_NORM_EPSILON, momentum=0.05)
        self.act = _ACTIVATIONS[activation]() if activation else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.norm(self.conv(x)))


class _InvertedResidual(nn.Module):
    def __init__(self, inputs: int, block: Block) -> None:
        super().__init__()
        self.expand = _ConvNorm(inputs, block.expansion, block.activation) if block.expansion != inputs else None
        self.depthwise = _ConvNorm(
            block.expansion, block.expansion, block.activation, block.kernel, block.stride, block.expansion
        )
        self.reduce = nn.Conv2d(block.expansion, block.squeezed, 1) if block.squeeze_excite else None
        self.excite = nn.Conv2d(block.squeezed, block.expansion, 1) if block.squeeze_excite else None
        self.project = _ConvNorm(block.expansion, block.channels, None)
        self.residual = block.stride == 1 and inputs == block.channels

    def forward(self, x: Tensor) -> Tensor:
        y = self.expand(x) if self.expand else x
        y = self.depthwise(y)
        if self.reduce and self.excite:
            y = y * F.hardsigmoid(self.excite(F.relu(self.reduce(y.mean((2, 3), keepdim=True)))))
        y = self.project(y)
        return x + y if self.residual else y


class MobileNetV3(nn.Module):
    """``[N, 3, side, side]`` float32 in -1..1 to ``[N, classes]`` logits."""

    def __init__(self, network: Network, dropout: float = 0.1) -> None:
        super().__init__()
        self.stem = _ConvNorm(3, network.stem, network.activation, 3, 2)
        channels, blocks = network.stem, []
        for block in network.blocks:
            blocks.append(_InvertedResidual(channels, block))
            channels = block.channels
        self.blocks = nn.Sequential(*blocks)
        self.last = _ConvNorm(channels, network.last, network.activation)
        self.hidden = nn.Linear(network.last, network.hidden)
        self.act = _ACTIVATIONS[network.activation]()
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(network.hidden, network.classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.last(self.blocks(self.stem(x))).mean((2, 3))
        return self.classifier(self.dropout(self.act(self.hidden(x))))
