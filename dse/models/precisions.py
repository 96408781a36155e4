"""A float model of one's own in other precisions, made on demand by the quantizer of its format and kept by content."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from dse.core.configuration import Value
from dse.errors import MachineError, ModelError, ModelRefusedError
from dse.files import fingerprint, write_json
from dse.models._base import ModelFile
from dse.models.cache import kept
from dse.models.calibration import Calibration
from dse.models.contents import ModelContents, read_contents
from dse.models.file import FileSource
from dse.paths import using_cache
from dse.processes import run
from dse.reading import read_json

AS_IT_IS = "float32"
CALIBRATED = "int8"
"""The one whose ranges come from images."""

_RECIPES = 2
"""Raised when `dse.models.quantizing` makes other files of the same model, images and versions."""
_SCHEMA = 1
_TIMEOUT_S = 3600.0


@dataclass(frozen=True)
class Quantizer:
    """What makes precisions of files of one format: those that it knows, and the distributions that it needs."""

    precisions: tuple[str, ...]
    packages: tuple[str, ...]
    extras: str


QUANTIZERS: Mapping[str, Quantizer] = {
    ".tflite": Quantizer(
        ("float32", "float16", "int8", "int8_dynamic", "int8_weight_only", "int4_dynamic", "int4_weight_only"),
        ("ai-edge-quantizer", "ai-edge-litert"),
        "quantize",
    ),
    ".onnx": Quantizer(("float32", "int8", "int8_dynamic"), ("onnxruntime", "onnx"), "onnxruntime,quantize"),
}
"""By the ending of the file's name."""


def versions(suffix: str) -> dict[str, str]:
    """The versions of what makes precisions of such files. Raises MachineError with the command that installs it."""
    found = {}
    quantizer = QUANTIZERS[suffix]
    for package in quantizer.packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            raise MachineError(
                f"precisions of {suffix} files need {package}, which is not installed",
                hint=f"pip install 'dse[{quantizer.extras}]'",
            ) from None
    return found


@dataclass(frozen=True)
class PrecisionSource(FileSource):
    """A float model in ``precisions``, the levels of a parameter ``precision``; ``cache`` keeps those that are made.

    What the quantizer refuses is remembered as well: `make` then raises ModelRefusedError, and starts nothing.
    """

    precisions: tuple[str, ...] = (AS_IT_IS,)
    cache: Path = Path()
    calibration: Calibration | None = None

    @property
    def parameters(self) -> Mapping[str, tuple[Value, ...]]:
        """The precision."""
        return {"precision": self.precisions}

    def check(self, variant: Mapping[str, Value]) -> None:
        """Raise ValueError for a precision that it does not have; ModelError as `FileSource.check` does."""
        if variant.get("precision", self.precisions[0]) not in self.precisions:
            raise ValueError(f"found the precision {variant['precision']}, allowed: {', '.join(self.precisions)}")
        super().check(variant)

    def check_file(self) -> None:
        """Raise ModelError for a model of which no precisions can be made, MachineError where a package is missing."""
        allowed = require_float(self.path)
        if unknown := [each for each in self.precisions if each not in allowed]:
            raise ModelError(
                f"found the precision {unknown[0]}, allowed of {self.path.suffix} files: {', '.join(allowed)}",
                path=self.path,
                hint="remove it",
            )
        if self.precisions != (AS_IT_IS,):
            _ = self._versions

    def known_identity(self, variant: Mapping[str, Value]) -> dict[str, Value]:
        """See `identity`."""
        return self.identity(variant)

    def known_bytes(self, variant: Mapping[str, Value]) -> int | None:
        """The size of the file as it is; None of what is made of it."""
        return super().known_bytes(variant) if _precision(variant) == AS_IT_IS else None

    def identity(self, variant: Mapping[str, Value]) -> dict[str, Value]:
        """The file's SHA-256, and what another precision is made with. Raises ModelError, MachineError."""
        precision, found = _precision(variant), super().identity(variant)
        if precision == AS_IT_IS:
            return found
        found |= {"precision": precision, "recipes": _RECIPES, **self._versions}
        if precision == CALIBRATED and self.calibration:
            found["calibration"] = self._calibration_identity
        return found

    def make(self, variant: Mapping[str, Value]) -> ModelFile:
        """The file, or what is made of it on first use. Raises ModelRefusedError, ModelError, MachineError."""
        precision = _precision(variant)
        if precision == AS_IT_IS:
            return super().make(variant)
        name = fingerprint(self.identity(variant))
        refusal = self.cache / f"{name}.refused.json"
        if (reason := _recall(refusal)) is not None:
            raise ModelRefusedError(reason, path=self.path)
        try:
            return kept(self.cache, name, lambda: [self._quantized(precision)], self.path.suffix)
        except ModelRefusedError as error:
            with using_cache(self.cache):
                write_json(refusal, {"schema": _SCHEMA, "refused": error.message})
            raise

    @cached_property
    def _versions(self) -> dict[str, str]:
        return versions(self.path.suffix)

    @cached_property
    def _calibration_identity(self) -> str:
        assert self.calibration
        return self.calibration.identity()

    def _quantized(self, precision: str) -> bytes:
        request: dict[str, Any] = {"model": str(self.path), "sha256": self._sha256, "precision": precision}
        if precision == CALIBRATED and self.calibration:
            spec = self.calibration.data_set.spec
            request |= {
                "data_set": {"name": spec.name, "path": spec.path, "sha256": spec.sha256, "labels": spec.labels},
                "preprocessing": self.calibration.preprocessing.model_dump(),
                "images": self.calibration.images(),
            }
        with tempfile.TemporaryDirectory(prefix="dse-") as name:
            folder = Path(name)
            write_json(folder / "request.json", request)
            command = [sys.executable, "-m", "dse.models.quantizing", name]
            done = run(command, folder=folder, log=folder / "said", timeout_s=_TIMEOUT_S)
            if done.timed_out:
                raise ModelError(f"making {precision} of it took more than {_TIMEOUT_S / 60:g} min", path=self.path)
            if done.returncode:
                said = f"{done.reason}: {done.last_words}" if done.returncode > 0 else done.reason
                raise ModelError(f"making {precision} of it failed: {said}", path=self.path)
            answer = read_json(folder / "answer.json")
            if "refused" in answer:
                raise ModelRefusedError(f"cannot be had in {precision}: {answer['refused']}", path=self.path)
            if "failed" in answer:
                raise ModelError(f"making {precision} of it failed: {answer['failed']}", path=self.path)
            return (folder / "model").read_bytes()


def require_float(path: Path) -> tuple[str, ...]:
    """The precisions that can be made of the model at ``path``. Raises ModelError for one that is not float32."""
    if path.suffix not in QUANTIZERS:
        raise ModelError(f"precisions are made of {' and '.join(QUANTIZERS)} files", path=path, hint="remove precision")
    if reason := not_float(read_contents(path)):
        raise ModelError(reason, path=path, hint="remove precision to measure it as it is, or name its float32 file")
    return QUANTIZERS[path.suffix].precisions


def not_float(contents: ModelContents) -> str | None:
    """Why no precisions can be made of a model, with what was found and what is allowed; None where they can."""
    if len(contents.inputs) != 1:
        return f"found {len(contents.inputs)} inputs, precisions are made of models with one"
    if not contents.weights:
        return "found no weights in it, so there is nothing to quantize"
    if others := [name for name in contents.weights if name != AS_IT_IS]:
        return f"is quantized already: found {', '.join(others)} weights, precisions are made of float32 ones"
    image = contents.inputs[0]
    if image.type != AS_IT_IS:
        return f"found the input {image}, precisions are made of models with a float32 one"
    if any(size < 0 for size in image.shape[1:]):
        return f"found the input {image}, allowed: only the first dimension, the batch, may be open"
    return None


def _precision(variant: Mapping[str, Value]) -> str:
    return str(variant.get("precision", AS_IT_IS))


def _recall(refusal: Path) -> str | None:
    try:
        document = read_json(refusal)
        return str(document["refused"]) if document["schema"] == _SCHEMA else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
