"""YAML with lines: what is read, and everything unsafe or ambiguous that is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dse.errors import SpaceError
from dse.spaces.document import MOST_BYTES, Document, parse_document, read_document

_HERE = Path("space.yaml")


def _parse(source: str) -> Document:
    return parse_document(source, _HERE)


@given(
    st.recursive(
        st.integers() | st.booleans() | st.none() | st.text(alphabet="ab 1:#'\n-"),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet="ab 1~"), inner, max_size=3),
        max_leaves=10,
    )
)
def test_plain_yaml_reads_as_the_safe_loader_reads_it(content: object) -> None:
    assert _parse(yaml.safe_dump(content)).content == content


def test_every_key_and_item_knows_its_line() -> None:
    document = _parse("schema: 1\n\nparameters:\n  family:\n    small:\n    large: {width: [1,\n      2]}\n")
    assert document.content["parameters"]["family"] == {"small": None, "large": {"width": [1, 2]}}
    assert document.line(("parameters", "family", "large")) == 6
    assert document.line(("parameters", "family", "large", "width", 1)) == 7
    assert document.line(("parameters", "no", "such")) == 3
    assert document.line(("nothing",)) == 1


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "duplicate key 'a'"),
        ("a:\n  x: 1\n  x: 1\n", 3, "duplicate key 'x'"),
        ("a: 1\n1: b\n1.0: c\n", 3, "duplicate key"),
        ("a: [1\nb: 2\n", 2, "expected"),
        ("a: b: c\n", 1, "mapping values"),
        ("a: 1\n---\nb: 2\n", 2, "but found another document"),
        ("a: 1\nb: !!python/object/apply:os.system ['true']\n", 2, "tag"),
        ("a: 1\nb: !!python/object:dse.errors.DseError {}\n", 2, "tag"),
        ("a: 1\nb: !!python/name:os.system\n", 2, "python/name"),
        ("a: !include other.yaml\n", 1, "include"),
        ("a: !mine {b: 1}\n", 1, "tag"),
        ("a: &x [*x]\n", 1, "alias"),
        ("a: &x {b: *x}\n", 1, "alias"),
        ("a: *nothing\n", 1, "undefined alias"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", 3, "<<"),
        ("a: 1\n? [1, 2]\n: b\n", 2, "as a key"),
        ("a: 1\n? {b: c}\n: d\n", 2, "as a key"),
        ("a: 1\n\tb: 2\n", 2, "tab"),
    ],
)
def test_what_is_unsafe_or_ambiguous_is_refused_with_its_line(source: str, line: int, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        _parse(source)
    assert (caught.value.path, caught.value.line) == (_HERE, line), caught.value
    assert message in caught.value.message


@pytest.mark.parametrize("source", ["a: \x00", "a: " + "9" * 5000, "[" * 20_000, "a: \ud800"])
def test_what_trips_the_parser_is_refused(source: str) -> None:
    with pytest.raises(SpaceError, match="that dse reads"):
        _parse(source)


def test_a_long_key_and_a_long_value_do_not_fill_the_screen() -> None:
    document = _parse("a: 1")
    error = document.error(("k" * 10_000, "x"), "found " + "v" * 10_000)
    assert len(str(error)) < 1_300
    assert "(10000 letters)" in str(error)


def test_a_large_file_and_a_pipe_are_refused(tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_text("#" * (MOST_BYTES + 1))
    os.mkfifo(tmp_path / "pipe.yaml")
    for name, message in (("large", f"at most {MOST_BYTES} are read"), ("pipe", "is a pipe")):
        with pytest.raises(SpaceError, match=message):
            read_document(tmp_path / f"{name}.yaml")


@pytest.mark.parametrize("collection", ["[{0},{0},{0},{0},{0},{0},{0},{0},{0}]", "{{p: {0}, q: {0}, r: {0}, s: {0}}}"])
def test_a_billion_laughs_end_early(collection: str) -> None:
    lines = ["x0: &x0 [lol]"] + [f"x{n}: &x{n} " + collection.format(f"*x{n - 1}") for n in range(1, 30)]
    with pytest.raises(SpaceError, match="more than 100000 values"):
        _parse("\n".join(lines))


def test_an_alias_that_ends_is_read() -> None:
    assert _parse("a: &x [1, 2]\nb: *x\n").content == {"a": [1, 2], "b": [1, 2]}


def test_an_empty_file_is_an_empty_document(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("")
    assert read_document(tmp_path / "empty.yaml").content is None


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08\x00", b"\xff\xfe a: 1", b"TFL3\x00\x00"])
def test_a_binary_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.yaml").write_bytes(content)
    with pytest.raises(SpaceError) as caught:
        read_document(tmp_path / "x.yaml")
    assert caught.value.path == tmp_path / "x.yaml"


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path, message in ((tmp_path / "none.yaml", "no such file"), (tmp_path, "cannot be read")):
        with pytest.raises(SpaceError, match=message):
            read_document(path)
