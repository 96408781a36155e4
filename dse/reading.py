"""Files as dse reads them: regular ones only, up to a limit in bytes, with one error for all that text can do wrong.

A file may come from somebody else: a pipe that never ends, a device, a sparse file of terabytes, JSON of a hundred
thousand brackets, YAML whose aliases explode. What a reader here raises is an OSError (the file is missing, is none,
may not be read) or an `UnreadableError` (what it holds is not what is read here).
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Hashable
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import yaml

MIB = 2**20
MOST_BYTES = 64 * MIB
"""Of a file of dse's own; the largest that dse writes are records of a few hundred kilobytes."""
MOST_YAML_BYTES = 4 * MIB
"""A space that people write has a few kilobytes; one of 3,000 recorded variants, resolved in study.yaml, 0.5 MB."""
MOST_DEPTH = 100
"""Collections within collections. The deepest file of dse's own has about ten; Python's parsers give up at 1,000."""
_MOST_NODES = 100_000
_MOST_BITS = 1_000
"""Of a whole number: any such can be made a float and printed."""
_COLLECTIONS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_SCALARS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str"))
_MERGE = "tag:yaml.org,2002:merge"
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
}


class UnreadableError(ValueError):
    """What a file holds is not what is read here; the text is a sentence that does not name the file."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def read_bytes(path: Path | str, most_bytes: int = MOST_BYTES, *, follow: bool = True) -> bytes:
    """What the regular file ``path`` holds; a link is refused where ``follow`` is not set.

    Raises OSError for what is no regular file, UnreadableError for more than ``most_bytes``.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except ValueError:  # a NUL in the name
        raise UnreadableError("its name has a NUL character") from None
    except OSError as error:
        if error.errno == errno.ELOOP and not follow and Path(path).is_symlink():
            raise OSError(errno.ELOOP, "is a link; dse does not follow links here", str(path)) from None
        if error.errno == errno.ENXIO:
            raise OSError(errno.ENXIO, "is a socket, not a file", str(path)) from None
        raise
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            kind = _KINDS.get(stat.S_IFMT(found.st_mode), "no regular file")
            number = errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EINVAL
            raise OSError(number, f"is {kind}, not a file", str(path))
        if found.st_size > most_bytes:
            _too_large(found.st_size, most_bytes)
        parts: list[bytes] = []
        left = most_bytes + 1  # a file may grow while it is read
        while left > 0 and (part := os.read(descriptor, min(left, MIB))):
            parts.append(part)
            left -= len(part)
    finally:
        os.close(descriptor)
    if left <= 0:
        _too_large(most_bytes + 1, most_bytes)
    return b"".join(parts)


def read_text(path: Path, most_bytes: int = MOST_BYTES, *, follow: bool = True) -> str:
    """`read_bytes` as UTF-8 text, with or without a byte order mark."""
    return _decode(read_bytes(path, most_bytes, follow=follow))


def read_json(path: Path, most_bytes: int = MOST_BYTES, *, follow: bool = True) -> Any:
    """The JSON document in ``path``. Raises OSError and UnreadableError."""
    return parse_json(read_bytes(path, most_bytes, follow=follow))


def read_yaml(path: Path, most_bytes: int = MOST_YAML_BYTES, *, follow: bool = True) -> Any:
    """The plain YAML document in ``path``. Raises OSError and UnreadableError."""
    return parse_yaml(read_text(path, most_bytes, follow=follow))


def parse_json(source: str | bytes) -> Any:
    """JSON as the standard has it: no NaN, no infinity, no number of thousands of digits. Raises UnreadableError."""
    text = _decode(source) if isinstance(source, bytes) else source
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_finite, parse_int=_whole)
    except json.JSONDecodeError as error:
        raise UnreadableError(f"not JSON: {error.msg} in column {error.colno}", error.lineno) from None
    except RecursionError:
        raise UnreadableError("not JSON that dse reads: it is too deeply nested") from None


def parse_yaml(source: str) -> Any:
    """What plain YAML says: words, numbers, lists and mappings. Raises UnreadableError."""
    return parse_yaml_with_lines(source)[0]


def parse_yaml_with_lines(source: str) -> tuple[Any, dict[tuple[Hashable, ...], int]]:
    """What plain YAML says, and the line of each key and item by its place. Raises UnreadableError.

    Plain: no tags, no merge keys, no key twice, no dates (they are words), no alias that contains itself or explodes.
    """
    if len(source) > MOST_YAML_BYTES:
        _too_large(len(source), MOST_YAML_BYTES)
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
            _refuse(node, f"found {_short(node.value)}, which is no {node.tag.rpartition(':')[2]} that dse reads")
        if isinstance(value, int) and value.bit_length() > _MOST_BITS:
            _refuse(node, f"{_short(node.value)} is too large for a number")
        return value


def _refuse(node: Any, message: str) -> NoReturn:
    raise UnreadableError(message, node.start_mark.line + 1)


def _short(text: str) -> str:
    return repr(text) if len(text) <= 40 else f"{text[:40]!r}... ({len(text)} characters)"


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"not UTF-8 text: byte {data[error.start]:#04x} at {error.start}") from None


def _too_large(found: int, most: int) -> NoReturn:
    raise UnreadableError(f"holds {found} bytes or more, at most {most} are read")


def _no_constant(name: str) -> NoReturn:
    raise UnreadableError(f"not JSON that dse reads: found {name}")


def _whole(text: str) -> int:
    if len(text) > _MOST_BITS * 0.3:
        raise UnreadableError(f"not JSON that dse reads: {_short(text)} is too large for a number")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise UnreadableError(f"not JSON that dse reads: {_short(text)} is too large for a number")
    return value
