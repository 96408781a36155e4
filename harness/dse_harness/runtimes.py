"""What executes a model: one small class per runtime behind one protocol. Only the module asked for is imported."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from dse_harness.errors import HarnessError
from dse_harness.protocol import ModelInfo, RuntimeSpec

Invoke = Callable[[NDArray[Any]], NDArray[Any]]
"""An input ``[1, ...]`` to a copy of the first output. Raises ValueError, RuntimeError with the runtime's sentence."""

_IDENTIFIER = b"TFL3"
_INPUT_TYPES = ("float32", "float16", "uint8", "int8", "int16")


@dataclass(frozen=True)
class Tensor:
    """The model's input: shape ``[1, side, side, 3]`` or ``[1, 3, side, side]``, type, quantization (None: float)."""

    shape: tuple[int, ...]
    type: str
    scale: float | None
    zero_point: int

    @property
    def layout(self) -> Literal["NHWC", "NCHW"]:
        """Where the three channels are."""
        return "NHWC" if self.shape[3] == 3 else "NCHW"

    @property
    def side(self) -> int:
        """Height and width in pixels."""
        return self.shape[2]


class Model(Protocol):
    """A model loaded and ready to run."""

    input: Tensor
    output_shape: tuple[int, ...]
    output_type: str
    invoke: Invoke

    @property
    def outputs(self) -> int:
        """How many classes the model tells apart, a background class among them."""
        ...


class Runtime(Protocol):
    """An engine that executes models."""

    version: str

    def load(self, path: Path) -> Model:
        """The model, ready to run. Raises HarnessError."""
        ...


def open_runtime(spec: RuntimeSpec) -> Runtime:
    """The runtime that ``spec`` names. Raises HarnessError (``runtime_missing``)."""
    return _RUNTIMES[spec.name](spec)


def describe(model: Model, path: Path, classes: int | None) -> ModelInfo:
    """What the runtime says about the model, for a data set of so many classes (None: unknown). Raises HarnessError."""
    return ModelInfo(
        input_shape=model.input.shape,
        input_type=model.input.type,
        input_layout=model.input.layout,
        output_shape=model.output_shape,
        output_type=model.output_type,
        background_class=has_background_class(model.outputs, classes),
        file_bytes=path.stat().st_size,
    )


def has_background_class(outputs: int, classes: int | None) -> bool:
    """Whether output 0 means "none of them" (`protocol.DataSetSpec`). Raises HarnessError (``model_unsupported``)."""
    if classes is None:
        return outputs == 1001
    if outputs not in (classes, classes + 1):
        raise HarnessError(
            "model_unsupported",
            f"found {outputs} outputs, allowed for a data set of {classes} classes: {classes}, "
            f"or {classes + 1} with a background class first",
        )
    return outputs == classes + 1


def check_file(path: Path) -> None:
    """The cheap checks, because a runtime may crash on what is not a model. Raises HarnessError."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except FileNotFoundError as error:
        raise HarnessError("model_missing", f"{path}: no such file") from error
    except OSError as error:
        raise HarnessError("model_missing", f"{path}: cannot be read: {error}") from error
    if head[4:8] != _IDENTIFIER:
        raise HarnessError(
            "model_broken", f"{path}: found {head[4:8]!r} as file identifier, allowed: {_IDENTIFIER!r} (a .tflite file)"
        )


class _InterpreterRuntime:
    """`Runtime` over the Interpreter class that LiteRT and tflite-runtime share."""

    module: str
    install: str

    def __init__(self, spec: RuntimeSpec) -> None:
        try:
            package = importlib.import_module(self.module)
            self._api = importlib.import_module(f"{self.module}.interpreter")
        except ImportError as error:
            raise HarnessError("runtime_missing", f"{error}: {self.install}") from error
        self._spec = spec
        self.version: str = getattr(package, "__version__", None) or _installed_version(package)

    def load(self, path: Path) -> Model:
        check_file(path)
        try:
            interpreter = self._allocated(path, self._spec.delegate)
        except (ValueError, RuntimeError) as error:
            raise self._load_failure(path, " ".join(str(error).split())) from error
        try:
            return _InterpreterModel(interpreter, path)
        except (
            ValueError,
            RuntimeError,
            TypeError,
            LookupError,
            OverflowError,
        ) as error:  # a graph that makes no sense
            sentence = " ".join(str(error).split())
            raise HarnessError("model_broken", f"{path}: its inputs or outputs cannot be read: {sentence}") from error

    def _allocated(self, path: Path, delegate: str) -> Any:
        resolvers = self._api.OpResolverType
        interpreter = self._api.Interpreter(
            model_path=str(path),
            num_threads=self._spec.threads,
            experimental_op_resolver_type=(
                resolvers.AUTO if delegate == "xnnpack" else resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES
            ),
        )
        interpreter.allocate_tensors()
        return interpreter

    def _load_failure(self, path: Path, sentence: str) -> HarnessError:
        """Whose fault it is: the delegate's, if the model loads without one."""
        if self._spec.delegate != "builtin":
            try:
                self._allocated(path, "builtin")
            except (ValueError, RuntimeError):
                return HarnessError("model_broken", f"{path}: {sentence}")
            return HarnessError("delegate_refused", f"{path}: {sentence}")
        return HarnessError("model_broken", f"{path}: {sentence}")


class LiteRT(_InterpreterRuntime):
    """`ai-edge-litert`, TensorFlow Lite's maintained successor."""

    module = "ai_edge_litert"
    install = "pip install ai-edge-litert"


class TfliteRuntime(_InterpreterRuntime):
    """`tflite-runtime`, whose last release is 2.14.0; it needs NumPy 1."""

    module = "tflite_runtime"
    install = 'pip install "tflite-runtime==2.14.0" "numpy<2" (Linux, Python up to 3.11)'


_RUNTIMES: dict[str, type[_InterpreterRuntime]] = {"litert": LiteRT, "tflite-runtime": TfliteRuntime}


class _InterpreterModel:
    """`Model` over an interpreter whose tensors are allocated."""

    def __init__(self, interpreter: Any, path: Path) -> None:
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        if len(inputs) != 1 or not outputs:
            raise HarnessError(
                "model_unsupported", f"{path}: found {len(inputs)} inputs and {len(outputs)} outputs, allowed: 1 input"
            )
        self.input = _input_tensor(inputs[0], path)
        self.output_shape = tuple(map(int, outputs[0]["shape"]))
        self.output_type = np.dtype(outputs[0]["dtype"]).name
        if not self.output_shape or self.outputs != int(np.prod(self.output_shape)) or self.outputs < 2:
            raise HarnessError(
                "model_unsupported",
                f"{path}: found output shape {list(self.output_shape)}, allowed: [1, ..., number of classes]",
            )
        self.invoke = _bind(interpreter, inputs[0]["index"], outputs[0]["index"])

    @property
    def outputs(self) -> int:
        return self.output_shape[-1]


def _bind(interpreter: Any, input_index: int, output_index: int) -> Invoke:
    set_tensor, run, get_tensor = interpreter.set_tensor, interpreter.invoke, interpreter.get_tensor

    def invoke(sample: NDArray[Any]) -> NDArray[Any]:
        set_tensor(input_index, sample)
        run()
        output: NDArray[Any] = get_tensor(output_index)
        return output

    return invoke


def _installed_version(package: Any) -> str:
    """From the name of the metadata folder beside it: `importlib.metadata` would take longer than the model to load."""
    folder = Path(package.__file__).parent
    for metadata in folder.parent.glob(f"{folder.name}*.dist-info"):
        return metadata.name.removesuffix(".dist-info").rpartition("-")[2]
    raise HarnessError("runtime_missing", f"{folder}: no version to be found; install it with pip")


def _input_tensor(details: Any, path: Path) -> Tensor:
    shape = tuple(map(int, details["shape"]))
    if len(shape) != 4 or 3 not in (shape[1], shape[3]):
        raise HarnessError(
            "input_layout",
            f"{path}: found input shape {list(shape)}, allowed: [1, side, side, 3] or [1, 3, side, side]",
        )
    name = np.dtype(details["dtype"]).name
    scale, zero_point = details["quantization"]
    quantized = not name.startswith("float")
    if name not in _INPUT_TYPES or (quantized and not scale > 0):
        raise HarnessError(
            "model_unsupported",
            f"{path}: found input type {name} with scale {scale}, allowed: {', '.join(_INPUT_TYPES)}, "
            "integers with a scale",
        )
    tensor = Tensor(shape, name, float(scale) if quantized else None, int(zero_point))
    if shape[0] != 1 or shape not in ((1, tensor.side, tensor.side, 3), (1, 3, tensor.side, tensor.side)):
        raise HarnessError(
            "input_layout", f"{path}: found input shape {list(shape)}, allowed: one image with equal sides"
        )
    return tensor
