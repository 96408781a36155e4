"""A replay table as it lies on disk: its rows by configuration, exact, and the tree that they make."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path

from dse.core.configuration import Configuration, Value
from dse.core.tree import ParameterTree
from dse.errors import Remedy, ResultsError, why
from dse.files import fingerprint
from dse.reading import MIB, read_bytes
from dse.tabular.columns import ACCURACY, FIGURES, GOOD, LARGEST, P90, TELL_APART, TEXT, TOTAL
from dse.tabular.tree import ABSENT, Row, identified, same_rows, tree_of

MOST_ROWS, MOST_COLUMNS, MOST_BYTES = 10_000, 1_000, 16 * MIB
"""Of a table: the largest that was published has 1,380 rows; one of 10,000 takes seconds to read."""
_SHOWN_LENGTH = 40
_HINT = f"a replay table has {ACCURACY}, {P90} and any of {', '.join(TELL_APART)}"


@dataclass(frozen=True)
class TabularBenchmark:
    """Recorded measurements: ``rows`` by configuration, the ``tree`` that has them and nothing else, the file."""

    path: Path
    sha256: str
    tree: ParameterTree
    rows: Mapping[Configuration, Row]

    @cached_property
    def images(self) -> list[int]:
        """Over how many images the accuracies are that are recorded as counts, each number once, in rising order."""
        rows = (row for row in self.rows.values() if is_complete(row))
        return sorted({int(row[TOTAL]) for row in rows if is_number(row.get(GOOD)) and is_number(row.get(TOTAL))})

    @property
    def least_images(self) -> int:
        """Over how many images the accuracies are at least."""
        return self.images[0]

    def find(self, configuration: Mapping[str, Value]) -> Row | None:
        """The row of a configuration, or None."""
        return self.rows.get(_without_absent(configuration))

    def identity(self, configuration: Mapping[str, Value]) -> str:
        """SHA-256 of the table's content and the configuration: what a measurement of it is known by."""
        return fingerprint({"table": self.sha256, "configuration": dict(_without_absent(configuration))})


def read_table(path: Path) -> TabularBenchmark:
    """Read a CSV file. Raises ResultsError with the line where there is one."""
    try:
        data = read_bytes(path, MOST_BYTES)
    except (OSError, ValueError) as error:
        raise ResultsError(f"cannot be read: {why(error)}", path=path, hint="correct the table's name") from error
    return parse_table(data, path)


def parse_table(data: bytes, path: Path) -> TabularBenchmark:
    """The table that a CSV file with the content ``data`` is. Raises ResultsError as `read_table` does."""
    lines = _rows(data, path)
    rows = list(lines.values())
    cells = identified(rows)
    for first, second, *_ in same_rows(cells):
        one, other = list(lines)[first], list(lines)[second]
        raise ResultsError(
            f"the same configuration as line {one}: {Configuration(cells[first]) or 'no column tells them apart'}",
            path=path,
            line=other,
            hint=f"columns that may tell rows apart: {', '.join(TELL_APART)}",
        )
    return TabularBenchmark(
        path,
        hashlib.sha256(data).hexdigest(),
        tree_of(cells),
        dict(zip(map(Configuration, cells), rows, strict=True)),
    )


def is_complete(row: Row) -> bool:
    """Whether a row has an accuracy and a latency; one without stands for a configuration that failed."""
    return is_number(row.get(ACCURACY)) and is_number(row.get(P90))


def is_number(cell: Value | None) -> bool:
    """Whether a cell is a finite number."""
    return isinstance(cell, (int, float)) and not isinstance(cell, bool) and math.isfinite(cell)


def _without_absent(configuration: Mapping[str, Value]) -> Configuration:
    return Configuration({name: value for name, value in configuration.items() if value != ABSENT})


def _rows(data: bytes, path: Path) -> dict[int, Row]:
    """The rows by their line in the file."""
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        header = next(reader, [])
        if len(header) > MOST_COLUMNS:
            raise ResultsError(
                f"{len(header)} columns, at most {MOST_COLUMNS} are read",
                path=path,
                line=1,
                remedy=Remedy.EXPORT_TABLE,
                hint=_HINT,
            )
        filled = ((reader.line_num, line) for line in reader if line)
        lines = list(itertools.islice(filled, MOST_ROWS + 1))
        if len(lines) > MOST_ROWS:
            hint = "select rows: a table is of one device and round"
            raise ResultsError(f"more than {MOST_ROWS} rows", path=path, line=lines[-1][0], hint=hint)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ResultsError(
            f"cannot be read as CSV: {error}", path=path, remedy=Remedy.EXPORT_TABLE, hint=_HINT
        ) from error
    for number, line in lines:
        if len(line) != len(header):
            found = f"found {len(line)} cells, expected {len(header)} as in the first line"
            raise ResultsError(found, path=path, line=number, remedy=Remedy.EXPORT_TABLE, hint=_HINT)
    duplicates = [name for name, count in Counter(header).items() if name and count > 1]
    if duplicates:
        raise ResultsError(f"duplicate column {_short(duplicates[0])}", path=path, line=1, hint="remove one")
    missing = [name for name in (ACCURACY, P90) if name not in header]
    if missing or not lines:
        found = f"no column {' and no '.join(missing)}" if missing else "no rows"
        raise ResultsError(f"found {found}", path=path, remedy=Remedy.EXPORT_TABLE, hint=_HINT)
    columns = {
        name: _typed(name, [line[index].strip() for _, line in lines]) for index, name in enumerate(header) if name
    }
    rows: dict[int, Row] = {
        number: {name: cell for name, cells in columns.items() if (cell := cells[index]) is not None}
        for index, (number, _) in enumerate(lines)
    }
    for number, row in rows.items():
        _check(row, path, number)
    if not any(map(is_complete, rows.values())):
        raise ResultsError("no row has an accuracy and a latency", path=path, remedy=Remedy.EXPORT_TABLE, hint=_HINT)
    return rows


def _check(row: Row, path: Path, line: int) -> None:
    """Raise ResultsError for a number that cannot be."""

    def error(name: str, allowed: str) -> ResultsError:
        hint = "correct it; a row with empty figures is a configuration that failed"
        found = _short(str(row[name]))
        return ResultsError(f"{name}: found {found}, allowed: {allowed}", path=path, line=line, hint=hint)

    for name, cell in row.items():
        if isinstance(cell, str):
            continue
        figure = FIGURES.get(name)
        if figure is None:
            if not -LARGEST <= cell <= LARGEST:
                raise error(name, "a number up to 2^63")
        elif not figure.low <= cell <= figure.high or (figure.whole and cell != int(cell)):
            raise error(name, figure.words)
    good, total, percent = row.get(GOOD), row.get(TOTAL), row.get(ACCURACY)
    if not isinstance(good, int) or not isinstance(total, int):
        return
    if good > total:
        raise error(GOOD, f"a whole number from 0 to {TOTAL}, {total}")
    if isinstance(percent, (int, float)) and abs(percent - 100 * good / total) > _last_digit(percent) + 100 / total:
        raise error(ACCURACY, f"100 {GOOD} / {TOTAL}, {100 * good / total:.3f}")


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}... ({len(text)} characters)"


def _last_digit(number: float) -> float:
    """What one more in the last written digit adds: 0.1 for 66.4."""
    return max(10.0 ** int(Decimal(repr(number)).as_tuple().exponent), 1e-6)


def _typed(name: str, texts: Sequence[str]) -> list[Value | None]:
    """The cells of a column, all of one kind: true or false, numbers, else words; None where there is nothing.

    A word in place of a figure is nothing, too: that row failed, not the table.
    """
    texts = ["" if text == ABSENT else text for text in texts]
    if name in FIGURES:
        return [_figure(text) for text in texts]
    if name not in TEXT:
        for kind in (_flag, _number):
            try:
                return [kind(text) if text else None for text in texts]
            except ValueError:
                continue
    return [text or None for text in texts]


def _figure(text: str) -> int | float | None:
    try:
        return _number(text)
    except ValueError:
        return None


def _flag(text: str) -> bool:
    if text not in ("True", "False"):
        raise ValueError(text)
    return text == "True"


def _number(text: str) -> int | float | None:
    """A whole number stays one, whatever its size; nothing for ``nan``. Raises ValueError for words, also ``0_5``."""
    if "_" in text:  # Python leaves it out of a number
        raise ValueError(text)
    try:
        return int(text)
    except ValueError:
        value = float(text)
    if math.isnan(value):
        return None
    return int(value) if value.is_integer() else value
