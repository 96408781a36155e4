"""Which configurations of a tree have some given values: none, one, or several."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from dse.core.configuration import Configuration, Value
from dse.core.tree import Level, Parameter, ParameterTree


@dataclass(frozen=True)
class Match:
    """``count`` configurations have the given values; ``only`` is the one where there is one.

    Where there are several, ``open`` are the parameters that would still have to be said.
    """

    count: int
    only: Configuration | None = None
    open: tuple[str, ...] = ()


def match(tree: ParameterTree, given: Mapping[str, Value]) -> Match:
    """Which configurations of ``tree`` have all values that are ``given``."""
    found = _count(tree.roots, given, frozenset(given))
    if found == 1:
        return Match(1, Configuration(_first(tree.roots, given, frozenset(given))))
    if not found:
        return Match(0)
    branches = list(_open(tree.roots, given, frozenset(given)))
    return Match(found, None, tuple(dict.fromkeys(branches)))


def _count(parameters: tuple[Parameter, ...], given: Mapping[str, Value], wanted: frozenset[str]) -> int:
    """In how many ways a walk goes on that takes every parameter of ``wanted``, at the level that is given."""
    shares = _shares(parameters, wanted)
    if shares is None:
        return 0
    return math.prod(
        sum(_count(level.children, given, rest) for level in _levels(parameter, given))
        for parameter, rest in zip(parameters, shares, strict=True)
    )


def _first(parameters: tuple[Parameter, ...], given: Mapping[str, Value], wanted: frozenset[str]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for parameter, rest in zip(parameters, _shares(parameters, wanted) or (), strict=True):
        level = next(level for level in _levels(parameter, given) if _count(level.children, given, rest))
        found |= {parameter.name: level.value, **_first(level.children, given, rest)}
    return found


def _open(parameters: tuple[Parameter, ...], given: Mapping[str, Value], wanted: frozenset[str]) -> list[str]:
    """The parameters at which the walks part."""
    found: list[str] = []
    for parameter, rest in zip(parameters, _shares(parameters, wanted) or (), strict=True):
        ways = [level for level in _levels(parameter, given) if _count(level.children, given, rest)]
        found += [parameter.name] if len(ways) > 1 else []
        for level in ways:
            found += _open(level.children, given, rest)
    return found


def _levels(parameter: Parameter, given: Mapping[str, Value]) -> tuple[Level, ...]:
    if parameter.name not in given:
        return parameter.levels
    wanted = given[parameter.name]
    same = (level for level in parameter.levels if level.value == wanted)
    return tuple(level for level in same if isinstance(level.value, bool) == isinstance(wanted, bool))


def _shares(parameters: tuple[Parameter, ...], wanted: frozenset[str]) -> list[frozenset[str]] | None:
    """For each parameter what of ``wanted`` has to be taken below it; None where something is nowhere."""
    names = [ParameterTree((parameter,)).names for parameter in parameters]
    if not wanted <= {name for below in names for name in below}:
        return None
    return [wanted & set(below) - {p.name} for p, below in zip(parameters, names, strict=True)]
