"""Models: .tflite files with wrong bytes and shapes, a few measured for real: a bad one costs a trial."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from ai_edge_litert import schema_py_generated as schema

from tests.fuzz.damage import ESCAPES, FATAL, ODD
from tests.fuzz.making import Dice, Target, chance, files
from tests.fuzz.running import Input

_FILE = "models/tiny.tflite"
_EXPLORE = ("explore", "--space", "space.yaml", "--trials", "1", "--timeout", "20s")
_LOOK = (("space", "check", "space.yaml"), ("explore", "--space", "space.yaml", "--dry-run"))
_REAL = Target("space", _FILE, (_EXPLORE,), ("tiny", "own", "trial"), writes=("studies",))
_LOOKED_AT = Target("space", _FILE, _LOOK, ("tiny.tflite", "space.yaml"))


def inputs(dice: Dice) -> Iterator[Input]:
    """Looked at in every state; measured in a few, each in a process of its own that may die."""
    taken = frozenset(FATAL) - {"pipe", "folder", "socket", "dangling-link", "cyclic-link", "link-to-zero", "forbidden"}
    yield from files(dice, _LOOKED_AT, without=taken)
    for name in ("empty", "nuls", "brackets", "pipe", "sparse"):
        yield _slow(_REAL.input(dice, f"run-{name}", FATAL[name]))
    yield _slow(_REAL.input(dice, "run-half", ODD["half"]))
    for given in chance(dice, _REAL, 0.4):
        yield _slow(given)
    for name, change in _CHANGES.items():
        yield _slow(_REAL.input(dice, f"run-{name}", _packed(change)))


def _slow(given: Input) -> Input:
    return replace(given, limit_s=60.0)


def _packed(change: Callable[[schema.ModelT], None]) -> Callable[[Path], None]:
    """The model with a change of its structure: well-formed as a file, and wrong."""
    import flatbuffers

    def damage(path: Path) -> None:
        model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
        change(model)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        path.write_bytes(builder.Output())

    return damage


def _tensor(index: int, **values: object) -> Callable[[schema.ModelT], None]:
    def change(model: schema.ModelT) -> None:
        for name, value in values.items():
            setattr(model.subgraphs[0].tensors[index], name, value)

    return change


def _graph(**values: object) -> Callable[[schema.ModelT], None]:
    def change(model: schema.ModelT) -> None:
        for name, value in values.items():
            setattr(model.subgraphs[0], name, value)

    return change


def _operators(value: int) -> Callable[[schema.ModelT], None]:
    def change(model: schema.ModelT) -> None:
        for code in model.operatorCodes:
            code.builtinCode = code.deprecatedBuiltinCode = value

    return change


_CHANGES: dict[str, Callable[[schema.ModelT], None]] = {
    "input-minus-1": _graph(inputs=[-1]),
    "input-99": _graph(inputs=[99]),
    "output-minus-1": _graph(outputs=[-1]),
    "output-99": _graph(outputs=[99]),
    "no-input": _graph(inputs=[]),
    "no-output": _graph(outputs=[]),
    "no-operators": _graph(operators=[]),
    "no-graph": lambda model: setattr(model, "subgraphs", []),
    "no-buffers": lambda model: setattr(model, "buffers", []),
    "shape-2000": _tensor(0, shape=[1, 2_000, 2_000, 3]),
    "shape-huge": _tensor(0, shape=[1, 2**30, 2**30, 3]),
    "shape-0": _tensor(0, shape=[1, 0, 0, 3]),
    "shape-negative": _tensor(0, shape=[1, -8, -8, 3]),
    "shape-flat": _tensor(0, shape=[192]),
    "shape-none": _tensor(0, shape=[]),
    "batch-1000": _tensor(0, shape=[1_000, 8, 8, 3]),
    "five-channels": _tensor(0, shape=[1, 8, 8, 5]),
    "text-input": _tensor(0, type=schema.TensorType.STRING),
    "bool-input": _tensor(0, type=schema.TensorType.BOOL),
    "unknown-type": _tensor(0, type=99),
    "escaped-name": _tensor(0, name=ESCAPES.replace("\0", "")),
    "buffer-99": _tensor(3, buffer=99),
    "operator-custom": _operators(schema.BuiltinOperator.CUSTOM),
    "operator-while": _operators(schema.BuiltinOperator.WHILE),
    "version-99": lambda model: setattr(model, "version", 99),
}
