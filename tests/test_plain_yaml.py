"""One reader of YAML: plain documents only, and one error for each way in which text can be wrong."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dse.plain_yaml import MOST_YAML_BYTES, parse_yaml, parse_yaml_with_lines, read_yaml
from dse.reading import UnreadableError

_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(_PLAIN)
def test_yaml_reads_as_the_safe_loader_reads_it(content: Any) -> None:
    assert parse_yaml(yaml.safe_dump(content)) == content


def test_yaml_knows_its_lines_and_takes_dates_as_words(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a: 1\nb:\n  - 2026-11-29\n  - c: x\n")
    assert read_yaml(tmp_path / "f") == {"a": 1, "b": ["2026-11-29", {"c": "x"}]}
    assert parse_yaml_with_lines((tmp_path / "f").read_text())[1][("b", 1, "c")] == 4


_ALIASES = "a0: &a0 [1, 1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("[" * 5_000, "not YAML that dse reads"),
        ("[" * 500 + "]" * 500, "within each other"),
        ("- " * 5_000 + "1", "within each other"),
        ("{a: " * 90 + "1", "expected"),
        (_ALIASES, "more than 100000 values"),
        ("a: &x [*x]", "contains itself"),
        ("a: !!int ''", "found '', which is no int"),
        ("a: !!float ''", "which is no float"),
        ("a: !!bool x", "which is no bool"),
        ("a: !!timestamp x", "timestamp, allowed: none"),
        ("a: !!binary eA==", "binary, allowed: none"),
        ("a: !!set {x}", "set, allowed: none"),
        ("a: 0x" + "f" * 6000, "too large for a number"),
        ("a: " + "9" * 6000, r"\(6000 characters\), which is no int that dse reads"),
        ("a: 1\na: 2", "duplicate key 'a'"),
        ("!!int '': 1", "which is no int"),
        ("a: \x07", "characters are not allowed$"),
        ("#" * (MOST_YAML_BYTES + 1), "at most"),
        ("a: b: c", "mapping values"),
    ],
)
def test_yaml_that_is_not_plain_is_one_error(source: str, message: str) -> None:
    began = time.monotonic()
    with pytest.raises(UnreadableError, match=message):
        parse_yaml(source)
    assert time.monotonic() - began < 60  # a hang, not a clock: each takes well under a second


@given(st.text(alphabet="ab01:-[]{}&*!|>'\"#%@`,? \n\t~.<=x", max_size=60))
def test_any_text_is_yaml_or_one_error(source: str) -> None:
    with suppress(UnreadableError):
        parse_yaml(source)
