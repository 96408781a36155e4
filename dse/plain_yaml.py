"""YAML as dse reads it: words, numbers, lists and mappings, and no aliases that explode.

Errors are those of `dse.reading`, from which it is apart as PyYAML takes time to load.
"""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import yaml

from dse.reading import MIB, MOST_BITS, UnreadableError, read_text, short, too_large

MOST_YAML_BYTES = 4 * MIB
"""A space that people write has a few kilobytes; one of 3,000 recorded variants, resolved in study.yaml, 0.5 MB."""
MOST_DEPTH = 100
"""Collections within collections. The deepest file of dse's own has about ten; Python's parsers give up at 1,000."""
_MOST_NODES = 100_000
_COLLECTIONS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_SCALARS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str"))
_MERGE = "tag:yaml.org,2002:merge"


def read_yaml(path: Path, most_bytes: int = MOST_YAML_BYTES, *, follow: bool = True) -> Any:
    """The plain YAML document in ``path``. Raises OSError and UnreadableError."""
    return parse_yaml(read_text(path, most_bytes, follow=follow))


def parse_yaml(source: str) -> Any:
    """What plain YAML says: words, numbers, lists and mappings. Raises UnreadableError."""
    return parse_yaml_with_lines(source)[0]


def parse_yaml_with_lines(source: str) -> tuple[Any, dict[tuple[Hashable, ...], int]]:
    """What plain YAML says, and the line of each key and item by its place. Raises UnreadableError.

    Plain: no tags, no merge keys, no key twice, no dates (they are words), no alias that contains itself or explodes.
    """
    if len(source) > MOST_YAML_BYTES:
        too_large(len(source), MOST_YAML_BYTES)
    try:
        loader = _Loader(source)
        try:
            _check_size(loader)
            loader = _Loader(source)
            node = loader.get_single_node()
            reader = _Reader(loader)
            content = reader.read(node, ()) if node is not None else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = f"not YAML that dse reads: {error.problem or error.context}"
        raise UnreadableError(said, mark.line + 1 if mark else None) from None
    except UnreadableError:
        raise
    except (yaml.YAMLError, ValueError) as error:
        raise UnreadableError(f"not YAML that dse reads: {str(error).partition(chr(10))[0]}") from None
    except RecursionError:
        raise UnreadableError("not YAML that dse reads: it is too deeply nested") from None
    return content, reader.lines


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # libyaml's is ten times as fast
    """Safe, and a date is a word: nothing that dse reads has a date as a value."""

    yaml_implicit_resolvers: ClassVar = {
        letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _check_size(loader: Any) -> None:
    """Raise UnreadableError before the tree is built: that takes Python's stack, a level at a time, and its time."""
    depth = nodes = 0
    while loader.check_event():
        event = loader.get_event()
        nodes += isinstance(event, yaml.NodeEvent)
        if nodes > _MOST_NODES * 2:
            _refuse(event, f"more than {_MOST_NODES} values")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MOST_DEPTH:
                said = f"not YAML that dse reads: more than {MOST_DEPTH} collections within each other"
                _refuse(event, said)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Reader:
    def __init__(self, loader: Any) -> None:
        self.lines: dict[tuple[Hashable, ...], int] = {}
        self._loader = loader
        self._nodes = 0
        self._open: set[int] = set()

    def read(self, node: yaml.Node, place: tuple[Hashable, ...]) -> Any:
        self._nodes += 1
        if id(node) in self._open:
            _refuse(node, "an alias contains itself")
        if self._nodes > _MOST_NODES:
            _refuse(node, f"more than {_MOST_NODES} values, counting those that aliases repeat")
        self.lines.setdefault(place, node.start_mark.line + 1)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.ScalarNode):
                return self._scalar(node)
            if node.tag not in _COLLECTIONS:
                _refuse(node, f"found the tag {node.tag}, allowed: none")
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, place)
            return [self.read(item, (*place, index)) for index, item in enumerate(node.value)]
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, place: tuple[Hashable, ...]) -> dict[Hashable, Any]:
        content: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                _refuse(key_node, "found a collection as a key, expected a word or a number")
            if key_node.tag == _MERGE:
                _refuse(key_node, "found the merge key <<, which dse does not read: write the keys out")
            key = self._scalar(key_node)
            if key in content:
                _refuse(key_node, f"duplicate key {key!r}")
            self.lines[(*place, key)] = key_node.start_mark.line + 1
            content[key] = self.read(value_node, (*place, key))
        return content

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        if node.tag not in _SCALARS:
            _refuse(node, f"found the tag {node.tag}, allowed: none")
        try:
            value = self._loader.construct_object(node)
        except (ValueError, LookupError, AttributeError, TypeError):  # !!int "", or thousands of digits
            _refuse(node, f"found {short(node.value)}, which is no {node.tag.rpartition(':')[2]} that dse reads")
        if isinstance(value, int) and value.bit_length() > MOST_BITS:
            _refuse(node, f"{short(node.value)} is too large for a number")
        return value


def _refuse(node: Any, message: str) -> NoReturn:
    raise UnreadableError(message, node.start_mark.line + 1)
