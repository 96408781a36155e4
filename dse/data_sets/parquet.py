"""Parquet files with the bytes of images and their labels, the form in which public data sets are shared.

The images are unpacked once, into the cache: a folder of files with a label list, which a harness reads on any device.
DuckDB reads the files, and nothing else: where one names another, that stays closed.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dse.data_sets.listed import SCHEMA, DataSet, from_images, recalled
from dse.errors import DataSetError, why
from dse.files import fingerprint, real, sha256_file, write_json
from dse.paths import using_cache

_INTEGERS = {f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")}
_STRUCT = re.compile(r"STRUCT\((.+, )?bytes BLOB(, .+)?\)")
"""As Hugging Face has images: ``bytes``, and ``path``, which is a name only."""
_MOST_CLASS = 10**9
"""As in a label list."""
_MOST_IMAGES = 2**25
_MOST_TIMES = 16
_SMALL_BYTES = 2**28
"""Images have this many bytes together at most, or `_MOST_TIMES` what their files have: they were compressed before."""
_ROWS = 32
_MEMORY = "2GB"


@dataclass(frozen=True)
class Columns:
    """Which columns have the images and their classes."""

    image: str = "image"
    label: str = "label"


def from_parquet(
    name: str, files: Sequence[Path], columns: Columns, cache: Path, classes: int | None = None
) -> DataSet:
    """The rows of ``files``, one file after the other. Raises DataSetError, MachineError.

    ``columns.image`` has the bytes of an image file, alone or in a struct with ``bytes``; ``columns.label`` whole
    numbers. The images are those that were unpacked, or are unpacked again.
    """
    key = _key(files, columns, cache)
    unpacked = cache / "data_sets" / f"parquet-{key}"
    found = _unpacked(name, unpacked, cache, classes)
    if found is None:
        _unpack(files, columns, unpacked)
        found = from_images(name, unpacked / "images", unpacked / "labels.txt", cache, classes)
        with using_cache(cache):
            write_json(unpacked / "content.json", {"schema": SCHEMA, "sha256": found.sha256})
    return found


def _key(files: Sequence[Path], columns: Columns, cache: Path) -> str:
    """What identifies the files' content; they are read for it once, as long as nobody touches them."""
    try:
        states = [(str(real(path)), (found := path.stat()).st_size, found.st_mtime_ns) for path in files]
        remembered = cache / "data_sets" / f"{fingerprint(['parquet', states])}.json"
        content = recalled(remembered)
        if content is None:
            content = fingerprint([sha256_file(path) for path in files])
            with using_cache(cache):
                write_json(remembered, {"schema": SCHEMA, "sha256": content})
    except OSError as error:
        raise DataSetError(f"cannot be read: {why(error)}", path=files[0]) from error
    return fingerprint([content, asdict(columns)])


def _unpacked(name: str, folder: Path, cache: Path, classes: int | None) -> DataSet | None:
    """What lies in the cache, if it is still what was put there."""
    expected = recalled(folder / "content.json")
    if expected is None:
        return None
    try:
        found = from_images(name, folder / "images", folder / "labels.txt", cache)
    except DataSetError:
        return None
    if found.sha256 != expected:
        return None
    return from_images(name, folder / "images", folder / "labels.txt", cache, classes)


def _unpack(files: Sequence[Path], columns: Columns, folder: Path) -> None:
    """Write images and label list into ``folder``, in one step."""
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        with using_cache(folder):
            shutil.rmtree(temporary, ignore_errors=True)
            (temporary / "images").mkdir(parents=True)
        lines = []
        for number, (image, label) in enumerate(_rows(files, columns)):
            lines.append(f"{number:08} {label}\n")
            with using_cache(folder):
                (temporary / "images" / f"{number:08}").write_bytes(image)
        if not lines:
            raise DataSetError("found no row, expected one for each image", path=files[0])
        with using_cache(folder):
            (temporary / "labels.txt").write_text("".join(lines), encoding="utf-8")
            shutil.rmtree(folder, ignore_errors=True)
            temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _rows(files: Sequence[Path], columns: Columns) -> Iterator[tuple[bytes, int]]:
    """The bytes and the class of each image, checked."""
    import duckdb  # 0.1 s, and nobody else here needs it

    left = max(_SMALL_BYTES, _MOST_TIMES * sum(path.stat().st_size for path in files))
    for path in files:
        try:
            with duckdb.connect(
                config={
                    "threads": 1,
                    "memory_limit": _MEMORY,
                    "autoinstall_known_extensions": False,
                    "autoload_known_extensions": False,
                }
            ) as connection:
                allowed = ", ".join(_quoted(each, "'") for each in (str(path), _escaped(path)))
                connection.execute(f"SET allowed_paths = [{allowed}]")
                connection.execute("SET enable_external_access = false")
                for number, (image, label) in enumerate(_selected(connection, path, columns)):
                    _check(path, number, image, label)
                    left -= len(image)
                    if left < 0 or number >= _MOST_IMAGES:
                        raise DataSetError("its images become more than their files can hold", path=path)
                    yield image, label
        except duckdb.OutOfMemoryException:
            hint = "write it with smaller row groups"
            raise DataSetError(f"reading a row group of it takes more than {_MEMORY}", path=path, hint=hint) from None
        except duckdb.Error as error:
            said = str(error).partition("\n")[0][:200]
            raise DataSetError(f"DuckDB cannot read it as Parquet: {said}", path=path) from error


def _selected(connection: Any, path: Path, columns: Columns) -> Iterator[tuple[Any, Any]]:
    table = "read_parquet(?, hive_partitioning = false)"
    described = connection.execute(f"DESCRIBE SELECT * FROM {table}", [_escaped(path)]).fetchall()
    types = {str(row[0]): str(row[1]) for row in described}
    image_type, label_type = types.get(columns.image, ""), types.get(columns.label, "")
    if not (image_type == "BLOB" or _STRUCT.fullmatch(image_type)) or label_type not in _INTEGERS:
        found = ", ".join(f"{name} {kind}" for name, kind in types.items())[:500]
        raise DataSetError(
            f"found the columns {found}; expected {columns.image} with the bytes of images, alone or in a struct with "
            f"bytes, and {columns.label} with whole numbers",
            path=path,
            hint="name other columns with image_column and label_column",
        )
    image, label = _quoted(columns.image, '"'), _quoted(columns.label, '"')
    if image_type != "BLOB":
        image = f"struct_extract({image}, 'bytes')"
    selected = connection.execute(f"SELECT {image}, {label} FROM {table}", [_escaped(path)])
    while rows := selected.fetchmany(_ROWS):
        yield from rows


def _check(path: Path, number: int, image: Any, label: Any) -> None:
    if not image:
        raise DataSetError(f"row {number} has no bytes of an image", path=path)
    if label is None or not 0 <= label < _MOST_CLASS:
        raise DataSetError(f"row {number} has the label {label}, allowed: 0 to {_MOST_CLASS - 1}", path=path)


def _escaped(path: Path) -> str:
    """The path as a pattern that fits nothing else."""
    return glob.escape(str(path))


def _quoted(text: str, quote: str) -> str:
    return f"{quote}{text.replace(quote, 2 * quote)}{quote}"
