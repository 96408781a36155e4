"""Spaces made to trip dse: every one is refused with the line of the space that is wrong, whatever it names."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dse.errors import DseError, InputError
from dse.spaces import places
from dse.spaces.load import find_space, load_space
from tests.thorough import examples

_SPACE = """\
schema: 1
name: small
data_set: {file: images.npz, classes: 10}
models:
  a: {path: a.tflite}
parameters:
  threads: [1, 2]
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data set, a model, and things that are no files."""
    folder = tmp_path_factory.mktemp("traps")
    os.environ.setdefault("DSE_CACHE", str(folder / "cache"))
    np.savez(folder / "images.npz", images=np.zeros((8, 4, 4), np.uint8), labels=np.arange(8))
    (folder / "a.tflite").write_bytes(b"model")
    os.mkfifo(folder / "pipe")
    (folder / "device").symlink_to("/dev/zero")
    (folder / "folder").mkdir()
    (folder / "loop").symlink_to("loop")
    with (folder / "sparse").open("wb") as file:
        file.truncate(2**43)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket"))
    return folder


def _load(here: Path, text: str) -> None:
    (here / "space.yaml").write_text(text, encoding="utf-8")
    load_space(find_space(str(here / "space.yaml")), {})


def _error(here: Path, text: str) -> DseError | None:
    """What is wrong with a space; anything else that it raises fails the test."""
    try:
        _load(here, text)
    except DseError as error:
        return error
    return None


def _refused(here: Path, text: str) -> DseError:
    with pytest.raises(DseError) as caught:
        _load(here, text)
    assert isinstance(caught.value, InputError)
    assert len(f"{caught.value} {caught.value.hint}") < 3_000
    return caught.value


def test_the_space_is_one(here: Path) -> None:
    _load(here, _SPACE)


_ODD = (
    *(
        "!!int ''",
        "!!float ''",
        "!!bool x",
        "!!timestamp x",
        "!!python/name:os.system",
        "!!binary x",
        "!!null x",
        "!x y",
    ),
    *(
        "0x" + "f" * 6000,
        "9" * 6000,
        "'" + "9" * 6000 + "s'",
        "1e999",
        ".nan",
        "-.inf",
        "''",
        "{}",
        "[]",
        "[[[]]]",
        "{a: {}}",
    ),
    *("2020-13-45", "1:1:1", "'\\0'", '"a\\0b"', "~", "true", "-1", "'" + "x" * 100_000 + "'", "[" * 200 + "]" * 200),
)
_KEYS = (
    *(
        ("schema",),
        ("name",),
        ("seed",),
        ("sampler",),
        ("objectives",),
        ("constraints",),
        ("replay",),
        ("budget", "time"),
    ),
    *(
        ("budget", "trials"),
        ("parameters",),
        ("parameters", "threads"),
        ("parameters", "width"),
        ("data_set",),
        ("models",),
    ),
    *(
        ("data_set", "classes"),
        ("data_set", "file"),
        ("data_set", "preprocessing", "crop_percent"),
        ("runtimes", "r", "python"),
    ),
    *(("fidelity", "explore", "min_duration"), ("models", "a"), ("models", "a", "path"), ("models", "a", "glob")),
    *(("models", "a", "url"), ("models", "a", "sha256"), ("parameters", "cpu_affinity"), ("data_set", "name")),
)


@pytest.mark.parametrize("key", _KEYS, ids=".".join)
def test_any_odd_value_at_any_key_is_refused_or_taken(here: Path, key: tuple[str, ...]) -> None:
    for odd in _ODD:
        for value in (odd, f"[{odd}]"):
            text = f"{key[-1]}: {value}\n"
            for depth, name in enumerate(reversed(key[:-1]), 1):
                text = f"{name}:\n" + "".join(f"{' ' * depth}{line}\n" for line in text.strip("\n").split("\n"))
            content = [block for block in _blocks() if not block.startswith(f"{key[0]}:")]
            error = _error(here, "".join(content) + text)
            if isinstance(error, InputError):
                assert str(here / "space.yaml") in f"{error} {error.hint}", (odd, error)
                assert len(f"{error} {error.hint}") < 3_000
            elif error is not None:
                assert key[-1] == "python", (odd, error)


def _blocks() -> list[str]:
    blocks: list[str] = []
    for line in _SPACE.splitlines(keepends=True):
        if line.startswith(" "):
            blocks[-1] += line
        else:
            blocks.append(line)
    return blocks


@pytest.mark.parametrize(
    "path",
    [
        "pipe",
        "device",
        "folder",
        "loop",
        "socket",
        "none",
        "x/" * 3000,
        "n" * 300,
        "~nobody_here/x",
        '"a\\0b"',
        "''",
        ".",
        "/",
    ],
)
@pytest.mark.parametrize(
    ("key", "space"),
    [
        ("models.a.path", _SPACE.replace("{path: a.tflite}", "{path: PATH}")),
        ("models.a.glob", _SPACE.replace("{path: a.tflite}", "{glob: PATH}")),
        ("data_set.file", _SPACE.replace("images.npz", "PATH")),
        ("data_set.images", _SPACE.replace("file: images.npz", "labels: a.tflite, images: PATH")),
        ("data_set.labels", _SPACE.replace("file: images.npz", "images: folder, labels: PATH")),
        ("replay", "schema: 1\nname: x\nreplay: PATH\n"),
    ],
)  # fmt: skip
def test_what_is_no_file_is_refused_with_the_line_that_names_it(here: Path, key: str, space: str, path: str) -> None:
    error = _refused(here, space.replace("PATH", path))
    if key == "data_set.images" and path in ("folder", "''", ".", "/"):
        assert "labels" in error.message or "line" in (error.hint or "")
        return
    assert error.path == here / "space.yaml"
    assert error.message.startswith(f"{key}: "), error
    assert error.line is not None


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("/", "no file fits"),
        ("**x", None),
        ("**/**/**/*.npz", None),
        ("[", "no file fits"),
        ("/**/*.nothing", "goes through more than 500"),
    ],
)  # fmt: skip
def test_any_pattern_ends(here: Path, pattern: str, message: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "MOST_ENTRIES", 500)
    (here / "xx").write_bytes(b"x")
    text = _SPACE.replace("{path: a.tflite}", f"{{glob: '{pattern}'}}")
    if message is None:
        _load(here, text)
    else:
        assert message in _refused(here, text).message


@pytest.mark.parametrize(
    ("parameters", "key", "message"),
    [
        ("".join(f"  p{number}: [1]\n" for number in range(3000)), "parameters", "found 3000 parameters, allowed: 100"),
        (f"  cpu_affinity: {[f'0-{number}' for number in range(1, 8000)]}\n", "cpu_affinity", "found 7999 levels"),
        (f"  cpu_affinity: ['{','.join(['0-8191'] * 10_000)}']\n", "cpu_affinity", "found the level '0-8191,0-8191,"),
    ],
)
def test_a_space_that_is_too_large_to_look_at_is_refused(here: Path, parameters: str, key: str, message: str) -> None:
    error = _refused(here, _SPACE.partition("  threads")[0] + parameters)
    assert message in error.message
    assert error.message.startswith(("parameters: ", f"parameters.{key}: "))


def test_a_sparse_model_of_terabytes_is_not_read(here: Path) -> None:
    error = _refused(here, _SPACE.replace("a.tflite", "sparse"))
    assert "has 8796093022208 bytes, allowed: up to" in error.message
    assert "space.yaml, line 5" in (error.hint or "")


_TEXT = st.text(alphabet="ab01:#'\"\n -[]{}!&*?|>%@`,~.$\x00\x1b\x85\u202e\ud7ff", max_size=12)
_WORDS = st.sampled_from(["a", "path", "glob", "url", "zoo", "engine"])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT | _WORDS, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(sorted({key[0] for key in _KEYS} | {"description", "x"})), _VALUES, max_size=4))
def test_anything_is_a_space_or_is_refused(here: Path, changes: dict[str, Any]) -> None:
    content = yaml.safe_load(_SPACE) | changes
    error = _error(here, yaml.safe_dump(content, allow_unicode=True))
    assert error is None or str(error)


@settings(max_examples=examples(100), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_space_is_a_space_or_is_refused(here: Path, data: st.DataObject) -> None:
    source = bytearray(_SPACE.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(source) - 1))
        source[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=6))
        source = source or bytearray(b" ")
    (here / "space.yaml").write_bytes(bytes(source))
    with suppress(DseError):
        load_space(find_space(str(here / "space.yaml")), {})
