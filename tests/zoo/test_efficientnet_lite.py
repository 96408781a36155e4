"""EfficientNet-Lite: the graph of made-up weights computes what the layers say, and the real weights are the pinned."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from dse.zoo import efficientnet_lite
from dse.zoo.catalogue import ZooError
from dse.zoo.efficientnet_lite import NETWORKS, fold
from dse.zoo.graph import Arithmetic, Convolution
from dse.zoo.writer import write
from tests.shared import SHARED
from tests.zoo.checkpoints import STRIDES, checkpoint, install_tiny_network, tiny_network

pytest.importorskip("ai_edge_litert", reason="nothing here can run a .tflite file")
from training.serving import run

_SIDE = 37
"""Odd, so that what is padded where it halves is not the same on both sides."""


def _floats() -> dict[str, NDArray[np.float32]]:
    return {name: np.asarray(tensor, np.float32) for name, tensor in tiny_network().items()}


def _images(count: int) -> NDArray[np.float32]:
    return np.random.default_rng(1).uniform(-1, 1, (count, _SIDE, _SIDE, 3)).astype(np.float32)


def test_the_graph_computes_what_the_layers_say() -> None:
    images = _images(4)
    found, _ = run(write(fold(_floats(), STRIDES), _SIDE, "float32", {}, "tiny"), images)
    for image, probabilities in zip(images, found, strict=True):
        np.testing.assert_allclose(probabilities, _network(_floats(), image), atol=1e-5)


def test_blocks_add_their_input_where_size_and_channels_stay() -> None:
    ops = fold(_floats(), STRIDES)
    assert [op.output for op in ops if isinstance(op, Arithmetic)] == ["blocks.0", "blocks.2"]
    assert {op.activation for op in ops if isinstance(op, Convolution)} == {"relu6", "none"}
    assert [op.stride for op in ops if isinstance(op, Convolution)] == [2, 1, 1, 1, 2, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [({"_fc.bias": None}, "lack '_fc.bias'"), ({"_blocks.3._depthwise_conv.weight": 1}, "more blocks than 3")],
)
def test_weights_of_another_form_are_refused(change: dict[str, object], message: str) -> None:
    tensors = {name: value for name, value in {**_floats(), **change}.items() if value is not None}
    with pytest.raises(ZooError, match=message):
        fold(tensors, STRIDES)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The weights of a made-up network in place of lite0's."""
    return install_tiny_network(monkeypatch, tmp_path)


@pytest.mark.parametrize("file_format", ["tflite", "onnx"])
def test_int8_takes_its_ranges_from_the_images(tiny: Path, file_format: str) -> None:
    rng = np.random.default_rng(2)
    images = [rng.uniform(-1, 1, (128, 128, 3)).astype(np.float32) for _ in range(3)]
    variant = ("lite0", 128, "int8", file_format, tiny)
    first = efficientnet_lite.build(*variant, images=images)
    assert first == efficientnet_lite.build(*variant, images=images)
    assert first != efficientnet_lite.build(*variant, images=images[:1])
    with pytest.raises(ZooError, match="int8 needs images"):
        efficientnet_lite.build(*variant)


def test_int8_answers_nearly_as_float32(tiny: Path) -> None:
    rng = np.random.default_rng(3)
    images = rng.uniform(-1, 1, (8, 128, 128, 3)).astype(np.float32)
    answers = [
        run(efficientnet_lite.build("lite0", 128, precision, "tflite", tiny, images), images)[0]
        for precision in ("float32", "int8")
    ]
    assert np.abs(answers[0] - answers[1]).max() < 0.05
    assert np.abs(answers[0] - answers[0].mean(0)).max() > 0.01  # they differ from image to image at all


def test_other_weights_than_the_pinned_are_refused(tiny: Path) -> None:
    tiny.write_bytes(checkpoint(tiny_network(seed=1)))
    with pytest.raises(ZooError, match=r"found SHA-256 .*, expected .*; install the package again"):
        efficientnet_lite.build("lite0", 128, "float32", "tflite", tiny)


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        (("lite3", 128, "float32", "tflite"), "network is 'lite3'; allowed: 'lite0', 'lite1', 'lite2'"),
        (("lite0", 100, "float32", "tflite"), "side is 100"),
        (("lite0", 128, "int8_dynamic", "onnx"), "writes no int8_dynamic as ONNX"),
    ],
)
def test_what_there_is_not_is_refused(variant: tuple[str, int, str, str], message: str) -> None:
    with pytest.raises(ZooError, match=message):
        efficientnet_lite.check(*variant)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_weights_of_the_package_fit_the_network(name: str) -> None:
    network = NETWORKS[name]
    path = network.weights_path()
    if path is None:
        pytest.skip(f"needs the package {network.package}")
    ops = fold(efficientnet_lite._tensors(path, network.sha256), network.strides)
    assert {"lite0": 16, "lite1": 21, "lite2": 21}[name] == len(network.strides)
    weights = sum(op.weights.size for op in ops if isinstance(op, Convolution)) + 1280 * 1000
    assert weights == pytest.approx({"lite0": 4.61e6, "lite1": 5.36e6, "lite2": 6.03e6}[name], rel=0.01)


def test_lite0_knows_imagenet() -> None:
    path = NETWORKS["lite0"].weights_path()
    if path is None:
        pytest.skip(f"needs the package {NETWORKS['lite0'].package}")
    folder = SHARED / "imagenet_sample"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    names, labels = zip(*(line.split() for line in (folder / "val_map.txt").read_text().splitlines()), strict=True)
    images = np.stack([_pixels(folder / name) for name in names[:50]])
    answers, _ = run(efficientnet_lite.build("lite0", 192, "float32", "tflite", path), images)
    assert (answers.argmax(1) == np.array(labels[:50], int)).mean() > 0.7  # 86.6 % of all, by facts of another writer


def _pixels(path: Path) -> NDArray[np.float32]:
    rgb = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    scale = 219 / min(rgb.shape[:2])
    resized = cv2.resize(rgb, None, fx=scale, fy=scale)
    top, left = ((size - 192) // 2 for size in resized.shape[:2])
    return (resized[top : top + 192, left : left + 192].astype(np.float32) - np.float32(127)) / np.float32(128)


def _network(tensors: dict[str, NDArray[np.float32]], image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The layers one by one, as PyTorch has them: convolution, batch norm, ReLU6."""

    def layer(value: NDArray[np.float32], of: str, norm: str, stride: int = 1) -> NDArray[np.float32]:
        kernel = tensors[f"{of}.weight"]
        size, out = value.shape[0], -(-value.shape[0] // stride)
        padding = max((out - 1) * stride + kernel.shape[2] - size, 0)
        padded = np.pad(value, ((padding // 2, padding - padding // 2),) * 2 + ((0, 0),))
        windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[2:], (0, 1))[::stride, ::stride]
        depthwise = kernel.shape[1] == 1
        result = np.einsum(
            "hwckl,ckl->hwc" if depthwise else "hwckl,ockl->hwo", windows, kernel[:, 0] if depthwise else kernel
        )
        scale, shift, mean, variance = (
            tensors[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (result - mean) / np.sqrt(variance + 1e-3) * scale + shift

    def relu6(value: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.clip(value, 0, 6)

    value = relu6(layer(image, "_conv_stem", "_bn0", 2))
    for number, stride in enumerate(STRIDES):
        block, entry = f"_blocks.{number}", value
        if f"{block}._expand_conv.weight" in tensors:
            value = relu6(layer(value, f"{block}._expand_conv", f"{block}._bn0"))
        value = relu6(layer(value, f"{block}._depthwise_conv", f"{block}._bn1", stride))
        value = layer(value, f"{block}._project_conv", f"{block}._bn2")
        value = value + entry if value.shape == entry.shape else value
    pooled = relu6(layer(value, "_conv_head", "_bn1")).mean((0, 1))
    logits = tensors["_fc.weight"] @ pooled + tensors["_fc.bias"]
    return np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
