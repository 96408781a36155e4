from __future__ import annotations

import pytest

from dse.results.importing.design import Design, Software, category, design, software, task


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        ("rpi4coral-fan.on-tflite-v2.4.1-ruy", Software("rpi4coral", "tflite", "2.4.1", "ruy")),
        ("xavier-power.0-fan.cool-armnn-v21.02-neon", Software("xavier", "armnn", "21.02", "neon")),
        ("mate10pro-tflite-v1.13", Software("mate10pro", "tflite", "1.13", "default")),
        ("aws-c6gd.xlarge-arm64-tflite-2.5.0-ruy", Software("aws-c6gd.xlarge-arm64", "tflite", "2.5.0", "ruy")),
        ("clx-9282-2s_pytorch-caffe2", Software("clx-9282-2s", "pytorch")),
        ("ICL-I3-1005G1_OpenVINO-Windows", Software("ICL-I3-1005G1", "openvino")),
        ("gcp-n2-standard-80-tf-out-of-the-box", Software("gcp-n2-standard-80", "tf")),
        ("DGX-A100_A100-SXM4x8_TRT", Software("DGX-A100_A100-SXM4x8", "trt")),
        ("board-litert-2.1.0-xnnpack", Software("board", "litert", "2.1.0", "xnnpack")),
        ("0", Software("0")),
        ("tflite-box", Software("tflite-box")),
        ("tfbox", Software("tfbox")),
    ],
)
def test_system_names(system: str, expected: Software) -> None:
    assert software(system) == expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("mobilenet-v1-0.25-128-quantized", Design("mobilenet-v1", None, 0.25, 128, "uint8", False)),
        ("mobilenet-v2-1.4-224-non-quantized", Design("mobilenet-v2", None, 1.4, 224, "float", False)),
        ("mobilenet-v2-0.35-96", Design("mobilenet-v2", None, 0.35, 96, "float", False)),
        ("mobilenet-v3-large-minimalistic_224_1.0_uint8", Design("mobilenet-v3", "large", 1.0, 224, "uint8", True)),
        ("mobilenet-v3-small_224_0.75_float", Design("mobilenet-v3", "small", 0.75, 224, "float", False)),
        ("non-quantized-efficientnet-lite4", Design("efficientnet-lite", "lite4", None, 300, "float", False)),
        ("efficientnet-lite2-quantized", Design("efficientnet-lite", "lite2", None, 260, "uint8", False)),
        ("mobilenet", Design("mobilenet-v1", None, 1.0, 224, "float", False)),
        ("mobilenet-quantized", Design("mobilenet-v1", None, 1.0, 224, "uint8", False)),
        ("resnet50", Design("resnet", "50", None, 224, "float", False)),
        ("something-else", Design()),
    ],
)
def test_model_names(model: str, expected: Design) -> None:
    assert design(model, "tflite") == expected


def test_names_of_other_engines_are_not_decoded() -> None:
    assert design("mobilenet", "pytorch") == design("mobilenet", None) == Design()


def test_task_by_figure_then_by_name() -> None:
    assert task("whatever", "top1") == "image-classification"
    assert task("mobilenet", "mAP") == "object-detection"
    assert task("ssd-mobilenet", None) == "object-detection"
    assert task("resnet50", None) == "image-classification"
    assert task("whatever", None) == "other"
    assert task("llama2-70b-99", "ROUGE1") == task("llama3.1-405b", None) == "text-generation"
    assert task("rgat", "top1") == task("rgat", None) == "node-classification"


@pytest.mark.parametrize(
    ("declared", "scenarios", "expected"),
    [
        ("edge", {"Server"}, ("edge", True)),
        (" Datacenter ", set(), ("datacenter", True)),
        ("datacenter,edge", set(), ("edge,datacenter", True)),
        (None, {"SingleStream", "Offline"}, ("edge", False)),
        (None, {"SingleStream", "Server"}, ("datacenter", False)),
        (None, {"Offline"}, ("unknown", False)),
        (None, {"Offline", "Interactive"}, ("datacenter", False)),
        ("somewhere", {"MultiStream"}, ("edge", False)),
    ],
)
def test_edge_or_datacenter(declared: str | None, scenarios: set[str], expected: tuple[str, bool]) -> None:
    assert category(declared, frozenset(scenarios)) == expected
