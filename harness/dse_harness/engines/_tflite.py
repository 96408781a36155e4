"""What LiteRT and tflite-runtime share: the file, and the Interpreter class."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from dse_harness.engines import MODEL, Example, Invoke
from dse_harness.engines._file import first_bytes
from dse_harness.errors import HarnessError
from dse_harness.protocol import RuntimeSpec
from dse_harness.tensors import Tensor, one_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

_IDENTIFIER = b"TFL3"


class TfliteFile:
    """What engines that read .tflite files know of them."""

    suffixes: ClassVar[tuple[str, ...]] = (".tflite",)

    @classmethod
    def check_file(cls, path: Path) -> None:
        """A FlatBuffer says what it is in bytes 4 to 7. Raises HarnessError."""
        head = first_bytes(path)
        if head[4:8] != _IDENTIFIER:
            raise HarnessError(
                "model_broken",
                f"{path}: found {head[4:8]!r} as file identifier, allowed: {_IDENTIFIER!r} (a .tflite file)",
            )


class TfliteEngine(TfliteFile):
    """`Engine` over the Interpreter class of the package ``module``."""

    delegates: ClassVar[tuple[str, ...]] = ("xnnpack", "builtin")
    takes_batches: ClassVar[bool] = True

    module: ClassVar[str]
    install: ClassVar[str]

    def __init__(self, spec: RuntimeSpec) -> None:
        try:
            package = importlib.import_module(self.module)
            self._api = importlib.import_module(f"{self.module}.interpreter")
        except ImportError as error:
            raise HarnessError("runtime_missing", f"{error}: {self.install}") from error
        self._spec = spec
        self.version: str = getattr(package, "__version__", None) or _installed_version(package)

    @classmethod
    def example(cls, spec: RuntimeSpec) -> Example:
        """See `Example`. XNNPACK is the interpreter's default."""
        names, resolver = "Interpreter", ""
        if spec.delegate == "builtin":
            names += ", OpResolverType"
            resolver = ", experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES"
        return Example(
            imports=(f"from {cls.module}.interpreter import {names}",),
            load=(
                f"interpreter = Interpreter({MODEL}, num_threads={spec.threads}{resolver})",
                "interpreter.allocate_tensors()",
            ),
            run=(
                'interpreter.set_tensor(interpreter.get_input_details()[0]["index"], sample)',
                "interpreter.invoke()",
                'scores = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])',
            ),
        )

    def load(self, path: Path) -> InterpreterSession:
        """See `Engine`. Whose fault it is that a model does not load: the delegate's, if it loads without one."""
        self.check_file(path)
        try:
            interpreter = self._allocated(path, self._spec.delegate)
        except (ValueError, RuntimeError) as error:
            raise self._load_failure(path, sentence(error)) from error
        try:
            return InterpreterSession(interpreter, path, self._spec.batch_size)
        except (ValueError, RuntimeError, TypeError, LookupError, OverflowError) as error:  # a graph without sense
            raise HarnessError(
                "model_broken", f"{path}: its inputs or outputs cannot be read: {sentence(error)}"
            ) from error

    def _allocated(self, path: Path, delegate: str, batch_size: int | None = None) -> Any:
        resolvers = self._api.OpResolverType
        interpreter = self._api.Interpreter(
            model_path=str(path),
            num_threads=self._spec.threads,
            experimental_op_resolver_type=(
                resolvers.AUTO if delegate == "xnnpack" else resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES
            ),
        )
        wanted = self._spec.batch_size if batch_size is None else batch_size
        if wanted != 1:
            (image, *_) = interpreter.get_input_details()
            interpreter.resize_tensor_input(image["index"], [wanted, *image["shape"][1:]])
        interpreter.allocate_tensors()
        return interpreter

    def _load_failure(self, path: Path, sentence: str) -> HarnessError:
        if self._spec.batch_size != 1 and self._loads_alone(path):
            return HarnessError("model_unsupported", f"{path}: no batch of {self._spec.batch_size}: {sentence}")
        if self._spec.delegate != "builtin":
            try:
                self._allocated(path, "builtin")
            except (ValueError, RuntimeError):
                return HarnessError("model_broken", f"{path}: {sentence}")
            return HarnessError("delegate_refused", f"{path}: {sentence}")
        return HarnessError("model_broken", f"{path}: {sentence}")

    def _loads_alone(self, path: Path) -> bool:
        try:
            self._allocated(path, self._spec.delegate, 1)
        except (ValueError, RuntimeError):
            return False
        return True


class InterpreterSession:
    """`Session` over an interpreter whose tensors are allocated."""

    def __init__(self, interpreter: Any, path: Path, batch_size: int) -> None:
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        self.inputs = tuple(one_of(batch_size, _tensor(details), path) for details in inputs)
        self.outputs = tuple(one_of(batch_size, _tensor(details), path) for details in outputs)
        self._interpreter = interpreter
        self._input_index = inputs[0]["index"] if inputs else None
        self._output_indices = [details["index"] for details in outputs]

    def bind(self, outputs: Sequence[int] = (0,)) -> Invoke:
        """See `Session`; everything is looked up once."""
        interpreter, input_index = self._interpreter, self._input_index
        set_tensor, run, get_tensor = interpreter.set_tensor, interpreter.invoke, interpreter.get_tensor
        indices = [self._output_indices[output] for output in outputs]
        if len(indices) != 1:

            def invoke_for_several(sample: NDArray[Any]) -> Sequence[NDArray[Any]]:
                set_tensor(input_index, sample)
                run()
                return [get_tensor(index) for index in indices]

            return invoke_for_several
        output_index = indices[0]

        def invoke(sample: NDArray[Any]) -> Sequence[NDArray[Any]]:
            set_tensor(input_index, sample)
            run()
            return (get_tensor(output_index),)

        return invoke


def _tensor(details: Mapping[str, Any]) -> Tensor:
    import numpy as np

    name = np.dtype(details["dtype"]).name
    scale, zero_point = details["quantization"]
    quantized = not name.startswith("float")
    return Tensor(tuple(map(int, details["shape"])), name, float(scale) if quantized else None, int(zero_point))


def sentence(error: Exception) -> str:
    """What an engine says, on one line."""
    return " ".join(str(error).split())


def _installed_version(package: Any) -> str:
    """From the name of the metadata folder beside it: `importlib.metadata` would take longer than the model to load."""
    folder = Path(package.__file__).parent
    for metadata in folder.parent.glob(f"{folder.name}*.dist-info"):
        return metadata.name.removesuffix(".dist-info").rpartition("-")[2]
    raise HarnessError("runtime_missing", f"{folder}: no version to be found; install it with pip")
