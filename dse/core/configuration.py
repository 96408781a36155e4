"""A configuration: one point of a search space, with a canonical form and a fingerprint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from dse.files import canonical_json, fingerprint

Value = str | int | float | bool


@dataclass(frozen=True, eq=False)
class Configuration(Mapping[str, Value]):
    """A value for every active parameter, in the order of the space. Equal when the canonical forms are equal.

    ``1`` and ``1.0`` are the same value and ``True`` is not ``1``: canonical JSON writes whole floats as integers.
    """

    parameters: Mapping[str, Value] = field(default_factory=dict)

    @cached_property
    def canonical(self) -> str:
        """The configuration as JSON with sorted keys and no spaces."""
        return canonical_json(dict(self.parameters))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the canonical form, in hexadecimal."""
        return fingerprint(dict(self.parameters))

    def __getitem__(self, name: str) -> Value:
        return self.parameters[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Configuration) and self.canonical == other.canonical

    def __hash__(self) -> int:
        return hash(self.canonical)

    def __str__(self) -> str:
        return " ".join(f"{name}={text(value)}" for name, value in self.parameters.items())


def text(value: Value) -> str:
    """The value as YAML would write it: ``true``, ``0.35``, ``small``."""
    return str(value).lower() if isinstance(value, bool) else str(value)
