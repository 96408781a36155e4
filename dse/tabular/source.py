"""A tabular benchmark in place of models: a variant is a row of its table, and no file is ever run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dse.core.configuration import Value
from dse.models._base import ModelFile
from dse.tabular.table import TabularBenchmark


@dataclass(frozen=True)
class TabularSource:
    """The rows of ``table``."""

    table: TabularBenchmark

    is_free = True
    is_local = True

    @cached_property
    def parameters(self) -> Mapping[str, tuple[Value, ...]]:
        """The parameters that tell the rows apart, with their levels."""
        return {name: self.table.tree.levels_of(name) for name in self.table.tree.names}

    def check(self, variant: Mapping[str, Value]) -> None:
        """Raise ValueError for a level that no row has; a combination that none has is a trial that fails."""
        for name, value in variant.items():
            if value not in self.parameters[name]:
                known = ", ".join(map(str, self.parameters[name]))
                raise ValueError(f"{self.table.path.name} has no {name} {value!r}, allowed: {known}")

    def known_identity(self, variant: Mapping[str, Value]) -> dict[str, Value]:
        """The table's content and the row."""
        return self.identity(variant)

    def known_bytes(self, variant: Mapping[str, Value]) -> int | None:
        """None: recorded figures have no file."""
        return None

    def identity(self, variant: Mapping[str, Value]) -> dict[str, Value]:
        """The table's content and the row."""
        return {"recorded": self.table.identity(variant)}

    def make(self, variant: Mapping[str, Value]) -> ModelFile:
        """The table itself; in place of a checksum, what identifies the row in it."""
        return ModelFile(self.table.path, self.table.identity(variant))

    def resolved(self) -> dict[str, Any]:
        """Nothing: the table is named where the space names it."""
        return {}
