"""What sections of a search space are made of: their base, how one of several kinds is told, and where they stand."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, TypeVar, Union

from dse_harness.registry import Registry
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from dse.errors import Remedy, SpaceError
from dse.values import NAME

if TYPE_CHECKING:
    from dse.data_sets import DataSet

Name = Annotated[str, Field(pattern=f"^{NAME}$", max_length=200)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Interpolation = Literal["nearest", "bilinear", "bicubic", "area", "lanczos"]


T = TypeVar("T", bound="Section")


class Section(BaseModel):
    """A part of a search space: what may be written, and its defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _channels(value: Any) -> Any:
    numbers = list(value) if isinstance(value, list | tuple) else [value]
    if len(numbers) not in (1, 3) or not all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers):
        raise ValueError(f"found {value!r}, allowed: a number, or three: of red, green and blue")
    return tuple(map(float, numbers)) if len(numbers) == 3 else float(numbers[0])


def _positive(value: Channels) -> Channels:
    if min(value if isinstance(value, tuple) else (value,)) <= 0:
        raise ValueError(f"found {value!r}, allowed: above 0")
    return value


Channels = float | tuple[float, float, float]


class PreprocessingSection(Section):
    """How an image becomes the model's input. The defaults are MLPerf's OpenCV recipe of 2021.

    ``mean`` and ``scale`` are one number, or three: of red, green and blue.
    """

    crop_percent: float = Field(87.5, gt=0, le=100)
    interpolation: Interpolation = "bilinear"
    mean: Annotated[Channels, BeforeValidator(_channels)] = 127.5
    scale: Annotated[Channels, BeforeValidator(_channels), AfterValidator(_positive)] = 127.5


class Standing(Protocol):
    """Where a section stands: for the paths that it names, and for errors with the file's line.

    ``taken`` are files that belong to a section alone, whatever pattern fits them too.
    """

    @property
    def space(self) -> Path:
        """The space's file."""

    @property
    def cache(self) -> Path:
        """The folder for what is made or fetched."""

    @property
    def taken(self) -> Collection[Path]:
        """See the class."""

    @property
    def images(self) -> tuple[DataSet, PreprocessingSection] | None:
        """The space's images, once they are known."""

    def path(self, key: str) -> Path:
        """What is written under ``key`` as an absolute path, from the folder of the space. Raises SpaceError."""

    def file(self, key: str, fix: str = "correct the path", remedy: Remedy | None = None) -> Path:
        """The same, a regular file. Raises SpaceError."""

    def folder(self, key: str, fix: str = "correct the path", remedy: Remedy | None = None) -> Path:
        """The same, a folder. Raises SpaceError."""

    def files(self, key: str) -> list[Path]:
        """The regular files that fit the pattern under ``key``, in order; one at least. Raises SpaceError."""

    def error(self, key: str, message: str, hint: str | None = None) -> SpaceError:
        """An error that names the file, the line and the key."""

    def naming(self, key: str) -> AbstractContextManager[None]:
        """A context that adds to an error about a file the line that names it."""


def one_of(kinds: Registry[type[T]]) -> Any:
    """The type of a section of one of ``kinds``: its name is the key that the section has and no other kind knows."""
    sections = {name: kinds.get(name) for name in kinds}

    def alone(value: Any) -> Any:
        if isinstance(value, Section):
            return value
        if not isinstance(value, dict):
            raise PydanticCustomError("dict_type", "expected keys with values")
        given = [name for name in sections if value.get(name) is not None]
        if len(given) != 1:
            raise ValueError(f"found {' and '.join(given) or 'no source'}, expected one of {', '.join(sections)}")
        return {key: item for key, item in value.items() if item is not None}

    def kind(value: Any) -> str | None:
        if isinstance(value, dict):
            return next((name for name in sections if name in value), None)
        return next((name for name, section in sections.items() if isinstance(value, section)), None)

    tagged = tuple(Annotated[section, Tag(name)] for name, section in sections.items())
    return Annotated[Union[tagged], Discriminator(kind), BeforeValidator(alone)]  # noqa: UP007 - of as many as there are
