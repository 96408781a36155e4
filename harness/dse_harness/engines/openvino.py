"""OpenVINO on the processor, with .tflite and .onnx files.

With as many streams as it likes, OpenVINO hands each inference to a thread of its own: a small model then takes three
to four times as long. With ``NUM_STREAMS`` 0 the caller's thread runs it, as in the other engines.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from dse_harness.engines import MODEL, Example, Invoke, Option, option
from dse_harness.engines._onnx import ONLY_BATCH_IS_OPEN, OnnxFile
from dse_harness.engines._tflite import TfliteFile, sentence
from dse_harness.errors import HarnessError
from dse_harness.process import signal_stack_kept
from dse_harness.protocol import RuntimeSpec
from dse_harness.tensors import Tensor, batch_of, one_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CONVERTER = "openvino.tools.ovc"
"""Imported with OpenVINO where it is there: half of the time that takes, and a thread that reports to the Internet."""

_NOT_WHOLE = ("VerifyModelBuffer", "ParseFromIstream")
"""What it says of a file that is cut off; any other one has something that OpenVINO does not take."""
_KEEP_VALUES = frozenset({"Convert", "Transpose", "Reshape", "Result"})
"""Nodes between an input or output of integers and the node that has its scale."""


class OpenVINO:
    """`CompilingEngine` over OpenVINO's plugin for processors."""

    title: ClassVar[str] = "OpenVINO"
    packages: ClassVar[tuple[str, ...]] = ("openvino",)
    suffixes: ClassVar[tuple[str, ...]] = (*TfliteFile.suffixes, *OnnxFile.suffixes)
    delegates: ClassVar[tuple[str, ...]] = ("cpu",)
    takes_batches: ClassVar[bool] = True
    options: ClassVar[Mapping[str, tuple[Option, ...]]] = {
        # left to itself, OpenVINO computes a float32 model in 16 bits where the processor has them
        "inference_precision": ("f32", "bf16", "f16"),
        "streams": (0, 1),
    }

    def __init__(self, spec: RuntimeSpec) -> None:
        try:
            self._api = _imported()
        except ImportError as error:
            raise HarnessError("runtime_missing", f"{error}: pip install openvino") from error
        self._batch_size = spec.batch_size
        self._settings = _settings(spec)
        self.version: str = self._api.__version__.partition("-")[0]

    @classmethod
    def example(cls, spec: RuntimeSpec) -> Example:
        """See `Example`."""
        settings = ", ".join(f'"{name}": {json.dumps(value)}' for name, value in _settings(spec).items())
        return Example(
            imports=("import openvino",),
            load=(
                f"graph = openvino.Core().read_model({MODEL})",
                "if graph.is_dynamic():",
                "    graph.reshape([1, *(int(str(size)) for size in graph.input(0).get_partial_shape()[1:])])",
                f'compiled = openvino.Core().compile_model(graph, "CPU", {{{settings}}})',
            ),
            run=("scores = compiled(sample)[0]",),
        )

    @classmethod
    def check_file(cls, path: Path) -> None:
        """As the file's name ends. Raises HarnessError."""
        (OnnxFile if path.suffix in OnnxFile.suffixes else TfliteFile).check_file(path)

    def load(self, path: Path) -> OpenVINOSession:
        """See `Engine`. What it reads and cannot compile, it does not support."""
        inputs, outputs, compiled = self._compiled(path)
        return OpenVINOSession(self._api, inputs, outputs, compiled, self._batch_size)

    def compile(self, path: Path) -> bytes:
        """See `CompilingEngine`. A line says what a compiled model no longer does: scales and zero points."""
        inputs, outputs, compiled = self._compiled(path)
        described = json.dumps({"inputs": [*map(asdict, inputs)], "outputs": [*map(asdict, outputs)]})
        exported: bytes = compiled.export_model().getvalue()
        return described.encode() + b"\n" + exported

    def load_compiled(self, compiled: bytes) -> OpenVINOSession:
        """See `CompilingEngine`."""
        line, _, exported = compiled.partition(b"\n")
        described = json.loads(line)
        with signal_stack_kept():
            model = self._api.Core().import_model(exported, "CPU", self._settings)
        inputs, outputs = _tensors(described["inputs"]), _tensors(described["outputs"])
        return OpenVINOSession(self._api, inputs, outputs, model, self._batch_size)

    def _compiled(self, path: Path) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...], Any]:
        self.check_file(path)
        core = self._api.Core()
        try:
            model = core.read_model(str(path))
        except RuntimeError as error:
            broken = any(mark in str(error) for mark in _NOT_WHOLE)
            raise HarnessError(
                "model_broken" if broken else "delegate_refused", f"{path}: {sentence(error)}"
            ) from error
        batch_size = self._batch_size
        try:
            _set_batch(model, path, batch_size)
        except RuntimeError as error:
            raise HarnessError("model_unsupported", f"{path}: no batch of {batch_size}: {sentence(error)}") from error
        try:
            inputs = tuple(one_of(batch_size, _tensor(port, _readers), path) for port in model.inputs)
            outputs = tuple(one_of(batch_size, _tensor(port, _writers), path) for port in model.outputs)
            with signal_stack_kept():  # the plugin's own is freed with the model
                return inputs, outputs, core.compile_model(model, "CPU", self._settings)
        except (RuntimeError, TypeError) as error:
            raise HarnessError("delegate_refused", f"{path}: {sentence(error)}") from error


class OpenVINOSession:
    """`Session` over a compiled model."""

    def __init__(
        self, api: Any, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...], compiled: Any, batch_size: int
    ) -> None:
        self.inputs, self.outputs = inputs, outputs
        self._api, self._compiled, self._batch_size = api, compiled, batch_size

    def bind(self, outputs: Sequence[int] = (0,)) -> Invoke:
        """See `Session`; the tensors are bound once, the wrapper that would look at them each time is left out."""
        import numpy as np

        request = self._compiled.create_infer_request()
        buffer = np.zeros(batch_of(self._batch_size, self.inputs[0]), self.inputs[0].type)
        request.set_input_tensor(0, self._api.Tensor(buffer, shared_memory=True))
        wanted = [request.get_output_tensor(index).data for index in outputs]
        # without the wrapper's own, which looks at its arguments for longer than a small model runs
        (*_, infer) = (vars(base)["infer"] for base in type(request).__mro__ if "infer" in vars(base))
        run = infer.__get__(request)

        def invoke(sample: NDArray[Any]) -> Sequence[NDArray[Any]]:
            buffer[...] = sample
            run({}, share_outputs=True, decode_strings=False)
            return [output.copy() for output in wanted]

        return invoke


def _settings(spec: RuntimeSpec) -> dict[str, Any]:
    return {
        "INFERENCE_NUM_THREADS": spec.threads,
        "NUM_STREAMS": option(OpenVINO, spec, "streams"),
        "INFERENCE_PRECISION_HINT": option(OpenVINO, spec, "inference_precision"),
    }


def _imported() -> Any:
    """OpenVINO without its converter, which nobody here needs. Raises ImportError."""
    if "openvino" not in sys.modules and _CONVERTER not in sys.modules:
        sys.modules[_CONVERTER] = None  # type: ignore[assignment]  # this is how an import is made to fail
        try:
            return importlib.import_module("openvino")
        finally:
            del sys.modules[_CONVERTER]
    return importlib.import_module("openvino")


def _set_batch(model: Any, path: Path, batch_size: int) -> None:
    """A batch of any size is made one of this size. Raises RuntimeError where the model has no such batch.

    Raises HarnessError (``input_layout``) for another open dimension.
    """
    for port in model.inputs:
        batch, *others = port.get_partial_shape()
        if any(size.is_dynamic for size in others):
            raise HarnessError(
                "input_layout",
                f"{path}: found the input shape {port.get_partial_shape()}, {ONLY_BATCH_IS_OPEN}",
            )
        if batch.is_dynamic or batch_size != 1:
            model.reshape({port: [batch_size, *(size.get_length() for size in others)]})


def _tensors(described: Sequence[Mapping[str, Any]]) -> tuple[Tensor, ...]:
    return tuple(Tensor(**{**each, "shape": tuple(each["shape"])}) for each in described)


def _tensor(port: Any, next_nodes: Callable[[Any], list[Any]]) -> Tensor:
    name = port.get_element_type().to_dtype().name
    shape = tuple(map(int, port.get_partial_shape().to_shape())) if port.get_partial_shape().is_static else ()
    if name.startswith("float"):
        return Tensor(shape, name)
    return Tensor(shape, name, *next(filter(None, map(_quantization, _near(next_nodes(port), next_nodes))), (None, 0)))


def _near(nodes: Sequence[Any], next_nodes: Callable[[Any], list[Any]]) -> Iterator[Any]:
    """``nodes``, and what comes after those that change no value."""
    for node in nodes:
        yield node
        if node.get_type_name() in _KEEP_VALUES:
            yield from _near(next_nodes(node), next_nodes)


def _readers(of: Any) -> list[Any]:
    """The nodes that read an input of the model, or a node."""
    outputs = of.outputs() if hasattr(of, "outputs") else [of]
    return [target.get_node() for output in outputs for target in output.get_target_inputs()]


def _writers(of: Any) -> list[Any]:
    """The node before an output of the model, or before a node."""
    node = of if hasattr(of, "outputs") else of.get_node()
    return [i.get_source_output().get_node() for i in node.inputs()[:1]]


def _quantization(node: Any) -> tuple[float, int] | None:
    """Scale and zero point, which OpenVINO keeps as the ends of the quantized and of the real range."""
    if node.get_type_name() != "FakeQuantize":
        return None
    _, *ends = [i.get_source_output().get_node() for i in node.inputs()]
    if any(end.get_type_name() != "Constant" for end in ends):
        return None
    first, last, low, high = (float(end.get_data().flat[0]) for end in ends)
    if abs(last - first) < abs(high - low):  # of an output: from real to quantized
        first, last, low, high = low, high, first, last
    scale = (high - low) / (last - first)
    return scale, round(first - low / scale)
