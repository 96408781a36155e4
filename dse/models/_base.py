from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dse.core.configuration import Value


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model on disk, and what its bytes are."""

    path: Path
    sha256: str


class ModelSource(Protocol):
    """A maker of model files. Its parameters are the part of a configuration that is the model variant."""

    @property
    def parameters(self) -> Mapping[str, tuple[Value, ...]]:
        """The parameters that the source takes, with the levels that it knows."""

    def check(self, variant: Mapping[str, Value]) -> None:
        """Raise ValueError, saying what is allowed, when the source has no such variant."""

    def identity(self, variant: Mapping[str, Value]) -> dict[str, Value]:
        """What identifies the variant's bytes without making them: equal identity, equal file."""

    def make(self, variant: Mapping[str, Value]) -> ModelFile:
        """The variant as a file, from the cache or made now. Raises ModelError, MachineError."""
