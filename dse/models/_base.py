from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import Field

from dse.core.configuration import Value
from dse.core.origin import ModelOrigin
from dse.data_sets import DataSet
from dse.models.download import OnProgress
from dse.sections import PreprocessingSection, Section, Standing

FORMAT = "file_format"
"""The parameter of a source that writes more than one kind of file: their endings, the default first.

Where a configuration does not say, it is the first that its engine reads.
"""


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

    @property
    def is_free(self) -> bool:
        """Whether its parameters combine freely: `check` of each level alone is a check of every variant."""

    @property
    def is_local(self) -> bool:
        """Whether `make` needs no network."""

    def check(self, variant: Mapping[str, Value]) -> None:
        """Raise ValueError, saying what is allowed, when the source has no such variant."""

    def known_identity(self, variant: Mapping[str, Value]) -> dict[str, Value] | None:
        """`identity`, where that can be told without the network; None otherwise. Raises ModelError."""

    def known_bytes(self, variant: Mapping[str, Value]) -> int | None:
        """How large the variant's file is, where that can be told without making it; None otherwise."""

    def identity(self, variant: Mapping[str, Value]) -> dict[str, Value]:
        """What identifies the variant's bytes without making them: equal identity, equal file. Raises ModelError."""

    def make(self, variant: Mapping[str, Value]) -> ModelFile:
        """The variant as a file, from the cache or made now. Raises ModelError, MachineError."""

    def resolved(self) -> dict[str, Any]:
        """What a study writes down in place of the same keys of the section: no secret, and what was found out."""


class Download(ModelSource, Protocol):
    """A source that is not `is_local` yet."""

    @property
    def shown_url(self) -> str:
        """The address without what may be a secret."""

    def download(self, on_progress: OnProgress = ...) -> tuple[Path, str]:
        """What the address serves, as a file in the cache, and its SHA-256. Raises ModelError."""


class ModelSection(Section):
    """An entry of ``models``: one kind of source, whose name is the key that says where."""

    preprocessing: PreprocessingSection | None = Field(
        None, description="Settings of these models: each one that is given stands in place of the data set's."
    )

    def own_files(self, at: Standing) -> Collection[Path]:
        """Files that belong to this entry whatever pattern of another one fits them. Raises SpaceError."""
        return ()

    def own_parameters(self) -> Mapping[str, tuple[Value, ...]]:
        """Parameters that the entry itself has: they come below its models, unless the space's tree names them."""
        return {}

    @abstractmethod
    def sources(self, name: str, at: Standing) -> Iterable[tuple[str, ModelSource]]:
        """The models of this entry, which is called ``name``, each with its own name. Raises SpaceError, ModelError."""

    @abstractmethod
    def places(self, sha256: str, variant: Mapping[str, Value], cache: Path) -> Iterator[Path]:
        """Where a model of an older study may lie now, whose file had ``sha256``; nothing is fetched."""

    def made_again(
        self, variant: Mapping[str, Value], cache: Path, images: tuple[DataSet, PreprocessingSection]
    ) -> Iterator[Path]:
        """A model of an older study that lies nowhere any more, made of what its entry names and these ``images``."""
        return iter(())

    def origin(self, model: Path) -> ModelOrigin:
        """Where the weights of ``model`` come from."""
        return ModelOrigin(model.name)
