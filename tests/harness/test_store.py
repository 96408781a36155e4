"""`dse-harness store`: files come whole, under the name of what they are, inside the folder, or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.harness.devices import ask
from tests.thorough import most_thorough

DATA = bytes(range(256)) * 2000


def put(data: bytes, **changes: Any) -> bytes:
    digest = hashlib.sha256(data).hexdigest()
    line = {"op": "put", "name": f"{digest}.tflite", "bytes": len(data), "sha256": digest, "kind": "file", **changes}
    return json.dumps(line).encode() + b"\n" + data


def archive(*members: tuple[str, bytes | None], **changes: Any) -> bytes:
    """A tar of files, folders (None), and one more member with these fields."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.type, info.size = (tarfile.DIRTYPE, 0) if data is None else (tarfile.REGTYPE, len(data))
            tar.addfile(info, io.BytesIO(data or b""))
        if changes:
            info = tarfile.TarInfo("more")
            for name, value in changes.items():
                setattr(info, name, value)
            tar.addfile(info)
    return stream.getvalue()


def put_folder(data: bytes, **changes: Any) -> bytes:
    return put(data, name="f" * 64, kind="tar", **changes)


def left(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def test_a_file_is_kept_under_its_name(tmp_path: Path) -> None:
    name = f"{hashlib.sha256(DATA).hexdigest()}.tflite"
    assert ask("store", tmp_path / "device", put(DATA)) == ({"stored": name}, 0)
    assert (tmp_path / "device/store" / name).read_bytes() == DATA
    assert ask("store", tmp_path / "device", put(DATA)) == ({"stored": name}, 0)
    asked = json.dumps({"op": "has", "names": ["0" * 64, name]}).encode() + b"\n"
    assert ask("store", tmp_path / "device", asked) == ({"has": [name]}, 0)
    assert left(tmp_path / "device/store") == [name]


def test_a_folder_is_unpacked(tmp_path: Path) -> None:
    data = archive(("./", None), ("./a.jpg", b"a"), ("deep/er/b.jpg", DATA), ("deep", None), ("empty", None))
    for _ in range(2):
        assert ask("store", tmp_path, put_folder(data)) == ({"stored": "f" * 64}, 0)
    folder = tmp_path / "store" / ("f" * 64)
    assert left(folder) == ["a.jpg", "deep", "deep/er", "deep/er/b.jpg", "empty"]
    assert (folder / "deep/er/b.jpg").read_bytes() == DATA
    assert len(left(tmp_path / "store")) == 6


@pytest.mark.parametrize(
    ("data", "said"),
    most_thorough(
        [
            (put(DATA, sha256="0" * 64), "allowed for this file: 000"),
            (put(DATA, sha256="0" * 64, name="0" * 64), "has the SHA-256"),
            (put(DATA, bytes=len(DATA) + 1), "ended 1 bytes too early"),
            (put(DATA, bytes=len(DATA) - 1), "has the SHA-256"),
            (put(DATA, name="../" + "0" * 64), "name: found"),
            (put(DATA, name="0" * 64 + "/../../x"), "name: found"),
            (put(DATA, name="0" * 63), "name: found"),
            (put(DATA, bytes=-1), "bytes"),
            (put(DATA, kind="zip"), "kind"),
            (put_folder(DATA), "no tar"),
            (put_folder(archive(("a", DATA))[:5000]), "no tar"),
            (put_folder(archive(("a", DATA)), sha256="0" * 64), "has the SHA-256"),
            (put_folder(archive(("../a", DATA))), "'../a'"),
            (put_folder(archive(("b/../../a", DATA))), "'b/../../a'"),
            (put_folder(archive(("/tmp/a", DATA))), "'/tmp/a'"),
            (put_folder(archive(("a", b"1"), ("a", b"2"))), "twice"),
            (put_folder(archive(("a", b"1"), ("a/b", b"2"))), "twice"),
            (put_folder(archive(type=tarfile.SYMTYPE, linkname="/etc")), "regular files and folders"),
            (put_folder(archive(("a", b"1"), type=tarfile.LNKTYPE, linkname="a")), "regular files and folders"),
            (put_folder(archive(type=tarfile.FIFOTYPE)), "regular files and folders"),
            (put_folder(archive(type=tarfile.CHRTYPE)), "regular files and folders"),
            (b'{"op": "get"}\n', "op: found 'get', allowed: 'has', 'put'"),
            (b'{"op": "has", "names": ["../x"]}\n', "name: found"),
            (b"[]\n", "expected an object"),
        ],
        lambda case: case[1] in ("has the SHA-256", "'../a'", "regular files and folders", "no tar"),
        "is refused beside the others",
        lambda case: case[1],
    ),
)
def test_what_is_not_as_announced_leaves_nothing(tmp_path: Path, data: bytes, said: str) -> None:
    event, code = ask("store", tmp_path / "device", data)
    assert (code, event["error"]) == (3, "bad_job")
    assert said in event["message"]
    assert left(tmp_path) == ["device", "device/store"]


def test_what_does_not_fit_is_refused_before_it_comes(tmp_path: Path) -> None:
    event, code = ask("store", tmp_path, put(b"", bytes=2**60))
    assert (code, event["error"]) == (3, "no_space")


def test_what_a_killed_upload_left_is_removed(tmp_path: Path) -> None:
    store = tmp_path / "store"
    (store / ".put.4194305.1/deep").mkdir(parents=True)
    (store / f".put.{os.getpid()}.1").touch()
    ask("store", tmp_path, put(DATA))
    assert len(left(store)) == 1
