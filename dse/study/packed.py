"""Frozen dataclasses as JSON without names, and back: for what dse wrote itself and need not look at again.

`decode` finds every field by its name and looks at every value, which is most of what it takes to read thousands of
trials. Here a value is looked at when it is written, and is as `decode` would have it; what is read again is taken as
it stands. So whoever reads has to know that it was written by the same `Form.layout`, and is whole.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple

_PLAIN = (str, int, float, bool)


class Form(NamedTuple):
    """How the values of a type are written. ``layout`` says what that follows from: names, types and their order.

    ``pack`` makes JSON of a value, and raises ValueError for what is none of the type; ``unpack`` makes the value of
    that again (None: it is the same), and may change the lists that it gets. It is not asked for None, which stays.
    """

    layout: str
    pack: Callable[[Any], Any]
    unpack: Callable[[Any], Any] | None = None

    def made(self, packed: Any) -> Any:
        """The value that was ``packed``."""
        return packed if self.unpack is None or packed is None else self.unpack(packed)


@lru_cache(None)
def form_of(kind: Any) -> Form:
    """The form of a dataclass, or of a type that its fields have."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return _of_fields(kind)
    if origin is typing.Annotated:
        return form_of(arguments[0])
    if origin is Literal:
        return _of_plain(tuple(dict.fromkeys(map(type, arguments))))
    if origin in (typing.Union, types.UnionType):
        inner = tuple(argument for argument in arguments if argument is not type(None))
        form = form_of(inner[0]) if len(inner) == 1 else _of_plain(inner)
        return form if len(inner) == len(arguments) else _or_none(form)
    if origin is tuple:
        return _of_items(form_of(arguments[0]))
    if origin in (dict, Mapping):
        return _of_values(form_of(arguments[1]))
    return _of_plain((kind,))


def _of_plain(kinds: tuple[type, ...]) -> Form:
    if not set(kinds) <= set(_PLAIN):
        raise TypeError(f"found a field of {kinds}, allowed: {', '.join(each.__name__ for each in _PLAIN)}")

    def pack(value: Any) -> Any:
        if type(value) in kinds:
            return value
        if kinds == (float,) and type(value) is int:
            return float(value)
        raise ValueError(f"found {type(value)}, expected one of {kinds}")

    return Form("|".join(kind.__name__ for kind in kinds), pack)


def _or_none(form: Form) -> Form:
    return Form(f"{form.layout}?", lambda value: None if value is None else form.pack(value), form.unpack)


def _of_items(form: Form) -> Form:
    unpack: Callable[[Any], Any] = tuple
    if form.unpack is not None:
        unpack = lambda values: tuple(map(form.made, values))  # noqa: E731
    return Form(f"[{form.layout}]", lambda values: [form.pack(value) for value in values], unpack)


def _of_values(form: Form) -> Form:
    unpack: Callable[[Any], Any] | None = None
    if form.unpack is not None:
        unpack = lambda found: {name: form.made(value) for name, value in found.items()}  # noqa: E731
    return Form(
        f"{{{form.layout}}}", lambda found: {_name(name): form.pack(value) for name, value in found.items()}, unpack
    )


def _name(name: Any) -> str:
    if type(name) is not str:
        raise ValueError(f"found a name of {type(name)}, expected one of {str}")
    return name


def _of_fields(kind: Any) -> Form:
    hints = typing.get_type_hints(kind, include_extras=True)
    forms = {field.name: form_of(hints[field.name]) for field in dataclasses.fields(kind)}
    packs = [(name, form.pack) for name, form in forms.items()]
    unpacks = [(place, form.unpack) for place, form in enumerate(forms.values()) if form.unpack is not None]

    def pack(value: Any) -> list[Any]:
        if type(value) is not kind:
            raise ValueError(f"found {type(value)}, expected {kind}")
        return [pack_one(getattr(value, name)) for name, pack_one in packs]

    def unpack(values: list[Any]) -> Any:
        for place, unpack_one in unpacks:
            if (value := values[place]) is not None:
                values[place] = unpack_one(value)
        return kind(*values)

    return Form(f"{kind.__name__}({','.join(f'{name}:{form.layout}' for name, form in forms.items())})", pack, unpack)
