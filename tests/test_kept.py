"""Documents that are kept in the cache: found as they were kept, or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dse.kept import keep, kept

_DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path))
    return tmp_path


@given(_DOCUMENTS, st.text(st.characters(exclude_categories=["Cs"])))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_document_is_found_as_it_was_kept_and_under_its_fingerprint_only(document: Any, name: str) -> None:
    own, others = f"own {name}", f"others {name}"  # an example finds what those before it kept
    keep("things", own, "f", document)
    assert kept("things", own, "f") == document
    assert kept("things", own, "g") is None
    assert kept("others", own, "f") is None
    assert kept("things", others, "f") is None


def test_a_later_one_takes_the_place_of_the_one_before(cache: Path) -> None:
    keep("things", "a", "f", 1)
    keep("things", "a", "g", 2)
    assert (kept("things", "a", "f"), kept("things", "a", "g")) == (None, 2)
    assert len(list((cache / "things").iterdir())) == 1


def test_each_byte_of_it_counts(cache: Path) -> None:
    keep("things", "a", "f", {"figure": 1234})
    (path,) = (cache / "things").iterdir()
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert kept("things", "a", "f") in (None, {"figure": 1234}), place
    path.write_bytes(whole.replace(b"1234", b"1235"))
    assert kept("things", "a", "f") is None


def test_what_another_user_may_have_written_is_not_believed(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.umask(0)
    try:
        keep("things", "a", "f", 1)
    finally:
        os.umask(before)
    (path,) = (cache / "things").iterdir()
    assert kept("things", "a", "f") == 1  # whatever the umask is
    path.chmod(0o664)
    assert kept("things", "a", "f") is None
    path.chmod(0o644)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    assert kept("things", "a", "f") is None


def test_of_a_kind_a_hundred_are_kept(cache: Path) -> None:
    for number in range(103):
        keep("things", str(number), "f", number)
        (path,) = (
            p for p in (cache / "things").iterdir() if json.loads(json.loads(p.read_text())["document"]) == number
        )
        os.utime(path, ns=(number, number))
    assert len(list((cache / "things").iterdir())) == 100
    assert [kept("things", str(number), "f") for number in (0, 1, 2, 3, 102)] == [None, None, None, 3, 102]


def test_what_json_has_not_is_not_kept(cache: Path) -> None:
    keep("things", "a", "f", float("nan"))
    assert not list(cache.iterdir())


def test_what_is_too_long_to_be_read_is_not_kept(cache: Path) -> None:
    keep("things", "a", "f", "x" * 2**24)
    assert not list(cache.iterdir())
