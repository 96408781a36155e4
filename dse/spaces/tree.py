"""The ``parameters`` section: a list of levels, or levels that open further parameters, as deep as the space needs."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from dse.core.configuration import Value, text
from dse.core.tree import Level, Parameter, ParameterTree
from dse.spaces.document import Document, Place

_HINT = "write NAME: [LEVEL, LEVEL] or NAME: {LEVEL: {CHILD: [...]}, LEVEL: }"

_MOST_PARAMETERS = 100
"""With two levels each, more configurations than there are atoms in a device."""


def read_tree(document: Document, content: Any, place: Place = ("parameters",)) -> ParameterTree:
    """The tree under ``place``. Raises SpaceError with the line."""
    tree = ParameterTree(_parameters(document, content, place, frozenset()))
    if len(tree.names) > _MOST_PARAMETERS:
        raise document.error(place, f"found {len(tree.names)} parameters, allowed: {_MOST_PARAMETERS}")
    return tree


def written_tree(parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    """``parameters`` as a space's file has them: what `read_tree` reads back."""
    return {
        parameter.name: {level.value: written_tree(level.children) or None for level in parameter.levels}
        if any(level.children for level in parameter.levels)
        else list(parameter.values)
        for parameter in parameters
    }


def below_models(tree: ParameterTree, own: Mapping[str, Mapping[str, tuple[Value, ...]]]) -> ParameterTree:
    """``tree`` with the parameters that entries of ``models`` have of their ``own``, by model, below their models.

    Where the tree names one of them itself, on the way to a model or below it, it stays as it is there.
    """
    if not any(own.values()):
        return tree
    if "model" not in tree.names:
        (only,) = own.values()
        return ParameterTree((*tree.roots, *_new(only, tree.names)))

    def walk(parameters: tuple[Parameter, ...], above: frozenset[str]) -> tuple[Parameter, ...]:
        found = []
        for parameter in parameters:
            beside = ParameterTree(tuple(each for each in parameters if each is not parameter)).names
            known = above.union(beside)
            levels = tuple(below(parameter.name, level, known) for level in parameter.levels)
            found.append(Parameter(parameter.name, levels))
        return tuple(found)

    def below(name: str, level: Level, known: frozenset[str]) -> Level:
        children = walk(level.children, known)
        if name == "model":
            children += _new(own.get(str(level.value), {}), known.union(ParameterTree(children).names))
        return Level(level.value, children)

    return ParameterTree(walk(tree.roots, frozenset()))


def _new(levels: Mapping[str, tuple[Value, ...]], known: Collection[str]) -> tuple[Parameter, ...]:
    return tuple(Parameter(name, tuple(map(Level, found))) for name, found in levels.items() if name not in known)


def _parameters(document: Document, content: Any, place: Place, above: frozenset[str]) -> tuple[Parameter, ...]:
    if not isinstance(content, dict) or not content:
        raise document.error(place, f"found {_kind(content)}, expected parameters", _HINT)
    found: list[Parameter] = []
    taken = above | {str(name) for name in content}
    for name, levels in content.items():
        here = (*place, name)
        if not isinstance(name, str) or not name.isidentifier():
            raise document.error(here, f"found {name!r} as a parameter's name, expected a word like threads", _HINT)
        if name in above:
            raise document.error(here, f"{name} is already set above or beside this place; a walk sets it once")
        parameter = Parameter(name, _levels(document, levels, here, taken))
        taken |= _names(parameter)
        found.append(parameter)
    return tuple(found)


def _levels(document: Document, content: Any, place: Place, above: frozenset[str]) -> tuple[Level, ...]:
    if isinstance(content, list) and content:
        levels = tuple(Level(_value(document, value, (*place, i))) for i, value in enumerate(content))
    elif isinstance(content, dict) and content:
        levels = tuple(
            Level(
                _value(document, value, (*place, value)),
                () if below is None else _parameters(document, below, (*place, value), above),
            )
            for value, below in content.items()
        )
    else:
        raise document.error(place, f"found {_kind(content)}, expected a list of levels", _HINT)
    seen: set[Value] = set()
    for level in levels:
        if not seen.isdisjoint(names := (level.value, text(level.value))):
            raise document.error(place, f"duplicate level {level.value!r}", "remove one")
        seen.update(names)
    return levels


def _value(document: Document, value: Any, place: Place) -> Value:
    if isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise document.error(place, f"found {_kind(value)} as a level, expected a word, a number, true or false", _HINT)


def _names(parameter: Parameter) -> set[str]:
    return {name for level in parameter.levels for child in level.children for name in ({child.name} | _names(child))}


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    return f"an empty {type(value).__name__}" if value in ([], {}) else f"{type(value).__name__} {value!r}"
