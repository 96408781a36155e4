"""OpenVINO on the processor, with the same .tflite files.

With as many streams as it likes, OpenVINO hands each inference to a thread of its own: a small model then takes three
to four times as long. With ``NUM_STREAMS`` 0 the caller's thread runs it, as in the other engines.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from dse_harness.engines import Invoke
from dse_harness.engines._tflite import TfliteFile, sentence
from dse_harness.errors import HarnessError
from dse_harness.protocol import RuntimeSpec
from dse_harness.tensors import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray


class OpenVINO(TfliteFile):
    """`Engine` over OpenVINO's plugin for processors."""

    title: ClassVar[str] = "OpenVINO"
    packages: ClassVar[tuple[str, ...]] = ("openvino",)
    delegates: ClassVar[tuple[str, ...]] = ("cpu",)

    def __init__(self, spec: RuntimeSpec) -> None:
        try:
            self._api = importlib.import_module("openvino")
        except ImportError as error:
            raise HarnessError("runtime_missing", f"{error}: pip install openvino") from error
        self._spec = spec
        self.version: str = self._api.__version__.partition("-")[0]

    def load(self, path: Path) -> OpenVINOSession:
        """See `Engine`. What it reads and cannot compile, it does not support."""
        self.check_file(path)
        core = self._api.Core()
        try:
            model = core.read_model(str(path))
        except RuntimeError as error:
            refused = "VerifyModelBuffer" not in str(error)  # the file is whole, and has what OpenVINO does not take
            raise HarnessError(
                "delegate_refused" if refused else "model_broken", f"{path}: {sentence(error)}"
            ) from error
        try:
            settings = {"INFERENCE_NUM_THREADS": self._spec.threads, "NUM_STREAMS": 0}
            compiled = core.compile_model(model, "CPU", settings)
            return OpenVINOSession(self._api, model, compiled)
        except (RuntimeError, TypeError) as error:
            raise HarnessError("delegate_refused", f"{path}: {sentence(error)}") from error


class OpenVINOSession:
    """`Session` over a compiled model."""

    def __init__(self, api: Any, model: Any, compiled: Any) -> None:
        self.inputs = tuple(_tensor(port, _readers(port)) for port in model.inputs)
        self.outputs = tuple(_tensor(port, _writers(port)) for port in model.outputs)
        self._api, self._compiled = api, compiled

    def bind(self, outputs: Sequence[int] = (0,)) -> Invoke:
        """See `Session`; the tensors are bound once, the wrapper that would look at them each time is left out."""
        import numpy as np

        request = self._compiled.create_infer_request()
        buffer = np.zeros(self.inputs[0].shape, self.inputs[0].type)
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


def _tensor(port: Any, neighbours: Sequence[Any]) -> Tensor:
    name = port.get_element_type().to_dtype().name
    shape = tuple(map(int, port.get_partial_shape().to_shape())) if port.get_partial_shape().is_static else ()
    if name.startswith("float"):
        return Tensor(shape, name)
    return Tensor(shape, name, *next(filter(None, map(_quantization, neighbours)), (None, 0)))


def _readers(port: Any) -> list[Any]:
    """The nodes behind the conversion of an input."""
    converted = [found for target in port.get_target_inputs() for found in target.get_node().outputs()]
    return [target.get_node() for output in converted for target in output.get_target_inputs()]


def _writers(port: Any) -> list[Any]:
    """The nodes before the conversion of an output."""
    result = port.get_node()
    before = [i.get_source_output().get_node() for i in result.inputs()]
    return [i.get_source_output().get_node() for node in before for i in node.inputs()] + before


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
