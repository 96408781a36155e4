"""Checkpoints by address: fetched with resume, their SHA-256 recorded the first time and enforced ever after.

The record (`checksums.json`, schema 1) lies beside the recipe, so that whoever repeats the study gets the same bytes.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import tarfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from dse.errors import ModelError
from dse.files import fingerprint, sha256_file, write_bytes, write_json

SCHEMA = 1
_TIMEOUT_S = 60.0
_CHUNK_BYTES = 1 << 20
_MOST_BYTES = 2**30
"""Of a download, and of all that an archive declares to hold: MobileNetV3's archives hold 50 to 150 MB."""
_MOST_MEMBERS = 10_000


def fetch(
    url: str, cache: Path, record: Path, on_progress: Callable[[int, int | None], None] = lambda _done, _all: None
) -> Path:
    """The file that ``url`` serves, from ``cache`` or the network.

    ``record`` is enforced if it knows the address and completed if not. ``on_progress`` gets bytes so far and in all
    (None: the server does not say). A download that breaks off is resumed by the next call. Raises ModelError.
    """
    known = _read_record(record)
    path = cache / f"{fingerprint(url)[:16]}-{PurePosixPath(urllib.parse.urlparse(url).path).name}"
    if not path.exists():
        partial = path.with_name(f"{path.name}.part")
        cache.mkdir(parents=True, exist_ok=True)
        _download(url, partial, on_progress)
        _check(url, partial, known.get(url))
        partial.replace(path)
    elif url in known:
        _check(url, path, known[url])
    if url not in known:
        write_json(record, {"schema": SCHEMA, "sha256": dict(sorted({**known, url: sha256_file(path)}.items()))})
    return path


def extract_model(archive: Path, target: Path) -> Path:
    """Write the one .tflite of a tar archive to ``target``, if it is not there, and return that.

    Nothing is written where the archive wants it. Raises ModelError for an archive that wants to write elsewhere,
    holds links or special files, is larger than any checkpoint, or does not hold exactly one model.
    """
    if target.exists():
        return target
    try:
        with tarfile.open(archive) as tar:
            write_bytes(target, _read_model(tar, archive))
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ModelError(
            f"not a whole tar archive: {error}", path=archive, hint="remove it, to download again"
        ) from error
    return target


def _download(url: str, partial: Path, on_progress: Callable[[int, int | None], None]) -> None:
    start = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
            if response.status != http.HTTPStatus.PARTIAL_CONTENT:
                start = 0  # the server knows no ranges
            length = response.headers.get("Content-Length")
            total = None if length is None else start + int(length)
            done = _store(response, partial, start, total, url, on_progress)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # everything came the last time; the hash decides
        raise ModelError(f"the server says {error.code} {error.reason}", path=url, hint="check the address") from error
    except (OSError, http.client.HTTPException) as error:
        raise ModelError(
            f"broken off: {error}", path=url, hint="run the command again: it goes on from there"
        ) from error
    if total is not None and done < total:
        raise ModelError(
            f"broken off: {done} of {total} bytes", path=url, hint="run the command again: it goes on from there"
        )


def _store(
    response: http.client.HTTPResponse,
    partial: Path,
    start: int,
    total: int | None,
    url: str,
    on_progress: Callable[[int, int | None], None],
) -> int:
    done = start
    with partial.open("r+b" if start else "wb") as file:
        file.seek(start)
        while chunk := response.read(_CHUNK_BYTES):
            done += len(chunk)
            if done > _MOST_BYTES:
                raise ModelError(f"more than {_MOST_BYTES} bytes: no checkpoint", path=url)
            file.write(chunk)
            on_progress(done, total)
    return done


def _check(url: str, path: Path, expected: str | None) -> None:
    if expected is None:
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        path.unlink()
        raise ModelError(
            f"SHA-256 {found}, recorded: {expected}; the file was removed",
            path=url,
            hint="run the command again; if it stays, the file behind the address has changed: "
            "remove the address from checksums.json to accept it",
        )


def _read_record(record: Path) -> dict[str, str]:
    if not record.exists():
        return {}
    try:
        document = json.loads(record.read_bytes())
        if document["schema"] != SCHEMA:
            raise ModelError(f"found schema {document['schema']!r}, this version reads {SCHEMA}", path=record)
        return {str(url): str(sha256) for url, sha256 in document["sha256"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"damaged: {error!r}", path=record, hint="remove it, to record the checksums again") from error


def _read_model(tar: tarfile.TarFile, archive: Path) -> bytes:
    declared, models = 0, []
    for count, member in enumerate(tar, 1):
        name = PurePosixPath(member.name)
        declared += member.size
        if name.is_absolute() or ".." in name.parts:
            raise ModelError(f"it wants to write to {member.name}", path=archive, hint="do not trust its address")
        if not member.isfile() and not member.isdir():
            raise ModelError(f"{member.name} is a link or special file", path=archive, hint="do not trust its address")
        if declared > _MOST_BYTES or count > _MOST_MEMBERS:
            raise ModelError(
                f"it declares {declared} bytes in {count} members, allowed: {_MOST_BYTES} in {_MOST_MEMBERS}",
                path=archive,
            )
        if member.isfile() and name.suffix == ".tflite":
            models.append(member)
    if len(models) != 1:
        raise ModelError(f"{len(models)} .tflite files in it, expected one", path=archive)
    file = tar.extractfile(models[0])
    contents = file.read() if file else b""
    if len(contents) != models[0].size:
        raise ModelError(f"{models[0].name} is cut off", path=archive, hint="remove it, to download again")
    return contents
