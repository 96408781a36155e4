"""What executes a model: one class for each engine, behind one protocol. Only the engine asked for is imported.

A module of an engine imports neither the engine nor NumPy when it is loaded: dse asks its class for names and packages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from dse_harness.errors import HarnessError
from dse_harness.protocol import RuntimeSpec
from dse_harness.registry import Registry, RegistryError, UnknownEntryError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dse_harness.tensors import Tensor

Invoke = Callable[["NDArray[Any]"], Sequence["NDArray[Any]"]]
"""An input ``[batch, ...]`` to copies of outputs. Raises ValueError, RuntimeError with the engine's sentence."""


class Session(Protocol):
    """A model loaded and ready to run. Its tensors are those of one image, whatever `RuntimeSpec.batch_size` is."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    def bind(self, outputs: Sequence[int] = (0,)) -> Invoke:
        """What runs the model and returns these of its outputs; this is what LoadGen times."""
        ...


class Engine(Protocol):
    """An engine for one measurement: made from a request's `RuntimeSpec`, it loads one model.

    The constructor imports the engine and raises HarnessError (``runtime_missing``) with the command that installs it.
    """

    title: ClassVar[str]
    """The engine's own name, as a submission has it: ``LiteRT``."""
    packages: ClassVar[tuple[str, ...]]
    """The distributions to install, as PyPI calls them. The version of the first one is the engine's."""
    suffixes: ClassVar[tuple[str, ...]]
    """How the names of its model files end: ``.tflite``."""
    delegates: ClassVar[tuple[str, ...]]
    """What `RuntimeSpec.delegate` may be: the kernels or devices that it can run a model with, its default first."""

    version: str

    def __init__(self, spec: RuntimeSpec) -> None: ...

    @classmethod
    def check_file(cls, path: Path) -> None:
        """Refuse what is plainly no model of this engine, which it might crash on. Raises HarnessError.

        The classes are ``model_missing`` and ``model_broken``.
        """
        ...

    def load(self, path: Path) -> Session:
        """The model, ready to run with the request's threads and delegate. Raises HarnessError."""
        ...


@runtime_checkable
class CompilingEngine(Protocol):
    """An engine that takes longer to compile a model than to measure it: `dse_harness.compiled` keeps what it made."""

    version: str

    def compile(self, path: Path) -> bytes:
        """What `load_compiled` reads. In a process of its own, whose time and memory nobody measures. As `load`."""
        ...

    def load_compiled(self, compiled: bytes) -> Session:
        """What `load` returns, without compiling again. Raises ValueError, RuntimeError for what it did not write."""
        ...


Option = str | int | float | bool


def options_of(engine: type[Engine]) -> Mapping[str, Sequence[Option]]:
    """The settings that only this engine has: a class attribute ``options``, each with its levels, the default first.

    An engine without the attribute has none.
    """
    return getattr(engine, "options", {})


@dataclass(frozen=True)
class Example:
    """Lines of Python that run a model with the engine alone, with the settings of a request.

    ``imports`` come first. ``load`` makes the model in the file `MODEL` ready. ``run`` makes ``scores``, the first
    output, of ``sample``, an input.
    """

    imports: tuple[str, ...]
    load: tuple[str, ...]
    run: tuple[str, ...]


MODEL = "MODEL"
"""The name under which an `Example` finds the path of its model file, a str."""


def example_of(engine: type[Engine], spec: RuntimeSpec) -> Example | None:
    """How to run a model as ``spec`` says without dse: what the engine's class method ``example`` says.

    None for an engine without one.
    """
    example = getattr(engine, "example", None)
    return None if example is None else example(spec)


def takes_batches(engine: type[Engine]) -> bool:
    """Whether it can run several images at once: a class attribute ``takes_batches``. One without it runs one."""
    return getattr(engine, "takes_batches", False)


def no_batches(name: str, engine: type[Engine], batch_size: int) -> str | None:
    """Why the engine of this name runs no ``batch_size`` images at once; None where it does."""
    if batch_size == 1 or takes_batches(engine):
        return None
    return f"batch_size: found {batch_size}, allowed for {name}: 1, the engine runs one image at a time"


ENGINES: Registry[type[Engine]] = Registry(
    "dse.engines",
    {
        "litert": "dse_harness.engines.litert:LiteRT",
        "onnxruntime": "dse_harness.engines.onnxruntime:ONNXRuntime",
        "openvino": "dse_harness.engines.openvino:OpenVINO",
        "tflite-runtime": "dse_harness.engines.tflite_runtime:TfliteRuntime",
    },
    needs=("title", "packages", "suffixes", "delegates", "check_file", "load"),
)


def engine_named(name: str) -> type[Engine]:
    """The class of the engine of this name. Raises HarnessError (``bad_request``, ``runtime_missing``)."""
    try:
        return ENGINES.get(name)
    except UnknownEntryError as error:
        allowed = ", ".join(error.allowed)
        raise HarnessError("bad_request", f"runtime.name: found {name!r}, allowed: {allowed}") from error
    except RegistryError as error:
        raise HarnessError("runtime_missing", str(error)) from error


def engine_of(spec: RuntimeSpec) -> type[Engine]:
    """The class of the engine that ``spec`` names, which has the delegate and options. Raises as `engine_named`."""
    engine = engine_named(spec.name)
    if spec.delegate not in engine.delegates:
        raise HarnessError(
            "bad_request",
            f"runtime.delegate: found {spec.delegate!r}, allowed for {spec.name}: {', '.join(engine.delegates)}",
        )
    if reason := no_batches(spec.name, engine, spec.batch_size):
        raise HarnessError("bad_request", f"runtime.{reason}")
    known = options_of(engine)
    for name, level in spec.options.items():
        if name not in known:
            allowed = f"{', '.join(known) or 'none'}, the options of {spec.name}"
            raise HarnessError("bad_request", f"runtime.options: found {name!r}, allowed: {allowed}")
        if not any(level == other and type(level) is type(other) for other in known[name]):
            allowed = ", ".join(map(str, known[name]))
            raise HarnessError("bad_request", f"runtime.options.{name}: found {level!r}, allowed: {allowed}")
    return engine


def option(engine: type[Engine], spec: RuntimeSpec, name: str) -> Any:
    """What ``spec`` says of this option of the engine, or the engine's default."""
    return spec.options.get(name, options_of(engine)[name][0])


def open_engine(spec: RuntimeSpec) -> Engine:
    """The engine that ``spec`` names, imported. Raises HarnessError (``bad_request``, ``runtime_missing``)."""
    return engine_of(spec)(spec)


def installed_version(engine: type[Engine]) -> str | None:
    """The version that this interpreter has, None where it has none. The engine is not imported."""
    from importlib import metadata  # takes longer than many a model to load

    try:
        return metadata.version(engine.packages[0])
    except metadata.PackageNotFoundError:
        return None
