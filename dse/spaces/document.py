"""YAML that remembers its lines: safe loading only, no tags, no duplicate keys, no alias that explodes."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dse.errors import SpaceError, why

Place = tuple[Hashable, ...]
_MOST_NODES = 100_000
_COLLECTIONS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_MERGE = "tag:yaml.org,2002:merge"


@dataclass(frozen=True)
class Document:
    """The content of a YAML file and the line of every key and item in it."""

    path: Path
    content: Any
    lines: dict[Place, int]

    def line(self, place: Place) -> int | None:
        """The line of ``place``, or of the nearest thing around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place)

    def error(self, place: Place, message: str, hint: str | None = None) -> SpaceError:
        """An error that names the file, the line and the key."""
        key = ".".join(str(part) for part in place)
        return SpaceError(f"{key}: {message}" if key else message, hint=hint, path=self.path, line=self.line(place))


def read_document(path: Path) -> Document:
    """Parse ``path``. Raises SpaceError for anything that is not plain, safe YAML."""
    try:
        source = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SpaceError("no such file", path=path, hint="dse space list shows the spaces that ship") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpaceError(f"cannot be read: {why(error)}", path=path) from error
    return parse_document(source, path)


def parse_document(source: str, path: Path) -> Document:
    """Parse ``source``; ``path`` is for messages. Raises SpaceError as `read_document` does."""
    try:
        loader = yaml.SafeLoader(source)
        reader = _Reader(loader, path)
        node = loader.get_single_node()
        content = reader.read(node, ()) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise SpaceError(
            f"not YAML that dse reads: {error.problem or error.context}",
            path=path,
            line=mark.line + 1 if mark else None,
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SpaceError(f"not YAML that dse reads: {error}", path=path) from None
    return Document(path, content, reader.lines)


class _Reader:
    def __init__(self, loader: yaml.SafeLoader, path: Path) -> None:
        self.lines: dict[Place, int] = {}
        self._loader = loader
        self._path = path
        self._nodes = 0
        self._open: set[int] = set()

    def read(self, node: yaml.Node, place: Place) -> Any:
        self._nodes += 1
        if id(node) in self._open:
            raise self._error(node, "an alias contains itself")
        if self._nodes > _MOST_NODES:
            raise self._error(node, f"more than {_MOST_NODES} values, counting those that aliases repeat")
        self.lines.setdefault(place, node.start_mark.line + 1)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.ScalarNode):
                return self._loader.construct_object(node)
            if node.tag not in _COLLECTIONS:
                raise self._error(node, f"found the tag {node.tag}, allowed: none")
            if isinstance(node, yaml.MappingNode):
                return self._read_mapping(node, place)
            return [self.read(item, (*place, index)) for index, item in enumerate(node.value)]
        finally:
            self._open.discard(id(node))

    def _read_mapping(self, node: yaml.MappingNode, place: Place) -> dict[Hashable, Any]:
        content: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._error(key_node, "found a collection as a key, expected a word or a number")
            if key_node.tag == _MERGE:
                raise self._error(key_node, "found the merge key <<, which dse does not read: write the keys out")
            key = self._loader.construct_object(key_node)
            if key in content:
                raise self._error(key_node, f"the key {key!r} stands here twice")
            self.lines[(*place, key)] = key_node.start_mark.line + 1
            content[key] = self.read(value_node, (*place, key))
        return content

    def _error(self, node: yaml.Node, message: str) -> SpaceError:
        return SpaceError(message, path=self._path, line=node.start_mark.line + 1)
