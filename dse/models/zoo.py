"""The embedded zoo: networks kept as weights, written as .tflite when a configuration asks for one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dse import zoo
from dse.core.configuration import Value
from dse.errors import ModelError
from dse.files import fingerprint
from dse.models._base import ModelFile
from dse.models.cache import kept
from dse.zoo import catalogue


@dataclass(frozen=True)
class ZooSource:
    """The zoo that ships; ``cache`` keeps the files that it wrote, by their identity."""

    cache: Path

    @property
    def parameters(self) -> Mapping[str, tuple[Value, ...]]:
        """The zoo's own parameters and levels."""
        return zoo.parameters()

    def check(self, variant: Mapping[str, Value]) -> None:
        """Raise ValueError when the zoo has no such network."""
        missing = [name for name in zoo.parameters() if name not in variant and name != "hard_swish"]
        if missing:
            raise ValueError(f"the zoo needs {' and '.join(missing)} as well")
        catalogue.find(**_arguments(variant))

    def identity(self, variant: Mapping[str, Value]) -> dict[str, Value]:
        """The variant and the version of what writes it."""
        return {"zoo": zoo.version(), **variant}

    def make(self, variant: Mapping[str, Value]) -> ModelFile:
        """The variant's file, written on first use. Raises ModelError, MachineError."""
        return kept(self.cache, fingerprint(self.identity(variant)), lambda: [_build(variant)])


def _build(variant: Mapping[str, Value]) -> bytes:
    try:
        return zoo.build(**_arguments(variant))
    except ValueError as error:
        raise ModelError(f"the zoo cannot write {dict(variant)}: {error}") from error


def _arguments(variant: Mapping[str, Value]) -> dict[str, Any]:
    """The variant as arguments of the zoo, whose levels the zoo checks itself."""
    return {"hard_swish": None, **variant}
