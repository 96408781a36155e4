"""Named entries of one kind: the builtin ones, and those that other distributions add as entry points of a group."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")
_DSE = "dse itself"
_INSTALLED = (".dist-info", ".egg-info")
_GROUP = re.compile(r"\[([^\]\n]+)\]")


class RegistryError(Exception):
    """Why there is no entry: the message names group, entry, distribution and what to do."""


class UnknownEntryError(RegistryError, LookupError):
    """Nothing has this name; ``allowed`` are the names that there are."""

    def __init__(self, group: str, name: str, allowed: Sequence[str]) -> None:
        self.group, self.name, self.allowed = group, name, tuple(allowed)
        super().__init__(
            f"{group}: found {name!r}, allowed: {', '.join(allowed)}; another needs a distribution with an entry "
            f"point of the group {group}, installed for the same Python"
        )


class BrokenEntryError(RegistryError):
    """An entry cannot be loaded, or two have the same name."""


class Registry(Generic[T]):
    """Entries by name. Nothing is imported before `get`, and then only the entry asked for.

    ``builtin`` has "module:attribute" by name, in the order of `names`. Entry points of ``group`` follow, by name. A
    loaded entry must have the attributes ``needs``.
    """

    unknown: ClassVar[type[UnknownEntryError]] = UnknownEntryError
    broken: ClassVar[type[BrokenEntryError]] = BrokenEntryError
    """What is raised. A program with a tree of errors of its own puts subclasses in their place."""

    def __init__(self, group: str, builtin: Mapping[str, str], needs: Sequence[str] = ()) -> None:
        self.group = group
        self._builtin = dict(builtin)
        self._needs = tuple(needs)
        self._loaded: dict[str, T] = {}

    def names(self) -> tuple[str, ...]:
        """All names. Raises BrokenEntryError where two entries have the same one."""
        return (*self._builtin, *self._entry_points)

    def added(self) -> tuple[str, ...]:
        """The names that other distributions added. Raises BrokenEntryError as `names` does."""
        return tuple(self._entry_points)

    def get(self, name: str) -> T:
        """The entry of this name. Raises UnknownEntryError, BrokenEntryError.

        For a builtin one, what is installed is not looked through: that takes longer than many a model runs.
        """
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def origin(self, name: str) -> str:
        """The distribution of an entry, with its version: ``toys 1.0``, ``dse itself``. Raises UnknownEntryError."""
        if name in self._builtin:
            return _DSE
        if name not in self._entry_points:
            raise self.unknown(self.group, name, self.names())
        return _origin(self._entry_points[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __contains__(self, name: object) -> bool:
        return name in self._builtin or name in self._entry_points

    def __len__(self) -> int:
        return len(self.names())

    @cached_property
    def _entry_points(self) -> dict[str, EntryPoint]:
        if not _may_have(self.group):
            return {}
        from importlib.metadata import entry_points

        found: dict[str, EntryPoint] = {}
        for entry in sorted(entry_points(group=self.group), key=lambda entry: entry.name):
            if entry.name in self._builtin or entry.name in found:
                other = found.get(entry.name)
                first = _origin(other) if other is not None else _DSE
                raise self.broken(
                    f"{self.group}: found {entry.name!r} twice, from {first} and from {_origin(entry)}, allowed: once; "
                    "uninstall one of them, or rename its entry point"
                )
            found[entry.name] = entry
        return found

    def _load(self, name: str) -> T:
        if name in self._builtin:
            module, _, attribute = self._builtin[name].partition(":")
            return cast(T, getattr(importlib.import_module(module), attribute))
        entry = self._entry_points.get(name)
        if entry is None:
            raise self.unknown(self.group, name, self.names())
        place = f"{self.group}: {name!r} ({entry.value}) from {_origin(entry)}"
        try:
            loaded: Any = entry.load()
        except Exception as error:
            raise self.broken(
                f"{place}: cannot be loaded: {type(error).__name__}: {error}; mend or uninstall that distribution"
            ) from error
        if missing := [need for need in self._needs if not hasattr(loaded, need)]:
            raise self.broken(
                f"{place}: found nothing named {', '.join(missing)} in it; it is made for another version of dse, or "
                "names the wrong object"
            )
        return cast(T, loaded)


def _looks_on_path(finder: object) -> bool:
    """Whether it finds what is on the path, and nothing else: Python's own, and that of its backport (in Dask)."""
    return finder is PathFinder or type(finder).__module__ == "importlib_metadata"


def declared_groups() -> frozenset[str] | None:
    """The groups of entry points that distributions on the path may have; None where only a long look can tell.

    A look at the files alone: importlib.metadata takes ten times as long, and most often nobody has one of dse's.
    """
    if any(hasattr(finder, "find_distributions") and not _looks_on_path(finder) for finder in sys.meta_path):
        return None
    found: set[str] = set()
    for folder in dict.fromkeys(sys.path):
        try:
            entries = [entry for entry in os.scandir(folder or os.curdir) if entry.name.endswith(_INSTALLED)]
        except NotADirectoryError:
            return None  # an archive
        except OSError:
            continue
        for entry in entries:
            with contextlib.suppress(OSError):
                place = os.open(f"{entry.path}/entry_points.txt", os.O_RDONLY | os.O_CLOEXEC)
                with os.fdopen(place, "rb", 0) as file:  # a third of the time that pathlib takes
                    found.update(_GROUP.findall(file.read().decode(errors="replace")))
    return frozenset(found)


def _may_have(group: str) -> bool:
    """Whether some distribution may have entry points of ``group``."""
    groups = declared_groups()
    return groups is None or group in groups


def _origin(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "an unknown distribution"
