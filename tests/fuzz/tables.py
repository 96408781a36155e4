"""Replay tables: CSV that is none, cells out of range, too many of everything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.fuzz.bases import TABLE, table_rows, write_table
from tests.fuzz.damage import ESCAPES
from tests.fuzz.making import Dice, Target, chance, files
from tests.fuzz.running import Input
from tests.fuzz.values import HOSTILE, name_of

FILE = "table.csv"
COMMANDS = (
    ("space", "check", "recorded.yaml"),
    ("explore", "--space", "recorded.yaml", "--trials", "2"),
    ("replay", "--table", FILE, "--budget", "4", "--seeds", "1"),
)
_TARGET = Target("table", FILE, COMMANDS, (FILE,), writes=("studies",))
_HEADERS: dict[str, tuple[str, ...]] = {
    "no-header": tuple(map(str, table_rows()[0])),
    "no-accuracy": tuple("x" if name == "accuracy_pct" else name for name in TABLE),
    "twice": (*TABLE[:-1], "width"),
    "escaped": (ESCAPES, *TABLE[1:]),
    "long": ("x" * 100_000, *TABLE[1:]),
    "empty-names": ("", *TABLE[1:]),
    "spaces": tuple(f" {name} " for name in TABLE),
    "capitals": tuple(name.upper() for name in TABLE),
    "too-few": TABLE[:-1],
    "too-many": (*TABLE, "more"),
}


def inputs(dice: Dice) -> Iterator[Input]:
    """Everything about a replay table."""
    yield from files(dice, _TARGET)
    yield from chance(dice, _TARGET)
    yield from _cells(dice)
    for name, header in _HEADERS.items():
        yield _TARGET.input(dice, f"header-{name}", lambda path, header=header: write_table(path, table_rows(), header))
    yield from _sizes(dice)


def _cells(dice: Dice) -> Iterator[Input]:
    for column, title in enumerate(TABLE):
        for value in dice.rng.sample(HOSTILE, 2 * dice.each):

            def damage(path: Path, column: int = column, value: Any = value) -> None:
                rows = table_rows()
                rows[2][column] = str(value).encode("utf-8", "replace").decode()
                write_table(path, rows)

            yield _TARGET.input(dice, f"{title}-{name_of(value)}", damage)


def _sizes(dice: Dice) -> Iterator[Input]:
    header, rows = ",".join(TABLE), "\n".join(",".join(map(str, row)) for row in table_rows())
    texts = {
        "50000-columns": f"{header},{','.join(f'c{n}' for n in range(50_000))}\n"
        + "\n".join(f"{line},{','.join(['1'] * 50_000)}" for line in rows.splitlines()),
        "200000-rows": f"{header}\n" + "".join(f"{n},96,uint8,50,500,1000,{n + 1}\n" for n in range(200_000)),
        "200000-equal-rows": f"{header}\n" + "0.5,96,uint8,50,500,1000,10\n" * 200_000,
        "one-cell-of-megabytes": f"{header}\n{'9' * 3_000_000},96,uint8,50,500,1000,10\n",
        "an-open-quote": f'{header}\n"{rows}\n',
        "only-a-header": f"{header}\n",
        "blank-lines": f"{header}\n" + "\n" * 100_000 + rows + "\n",
        "semicolons": f"{header}\n{rows}\n".replace(",", ";"),
        "old-mac-lines": f"{header}\n{rows}\n".replace("\n", "\r"),
        "quotes": f'{header}\n""""""""{rows}\n',
    }
    for name, text in texts.items():
        yield _TARGET.input(dice, name, lambda path, text=text: path.write_text(text, newline=""))
