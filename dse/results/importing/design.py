"""What names say: device and software in a system's name, the network in a TFLite image classifier's, the task."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MODE = r"(?:[-_](?:fan|power|cpu|freq)\.[a-z0-9]+)*"
_ENGINES = (
    "tflite|litert|armnn|tensorflow|tensorrt|trt|tf|onnxruntime|onnx|openvino|pytorch|torch|caffe2|tvm|snpe|hailo|mxnet|"
    "sail|synapse|furiosa|edgecortix|dse"
)
_SOFTWARE = re.compile(
    rf"{_MODE}[-_](?P<engine>{_ENGINES})(?:[-_]v?(?P<version>\d+(?:\.\d+)*)(?:[-_](?P<rest>.+))?|[-_].*|)$", re.I
)

_MOBILE_ENGINES = frozenset({"tflite", "litert", "armnn"})
_PRECISION = (
    (re.compile(r"(?:^|[-_])non[-_]quantized(?=$|[-_])"), "float"),
    (re.compile(r"(?:^|[-_])(?:quantized|uint8)(?=$|[-_])"), "uint8"),
    (re.compile(r"(?:^|[-_])int8(?=$|[-_])"), "int8"),
    (re.compile(r"(?:^|[-_])float(?:32)?(?=$|[-_])"), "float"),
)
_MOBILENET_12 = re.compile(r"mobilenet-(v[12])-(\d+(?:\.\d+)?)-(\d+)")
_MOBILENET_3 = re.compile(r"mobilenet-v3-(small|large)(-minimalistic)?[-_](\d+)[-_](\d+(?:\.\d+)?)")
_EFFICIENTNET = re.compile(r"efficientnet-(lite\d)")
_EFFICIENTNET_RESOLUTION = {"lite0": 224, "lite1": 240, "lite2": 260, "lite3": 280, "lite4": 300}

_TASK_OF_METRIC = {
    "top1": "image-classification",
    "mAP": "object-detection",
    "BLEU": "translation",
    "F1": "language",
    "AUC": "recommendation",
    "GAUC": "recommendation",
    "1-WER": "speech",
    "ROUGE1": "text-generation",
    "ROUGEL": "text-generation",
    "exact_match": "text-generation",
    "mean_accuracy": "text-generation",
    "accuracy": "question-answering",
    "CLIP_SCORE": "text-to-image",
    "vbench_score": "text-to-video",
    "dice": "medical-imaging",
}
_NODES = re.compile(r"rgat", re.I)
_TASK_OF_NAME = (
    (_NODES, "node-classification"),
    (re.compile(r"mobilenet|resnet|efficientnet|inception|imagenet|vgg", re.I), "image-classification"),
    (re.compile(r"gnmt", re.I), "translation"),
    (re.compile(r"llama|mixtral|gpt|deepseek|qwen", re.I), "text-generation"),
    (re.compile(r"stable-diffusion", re.I), "text-to-image"),
    (re.compile(r"(?:^|[-_])wan-?2", re.I), "text-to-video"),
    (re.compile(r"e2e-rag", re.I), "question-answering"),
    (re.compile(r"bert", re.I), "language"),
    (re.compile(r"dlrm", re.I), "recommendation"),
    (re.compile(r"rnnt|whisper", re.I), "speech"),
    (re.compile(r"3d-?unet", re.I), "medical-imaging"),
)
_DETECTION = re.compile(r"ssd|rcnn|yolo|retinanet", re.I)


@dataclass(frozen=True, slots=True)
class Software:
    """The parts of a system's name: ``rpi4coral-fan.on-tflite-v2.4.1-ruy`` is ``rpi4coral``, tflite 2.4.1, ruy."""

    device: str
    engine: str | None = None
    engine_version: str | None = None
    backend: str | None = None


@dataclass(frozen=True, slots=True)
class Design:
    """A TFLite image classifier as its directory's name describes it; None where the name does not say."""

    family: str | None = None
    variant: str | None = None
    width: float | None = None
    resolution: int | None = None
    precision: str | None = None
    minimalistic: bool | None = None


def software(system: str) -> Software:
    """A system's name in parts; all of it is the device when it names no engine; an unnamed backend is ``default``."""
    match = _SOFTWARE.search(system)
    if match is None or match.start() == 0:
        return Software(system)
    engine = match["engine"].lower()
    backend = match["rest"] or ("default" if engine in _MOBILE_ENGINES else None)
    return Software(system[: match.start()], engine, match["version"], backend)


def design(model: str, engine: str | None) -> Design:
    """The network and its precision; empty for engines that run no TFLite models: their names follow other habits."""
    if engine not in _MOBILE_ENGINES:
        return Design()
    name = model.lower()
    precision = next((value for pattern, value in _PRECISION if pattern.search(name)), "float")
    if match := _MOBILENET_3.search(name):
        return Design("mobilenet-v3", match[1], float(match[4]), int(match[3]), precision, match[2] is not None)
    if match := _MOBILENET_12.search(name):
        return Design(f"mobilenet-{match[1]}", None, float(match[2]), int(match[3]), precision, False)
    if match := _EFFICIENTNET.search(name):
        resolution = _EFFICIENTNET_RESOLUTION.get(match[1])
        return Design("efficientnet-lite", match[1], None, resolution, precision, False)
    # The closed benchmarks' own names: MobileNet v1 1.0 at 224 and ResNet-50 v1.5.
    if re.fullmatch(r"mobilenet(?:-(?:non-)?quantized)?", name):
        return Design("mobilenet-v1", None, 1.0, 224, precision, False)
    if match := re.match(r"resnet-?(\d+)?", name):
        return Design("resnet", match[1] or "50", None, 224, precision, False)
    return Design()


def task(model: str, accuracy_metric: str | None) -> str:
    """The task by the accuracy figure it is judged with, else by the model's name, else ``other``."""
    if accuracy_metric in _TASK_OF_METRIC and not _NODES.search(model):  # printed like an image classifier's
        return _TASK_OF_METRIC[accuracy_metric]
    if _DETECTION.search(model):
        return "object-detection"
    return next((value for pattern, value in _TASK_OF_NAME if pattern.search(model)), "other")


def category(system_type: str | None, system_scenarios: frozenset[str]) -> tuple[str, bool]:
    """``edge``, ``datacenter``, both joined by a comma or ``unknown``, and whether the system's own file says so.

    v0.5 does not declare it: a system with a Server result is then taken for a datacenter's, one with SingleStream or
    MultiStream for an edge system, as the rules from v0.7 on require those scenarios of each.
    """
    words = sorted(word.strip() for word in (system_type or "").lower().split(",") if word.strip())
    if words and all(word in ("edge", "datacenter") for word in words):
        return ",".join(reversed(words)), True
    if system_scenarios & {"Server", "Interactive"}:
        return "datacenter", False
    if system_scenarios & {"SingleStream", "MultiStream"}:
        return "edge", False
    return "unknown", False
