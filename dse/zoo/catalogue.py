"""What the zoo has: its networks with their measured facts, its parameters, and a version of it all.

Imports the standard library only, so that a command line can ask without waiting.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Literal, get_args

from dse.shipped import shipped
from dse.zoo.architecture import SIDES, Family

Form = Literal["minimalistic", "full"]
HardSwishForm = Literal["operator", "decomposed"]
Precision = Literal[
    "float32", "float16", "int8", "int8_dynamic", "int8_weight_only", "int4_dynamic", "int4_weight_only"
]
OnnxPrecision = Literal["float32", "float16", "int8", "int8_weight_only", "int4_weight_only"]
Format = Literal["tflite", "onnx"]

SCHEMA = 1
_WRITERS: dict[str, int] = {"tflite": 1, "onnx": 1}
"""Raised with every change of the files that are written: tests/zoo/test_writer.py and test_onnx.py have digests."""


class ZooError(ValueError):
    """A variant that the zoo does not have. The message says what was asked for and what there is."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A trained network. ``accuracy_percent`` is top-1 of the float32 network on the validation images, by side."""

    name: str
    family: Family
    form: Form
    width: float
    parameters: int
    epochs: int
    seed: int
    train_loss: float
    accuracy_percent: dict[int, float]
    million_macs: dict[int, float]
    weights_bytes: int
    weights_sha256: str
    checkpoint_sha256: str


@cache
def entries() -> dict[str, Entry]:
    """The networks by name, smallest first."""
    document = json.loads(_folder().joinpath("networks.json").read_bytes())
    if document["schema"] != SCHEMA:
        raise ZooError(f"networks.json has schema {document['schema']}; this version reads {SCHEMA}")
    by_side = ("accuracy_percent", "million_macs")
    return {
        row["name"]: Entry(**row | {key: {int(side): value for side, value in row[key].items()} for key in by_side})
        for row in document["networks"]
    }


def networks() -> list[str]:
    """The names of the trained networks, smallest first, e.g. ``small_minimalistic_0.35``."""
    return list(entries())


@cache
def parameters() -> Mapping[str, tuple[str | float, ...]]:
    """The arguments of ``build`` and their levels; ``file_format`` is the first where nobody says.

    Not every family, form and width has been trained together: ``entries`` has those that were. ``hard_swish`` exists
    in the form ``full`` only.
    """
    trained = entries().values()
    return {
        "family": tuple(sorted({entry.family for entry in trained}, key=get_args(Family).index)),
        "form": tuple(sorted({entry.form for entry in trained}, key=get_args(Form).index)),
        "width": tuple(sorted({entry.width for entry in trained})),
        "side": SIDES,
        "precision": get_args(Precision),
        "hard_swish": get_args(HardSwishForm),
        "file_format": get_args(Format),
    }


def find(
    family: str, form: str, width: float, side: int, precision: str, hard_swish: str | None, file_format: str = "tflite"
) -> tuple[Entry, Precision]:
    """The network of a variant and its checked precision. Raises ZooError when the zoo does not have the variant."""
    entry = next((e for e in entries().values() if (e.family, e.form, e.width) == (family, form, width)), None)
    if entry is None:
        raise ZooError(f"no network of family {family!r}, form {form!r}, width {width!r}; there are {_listed()}")
    require("side", side, SIDES)
    written = find_precision(precision, file_format)
    if form == "full":
        require("hard_swish", hard_swish, get_args(HardSwishForm))
    elif hard_swish is not None:
        raise ZooError(f"hard_swish is {hard_swish!r}, but minimalistic networks have no hard-swish; leave it out")
    return entry, written


def find_precision(precision: str, file_format: str) -> Precision:
    """The checked precision. Raises ZooError for one that no file of this format has."""
    require("file_format", file_format, get_args(Format))
    require("precision", precision, get_args(Precision))
    if file_format == "onnx" and precision not in get_args(OnnxPrecision):
        raise ZooError(f"the zoo writes no {precision} as ONNX; allowed: {', '.join(get_args(OnnxPrecision))}")
    return next(known for known in get_args(Precision) if known == precision)


@cache
def version(file_format: str = "tflite") -> str:
    """Hexadecimal SHA-256 that changes when a file that ``build`` returns might: weights, writer, its libraries."""
    return version_with((_folder() / "networks.json").read_bytes(), file_format)  # it has the digests of the weights


def version_with(weights: bytes, file_format: str) -> str:
    """`version` of files made from what ``weights`` tell apart."""
    digest = hashlib.sha256(f"writer {_WRITERS[file_format]}\n".encode())
    digest.update(weights)
    for package in ("flatbuffers", "numpy"):
        digest.update(f"{package} {metadata.version(package)}\n".encode())
    return digest.hexdigest()


def weights_file(name: str) -> Path:
    """The weights of the network ``name``."""
    return _folder() / "weights" / f"{name}.npz"


def validation_path() -> Path:
    """Fashion-MNIST's test split: ``images`` uint8 ``[10000, 28, 28]``, ``labels`` uint8; any prefix is stratified."""
    return shipped("fashion_mnist", "validation.npz")


def calibration_path() -> Path:
    """200 images of the training split, in the same form."""
    return shipped("fashion_mnist", "calibration.npz")


def _folder() -> Path:
    return shipped("zoo")


def _listed() -> str:
    return ", ".join(f"{e.family} {e.form} {e.width}" for e in entries().values())


def require(name: str, value: object, allowed: Sequence[object]) -> None:
    """Raise ZooError unless ``value`` is one of ``allowed``."""
    if value not in allowed:
        raise ZooError(f"{name} is {value!r}; allowed: {', '.join(map(repr, allowed))}")
