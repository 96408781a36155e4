"""What can be wrong with a value in a document: its type, its range, its letters. For JSON, YAML, CSV and lists."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tests.fuzz.damage import ESCAPES

Place = tuple[Any, ...]
GONE = object()


def _deep(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


HOSTILE: tuple[Any, ...] = (
    *(None, True, False, [], {}, [[]], ["x"], {"x": {}}, {"x": [1]}, {ESCAPES: 1}, {"": ""}, _deep(150)),
    *(0, 1, -1, 2, 1.5, -0.0, 10**6, 2**31, 2**32, 2**63, 2**64, 10**20, 10**300, 10**400, -(10**400)),
    *(1e308, -1e308, 5e-324, float("nan"), float("inf"), float("-inf")),
    *("", " ", "x", "0", "-1", "1e999", "nan", "null", "yes", "yesterday", "2026-01-01", "1:30", "ä", "\U0001f600"),
    *(ESCAPES, "a\0b", "a\nb", "a\rb", "\x9b31m", "\u202ereversed\u2066", "\ufeff", "\ud800", "x" * 300, "x" * 100_000),
    *("/dev/zero", "/dev/null/x", "/", ".", "..", "../../outside/precious.txt", "~", "~nosuchuser/x", "~root/x"),
    *("$HOME", "${HOME}", "${DSE_MODELS}", "${", "%s", "%(x)s", "{x}", "{0.__class__}", "**x", "*", "**/*", "[", "[!"),
    *("file:///etc/passwd", "http://", "http://[::1", "http://127.0.0.1:1/x", "http://127.0.0.1:99999/x", "--help"),
    *("'; DROP TABLE x; --", "=cmd|' /C calc'!A0", "<script>", "[red]markup[/red]", "[/]", ":smile:"),
)
"""Each of them is wrong in most places, and harmless in some."""

RAW_YAML = (
    *('!!int ""', '!!float ""', '!!float "."', "!!bool x", "!!timestamp x", "!!null x", '!!binary "x"', "!!binary ~"),
    *("2026-01-01", "2026-99-99", "2026-01-01 99:99:99", "2026-01-01T00:00:00+99:99", "0x" + "f" * 6_000, "9" * 6_000),
    *("!!python/object/apply:os.system [touch ../outside/new]", "!!python/name:os.system", "!other x", "!!omap [a: 1]"),
    *("!!set {a, b}", "!!pairs [a: 1]", "*nowhere", "&a [*a]", "&a {a: *a}", "{<<: {a: 1}}", "{<<: x}", "{[a]: 1}"),
    *("{{a: 1}: 1}", "? x", "{? {a: 1} : 1}", ".nan", "-.inf", "1:30:30", "190:20:30.15", "0b" + "1" * 6_000, "0o17"),
    *(
        "08",
        "1_0",
        "_",
        "+",
        "-",
        "~",
        "=",
        "<<",
        "@x",
        "`x",
        "%x",
        "|",
        ">",
        '"\\0"',
        '"\\e[31m"',
        '"\\x9b"',
        '"\\u202e"',
    ),
    *(
        '"\\ud800"',
        '"unclosed',
        "[unclosed",
        "{a: 1, a: 2}",
        "{1: 1, true: 1}",
        "{~: 1}",
        "{.nan: 1}",
        "\tx",
        "a: b: c",
    ),
)
"""Scalars and collections as YAML text: what no JSON can say."""


def bomb(levels: int = 30, width: int = 9) -> str:
    """Nine aliases of nine aliases of ...: 9**30 values in a kilobyte."""
    lines = ["&l0 [x]"]
    lines += [f"&l{level} [{', '.join([f'*l{level - 1}'] * width)}]" for level in range(1, levels)]
    return "[" + ", ".join(lines) + "]"


def places(document: Any, place: Place = ()) -> Iterator[Place]:
    """Every key and item of a document, and the document."""
    yield place
    items: Any = document.items() if isinstance(document, dict) else ()
    if isinstance(document, list):
        items = enumerate(document[:2])
    for key, value in items:
        yield from places(value, (*place, key))


def replaced(document: Any, place: Place, value: Any) -> Any:
    """A copy of ``document`` that has ``value`` at ``place``, or nothing there for `GONE`."""
    if not place:
        return None if value is GONE else value
    document = copy.deepcopy(document)
    around = document
    for key in place[:-1]:
        around = around[key]
    if value is GONE:
        del around[place[-1]]
    else:
        around[place[-1]] = value
    return document


def renamed(document: Any, place: Place, name: Any) -> Any:
    """A copy in which the key at ``place`` is called otherwise."""
    value = document
    for key in place:
        value = value[key]
    without = replaced(document, place, GONE)
    return replaced(without, (*place[:-1], name), value)


def name_of(value: Any) -> str:
    """A value in the name of a test: short, printable."""
    text = "gone" if value is GONE else json.dumps(value) if len(str(value)) < 400 else f"{type(value).__name__}-long"
    return text.encode("ascii", "backslashreplace").decode()[:40].strip('"') or "nothing"


def documents(rng: random.Random, document: Any, each: int) -> Iterator[tuple[str, Callable[[], Any]]]:
    """``document`` made wrong: each place gone, called otherwise, and with ``each`` values that do not belong there."""
    for place in places(document):
        where = ".".join(map(str, place)) or "all"
        chosen = [GONE, *rng.sample(HOSTILE, each)] if place else rng.sample(HOSTILE, 2 * each)
        for value in chosen:
            yield f"{where}-{name_of(value)}", partial(replaced, document, place, value)
        if place and isinstance(place[-1], str) and rng.random() < each / 8:
            name = rng.choice([ESCAPES, "x" * 5_000, "", "extra"])
            yield f"{where}-renamed", partial(renamed, document, place, name)
