"""A search space as a tree: parameters with levels, and levels that open further parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dse.core.configuration import Configuration, Value, text
from dse.core.words import counted

LISTED = 20_000
"""Up to this many configurations, a tree is listed; larger ones are searched by a configuration's own values."""


@dataclass(frozen=True, slots=True)
class Level:
    """One value of a parameter and the parameters that exist only below it."""

    value: Value
    children: tuple[Parameter, ...] = ()
    size: int = field(init=False, compare=False, repr=False)
    """In how many ways a walk goes on below it; counted once, as every sample of a large space asks for it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", _size(self.children))


@dataclass(frozen=True, slots=True)
class Parameter:
    """A named choice between levels."""

    name: str
    levels: tuple[Level, ...]
    size: int = field(init=False, compare=False, repr=False)
    """In how many ways a walk takes it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", sum(level.size for level in self.levels))

    @property
    def values(self) -> tuple[Value, ...]:
        """The values of the levels, in the order of the file."""
        return tuple(level.value for level in self.levels)

    def index(self, value: Any) -> int | None:
        """Which of the levels ``value`` is; None where it is none of them. ``True`` is not 1."""
        return next((i for i, level in enumerate(self.levels) if _same(level.value, value)), None)

    @property
    def is_ordered(self) -> bool:
        """Whether the levels are numbers, so that neighbours mean something."""
        return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in self.values)


@dataclass(frozen=True)
class ParameterTree:
    """All parameters of a space; a configuration is one walk from the roots to the leaves."""

    roots: tuple[Parameter, ...]

    @classmethod
    def of(cls, levels: Mapping[str, Any]) -> ParameterTree:
        """The tree of plain data: names with lists of levels, or with levels that map to what opens below them."""
        return cls(_parameters_of(levels))

    @property
    def size(self) -> int:
        """How many configurations the tree has, without making them."""
        return _size(self.roots)

    def configurations(self) -> Iterator[Configuration]:
        """Every configuration once, in the order of the file, the last parameter changing fastest."""
        for parameters in _walks(self.roots):
            yield Configuration(parameters)

    @cached_property
    def listed(self) -> Sequence[Configuration]:
        """All of them, made once; for a tree of no more than `LISTED`."""
        return tuple(self.configurations())

    @cached_property
    def places(self) -> Mapping[Configuration, int]:
        """Where each is in `listed`."""
        return {configuration: place for place, configuration in enumerate(self.listed)}

    def configuration(self, index: int) -> Configuration:
        """The configuration at ``index`` of `configurations`, without making those before it. Raises IndexError."""
        if not 0 <= index < self.size:
            raise IndexError(f"found index {index}, the tree has {counted(self.size, 'configuration')}")
        return Configuration(_walk(self.roots, index))

    def choose(self, pick: Callable[[str, Parameter], int]) -> Configuration:
        """Walk the tree; ``pick`` gets a branch's unique key and its parameter, and returns the index of a level."""
        chosen: dict[str, Value] = {}

        def descend(parameters: tuple[Parameter, ...], branch: str) -> None:
            for parameter in parameters:
                key = f"{branch}{parameter.name}"
                level = parameter.levels[pick(key, parameter)]
                chosen[parameter.name] = level.value
                descend(level.children, _below(key, level))

        descend(self.roots, "")
        return Configuration(chosen)

    def locate(self, configuration: Mapping[str, Value]) -> dict[str, int] | None:
        """The level index at every branch that leads to ``configuration``, or None where it is not in the tree."""
        indices: dict[str, int] = {}

        def descend(parameters: tuple[Parameter, ...], branch: str) -> bool:
            for parameter in parameters:
                if parameter.name not in configuration:
                    return False
                index = parameter.index(configuration[parameter.name])
                if index is None:
                    return False
                key = f"{branch}{parameter.name}"
                indices[key] = index
                level = parameter.levels[index]
                if not descend(level.children, _below(key, level)):
                    return False
            return True

        complete = descend(self.roots, "") and len(indices) == len(configuration)
        return indices if complete else None

    def active(self, values: Mapping[str, Any]) -> Iterator[Parameter]:
        """The parameters that there are where some have ``values`` already, parents first."""

        def descend(parameters: tuple[Parameter, ...]) -> Iterator[Parameter]:
            for parameter in parameters:
                yield parameter
                index = parameter.index(values[parameter.name]) if parameter.name in values else None
                yield from descend(parameter.levels[index].children) if index is not None else ()

        return descend(self.roots)

    def branches(self) -> Iterator[tuple[str, Parameter]]:
        """Every parameter with the unique key of its branch, parents first."""

        def descend(parameters: tuple[Parameter, ...], branch: str) -> Iterator[tuple[str, Parameter]]:
            for parameter in parameters:
                key = f"{branch}{parameter.name}"
                yield key, parameter
                for level in parameter.levels:
                    yield from descend(level.children, _below(key, level))

        return descend(self.roots, "")

    def corners(self) -> tuple[Configuration, ...]:
        """Every first level, then every last: the ends of the trade-off where a file lists levels by size."""
        return tuple(dict.fromkeys((self.choose(lambda *_: 0), self.choose(lambda _, p: len(p.levels) - 1))))

    @property
    def names(self) -> tuple[str, ...]:
        """Parameter names in order of first appearance."""
        return tuple(dict.fromkeys(parameter.name for _, parameter in self.branches()))

    def levels_of(self, name: str) -> tuple[Value, ...]:
        """Every value that ``name`` takes anywhere in the tree, in order of first appearance. ``True`` is not 1."""
        values = (value for _, parameter in self.branches() if parameter.name == name for value in parameter.values)
        return tuple({(isinstance(value, bool), value): value for value in values}.values())


def _parameters_of(levels: Mapping[str, Any]) -> tuple[Parameter, ...]:
    return tuple(
        Parameter(
            name,
            tuple(Level(value, _parameters_of(values[value] or {})) for value in values)
            if isinstance(values, Mapping)
            else tuple(map(Level, values)),
        )
        for name, values in levels.items()
    )


def _below(key: str, level: Level) -> str:
    """Where the keys of the branches below ``level`` begin: ``family=small/``, a slash in a level written ``%2F``."""
    return f"{key}={text(level.value).replace('%', '%25').replace('/', '%2F')}/"


def _same(a: Value, b: Value) -> bool:
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def _size(parameters: tuple[Parameter, ...]) -> int:
    return math.prod(parameter.size for parameter in parameters)


def _walk(parameters: tuple[Parameter, ...], index: int) -> dict[str, Value]:
    """Mixed-radix digits: the last parameter is the lowest digit, a level counts for all configurations below it."""
    if not parameters:
        return {}
    first, rest = parameters[0], parameters[1:]
    index, beside = divmod(index, _size(rest))
    for level in first.levels:
        if index < level.size:
            return {first.name: level.value, **_walk(level.children, index), **_walk(rest, beside)}
        index -= level.size
    raise IndexError(index)


def _walks(parameters: tuple[Parameter, ...]) -> Iterator[dict[str, Value]]:
    if not parameters:
        yield {}
        return
    first, rest = parameters[0], parameters[1:]
    listed = list(_walks(rest)) if _size(rest) <= LISTED else None  # they are the same beside each level
    for level in first.levels:
        for below in _walks(level.children):
            for beside in _walks(rest) if listed is None else listed:
                yield {first.name: level.value, **below, **beside}
