"""ONNX Runtime on the processor, with .onnx files."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from dse_harness.engines import MODEL, Example, Invoke, Option, option
from dse_harness.engines._onnx import ONLY_BATCH_IS_OPEN, OnnxFile
from dse_harness.engines._tflite import sentence
from dse_harness.errors import HarnessError
from dse_harness.protocol import RuntimeSpec
from dse_harness.tensors import Tensor, batch_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEVELS = {"all": "ORT_ENABLE_ALL", "extended": "ORT_ENABLE_EXTENDED", "basic": "ORT_ENABLE_BASIC"}
_NUMPY_NAMES = {"float": "float32", "double": "float64"}
_NO_MODEL = ("InvalidProtobuf", "InvalidGraph", "InvalidArgument")
"""Its errors that say that a file is none, whoever reads it."""


class ONNXRuntime(OnnxFile):
    """`Engine` over ONNX Runtime's provider for processors."""

    title: ClassVar[str] = "ONNX Runtime"
    packages: ClassVar[tuple[str, ...]] = ("onnxruntime",)
    delegates: ClassVar[tuple[str, ...]] = ("cpu",)
    takes_batches: ClassVar[bool] = True
    options: ClassVar[Mapping[str, tuple[Option, ...]]] = {
        "graph_optimization": (*_LEVELS, "none"),
        "arena": (True, False),
        # where the processor has no VNNI, 8-bit sums overflow without it
        "exact_integers": (False, True),
    }

    def __init__(self, spec: RuntimeSpec) -> None:
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it starts a thread otherwise
        try:
            self._api = importlib.import_module("onnxruntime")
        except ImportError as error:
            raise HarnessError("runtime_missing", f"{error}: pip install onnxruntime") from error
        self._spec = spec
        self.version: str = self._api.__version__

    @classmethod
    def example(cls, spec: RuntimeSpec) -> Example:
        """See `Example`. What is ONNX Runtime's own default is not written."""
        level = option(cls, spec, "graph_optimization")
        others = (
            (level != "all", f"graph_optimization_level = onnxruntime.GraphOptimizationLevel.{_level_name(level)}"),
            (not option(cls, spec, "arena"), "enable_cpu_mem_arena = False"),
            (option(cls, spec, "exact_integers"), 'add_session_config_entry("session.x64quantprecision", "1")'),
        )
        return Example(
            imports=("import onnxruntime",),
            load=(
                "options = onnxruntime.SessionOptions()",
                f"options.intra_op_num_threads = {spec.threads}",
                *(f"options.{line}" for wanted, line in others if wanted),
                f'session = onnxruntime.InferenceSession({MODEL}, options, providers=["CPUExecutionProvider"])',
            ),
            run=("(scores, *_) = session.run(None, {session.get_inputs()[0].name: sample})",),
        )

    def load(self, path: Path) -> ONNXRuntimeSession:
        """See `Engine`. What it reads and has no kernel for, it does not support."""
        self.check_file(path)
        try:
            session = self._api.InferenceSession(str(path), self._settings(), providers=["CPUExecutionProvider"])
        except Exception as error:  # its errors have no class of their own in common
            broken = type(error).__name__ in _NO_MODEL
            raise HarnessError(
                "model_broken" if broken else "delegate_refused", f"{path}: {sentence(error)}"
            ) from error
        return ONNXRuntimeSession(
            self._api,
            session,
            tuple(_tensor(path, "input", each, self._spec.batch_size) for each in session.get_inputs()),
            tuple(_tensor(path, "output", each, self._spec.batch_size) for each in session.get_outputs()),
            self._spec.batch_size,
        )

    def _settings(self) -> Any:
        settings, levels = self._api.SessionOptions(), self._api.GraphOptimizationLevel
        settings.intra_op_num_threads = self._spec.threads
        settings.inter_op_num_threads = 1
        settings.log_severity_level = 3  # errors, which are raised as well
        level = option(ONNXRuntime, self._spec, "graph_optimization")
        settings.graph_optimization_level = getattr(levels, _level_name(level))
        settings.enable_cpu_mem_arena = option(ONNXRuntime, self._spec, "arena")
        exact = option(ONNXRuntime, self._spec, "exact_integers")
        settings.add_session_config_entry("session.x64quantprecision", "1" if exact else "0")
        return settings


class ONNXRuntimeSession:
    """`Session` over an InferenceSession."""

    def __init__(
        self, api: Any, session: Any, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...], batch_size: int
    ) -> None:
        self.inputs, self.outputs = inputs, outputs
        self._api, self._session, self._batch_size = api, session, batch_size

    def bind(self, outputs: Sequence[int] = (0,)) -> Invoke:
        """See `Session`; the tensors are bound once, and the wrapper that checks them each time is left out."""
        import numpy as np

        def bound(tensor: Tensor) -> tuple[NDArray[Any], Any]:
            memory = np.zeros(batch_of(self._batch_size, tensor), tensor.type)
            return memory, self._api.OrtValue.ortvalue_from_numpy(memory, "cpu", 0)

        binding = self._session.io_binding()
        buffer, value = bound(self.inputs[0])
        binding.bind_ortvalue_input(self._session.get_inputs()[0].name, value)
        found = {}
        for index in {*outputs} or {0}:
            found[index], value = bound(self.outputs[index])
            binding.bind_ortvalue_output(self._session.get_outputs()[index].name, value)
        wanted = [found[index] for index in outputs]
        run, tensors = self._session._sess.run_with_iobinding, binding._iobinding

        def invoke(sample: NDArray[Any]) -> Sequence[NDArray[Any]]:
            buffer[...] = sample
            try:
                run(tensors, None)
            except Exception as error:
                raise RuntimeError(str(error)) from error
            return [output.copy() for output in wanted]

        return invoke


def _level_name(level: str) -> str:
    return _LEVELS.get(level, "ORT_DISABLE_ALL")


def _tensor(path: Path, what: str, described: Any, batch_size: int) -> Tensor:
    """One image's part, of a batch of any size or of this one.

    Raises HarnessError for another open dimension (``input_layout``), and for another batch (``model_unsupported``).
    """
    first, *others = described.shape or (1,)
    if batch_size != 1 and first == 1:
        raise HarnessError(
            "model_unsupported", f"{path}: no batch of {batch_size}: the {what} {described.name} is of one image"
        )
    shape = (1 if first == batch_size or not isinstance(first, int) else first, *others)
    if not all(isinstance(size, int) for size in shape):
        raise HarnessError(
            "input_layout",
            f"{path}: found the {what} {described.name} {described.shape}, {ONLY_BATCH_IS_OPEN}",
        )
    name = described.type.removeprefix("tensor(").removesuffix(")")
    return Tensor(shape, _NUMPY_NAMES.get(name, name))
