"""Apache TVM as an engine of dse: .tflite files of floats, compiled for this processor and not tuned."""

from __future__ import annotations

import json
import os
import struct
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from dse_harness.engines import Invoke
from dse_harness.errors import HarnessError
from dse_harness.protocol import RuntimeSpec
from dse_harness.tensors import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

_IDENTIFIER = b"TFL3"
_CUT_OFF = (IndexError, struct.error, UnicodeDecodeError)
"""What the package tflite raises where a file points beyond its end."""
_UNKNOWN = (RuntimeError, ValueError, TypeError, LookupError, AttributeError, AssertionError, NotImplementedError)
"""What TVM's importer raises for an operator, a type or an attribute that it does not know."""
_FLOATS = {0: "float32", 1: "float16"}
_INT32 = 2
"""Of shapes and axes."""


class TVM:
    """`dse_harness.engines.CompilingEngine` over Relax, TVM's representation of networks."""

    title: ClassVar[str] = "Apache TVM"
    packages: ClassVar[tuple[str, ...]] = ("apache-tvm", "tflite")
    suffixes: ClassVar[tuple[str, ...]] = (".tflite",)
    delegates: ClassVar[tuple[str, ...]] = ("llvm",)

    def __init__(self, spec: RuntimeSpec) -> None:
        os.environ["TVM_NUM_THREADS"] = str(spec.threads)  # read when its threads start
        try:
            import tflite
            import tvm
            from tvm import relax
            from tvm.relax.frontend.tflite import from_tflite
        except ImportError as error:
            raise HarnessError("runtime_missing", f"{error}: pip install apache-tvm tflite") from error
        self._tvm, self._relax, self._from_tflite, self._tflite = tvm, relax, from_tflite, tflite
        self.version: str = tvm.__version__

    @classmethod
    def check_file(cls, path: Path) -> None:
        """A FlatBuffer says what it is in bytes 4 to 7. Raises HarnessError."""
        if not path.is_file():
            raise HarnessError("model_missing", f"{path}: no such file")
        with path.open("rb") as file:
            head = file.read(8)
        if head[4:] != _IDENTIFIER:
            raise HarnessError(
                "model_broken", f"{path}: found {head[4:]!r} as file identifier, allowed: {_IDENTIFIER!r}"
            )

    def load(self, path: Path) -> TVMSession:
        """See `dse_harness.engines.Engine`."""
        inputs, outputs, executable = self._compiled(path)
        return self._session(inputs, outputs, executable)

    def compile(self, path: Path) -> bytes:
        """A line with the tensors, and a shared library, which a C compiler links."""
        inputs, outputs, executable = self._compiled(path)
        with tempfile.TemporaryDirectory(prefix="dse-tvm-") as folder:
            library = Path(folder, "model.so")
            try:
                executable.export_library(str(library))
            except (RuntimeError, OSError) as error:
                said = " ".join(str(error).split())
                raise HarnessError(
                    "runtime_missing", f"no C compiler links the model: {said}: apt-get install gcc"
                ) from None
            described = json.dumps({"inputs": [*map(asdict, inputs)], "outputs": [*map(asdict, outputs)]})
            return described.encode() + b"\n" + library.read_bytes()

    def load_compiled(self, compiled: bytes) -> TVMSession:
        """See `dse_harness.engines.CompilingEngine`."""
        line, _, library = compiled.partition(b"\n")
        described = json.loads(line)
        with tempfile.TemporaryDirectory(prefix="dse-tvm-") as folder:
            path = Path(folder, "model.so")
            path.write_bytes(library)
            module = self._tvm.runtime.load_module(str(path))  # it stays mapped when the file is gone
        return self._session(_tensors(described["inputs"]), _tensors(described["outputs"]), module)

    def _session(self, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...], executable: Any) -> TVMSession:
        machine = self._relax.VirtualMachine(executable, self._tvm.cpu())
        return TVMSession(self._tvm, inputs, outputs, machine)

    def _compiled(self, path: Path) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...], Any]:
        self.check_file(path)
        try:
            model = self._tflite.Model.GetRootAsModel(path.read_bytes(), 0)
            _require_floats(model, path)
            module = self._from_tflite(model)
            main = module["main"]
            inputs = tuple(_tensor(parameter.ty) for parameter in main.params)
            outputs = tuple(map(_tensor, getattr(main.ret_ty, "fields", [main.ret_ty])))
            return inputs, outputs, self._tvm.compile(module, target=self._target())
        except _CUT_OFF as error:
            raise HarnessError("model_broken", f"{path}: it is cut off, or no model: {error}") from error
        except _UNKNOWN as error:
            said = " ".join(str(error).split())[:300]
            raise HarnessError("delegate_refused", f"{path}: TVM does not take it: {said}") from error

    def _target(self) -> Any:
        """This processor, with all that it has."""
        processor = self._tvm.get_global_func("target.llvm_get_system_cpu")()
        return self._tvm.target.Target({"kind": "llvm", "mcpu": str(processor)})


class TVMSession:
    """`dse_harness.engines.Session` over a virtual machine of Relax."""

    def __init__(self, tvm: Any, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...], machine: Any) -> None:
        self.inputs, self.outputs = inputs, outputs
        self._tensor, self._main, self._machine = tvm.runtime.tensor, machine["main"], machine

    def bind(self, outputs: Sequence[int] = (0,)) -> Invoke:
        """See `dse_harness.engines.Session`."""
        tensor, main, alone = self._tensor, self._main, len(self.outputs) == 1

        def invoke(sample: NDArray[Any]) -> Sequence[NDArray[Any]]:
            found = main(tensor(sample))
            answers = [found] if alone else found
            return [answers[number].numpy() for number in outputs]

        return invoke


def _require_floats(model: Any, path: Path) -> None:
    """Nobody has tried whether TVM computes in integers as TensorFlow Lite does. Raises HarnessError."""
    graph = model.Subgraphs(0)
    types = {graph.Tensors(number).Type() for number in range(graph.TensorsLength())}
    if others := types - _FLOATS.keys() - {_INT32}:
        raise HarnessError(
            "delegate_refused",
            f"{path}: found tensors of type {', '.join(map(str, sorted(others)))} of the schema, allowed: "
            f"{', '.join(_FLOATS.values())}; whether quantized models come out right with TVM is untried",
        )


def _tensor(type_: Any) -> Tensor:
    return Tensor(tuple(int(size) for size in type_.shape), str(type_.dtype))


def _tensors(described: Sequence[dict[str, Any]]) -> tuple[Tensor, ...]:
    return tuple(Tensor(**{**each, "shape": tuple(each["shape"])}) for each in described)
