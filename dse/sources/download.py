"""Files by address: fetched with resume, their SHA-256 recorded the first time and enforced ever after."""

from __future__ import annotations

import glob
import http.client
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path, PurePosixPath

from dse.errors import MachineError, ModelError, why
from dse.files import fingerprint, sha256_file, write_json, write_text
from dse.paths import cache_dir, shipped, using_cache
from dse.sources.address import authorization, escaped, record_key, shown

OnProgress = Callable[[int, int | None], None]
"""Gets bytes so far, and bytes in all (None: the server does not say)."""

_SCHEMA = 1
_TIMEOUT_S = 60.0
_CHUNK_BYTES = 1 << 20
_AGAIN = "run the command again: it goes on from there"
_BROKEN_OFF = (OSError, http.client.HTTPException, ValueError)
"""What the standard library raises for a server that hangs up, is silent or talks nonsense."""
_LONGEST_NAME = 50
"""Of a file in the cache, in letters of up to four bytes."""
_MOST_BYTES = 2**30
"""MobileNetV3's archives have 50 to 150 MB."""


@dataclass(frozen=True)
class ChecksumRecord:
    """What is known of addresses, in files `checksums.json` (schema 1) in ``folders``; they never hold a secret.

    The first file that knows an address decides; a new one goes to the first folder that can be written.
    """

    folders: tuple[Path, ...]

    @classmethod
    def beside(cls, document: Path) -> ChecksumRecord:
        """The record of a search space: beside its file, so that whoever repeats the study gets the same bytes.

        In the cache folder where that cannot be written, and for spaces that are part of the installed package.
        """
        folder, cache = document.absolute().parent, cache_dir()
        return cls((cache,) if folder.is_relative_to(shipped()) else (folder, cache))

    def find(self, url: str) -> tuple[str, Path] | None:
        """The SHA-256 recorded for ``url``, and the file that says so. Raises ModelError for a damaged file."""
        for path in self._files():
            if sha256 := _read(path).get(record_key(url)):
                return sha256, path
        return None

    def add(self, url: str, sha256: str) -> None:
        """Record the checksum of ``url``. Raises ModelError for a damaged file, MachineError where none is written."""
        path = next((path for path in self._files() if _is_writable(path.parent)), self._files()[-1])
        try:
            write_json(
                path, {"schema": _SCHEMA, "sha256": dict(sorted({**_read(path), record_key(url): sha256}.items()))}
            )
        except OSError as error:
            hint = "make room there, or export DSE_CACHE=/another/folder"
            raise MachineError(f"cannot be written: {why(error)}", path=path, hint=hint) from error

    def _files(self) -> list[Path]:
        return [folder / "checksums.json" for folder in self.folders]


def cached(url: str, cache: Path) -> Path:
    """Where `fetch` keeps what ``url`` serves."""
    return cache / f"{fingerprint(record_key(url))[:16]}-{_file_name(url)}"


def kept_of(url: str, cache: Path) -> Iterator[Path]:
    """Every file that `fetch` may have kept for an address that shows itself as ``url``: its query is not recorded."""
    yield from cache.glob(f"{'[0-9a-f]' * 16}-{glob.escape(_file_name(url))}")


def _file_name(url: str) -> str:
    return PurePosixPath(urllib.parse.urlsplit(shown(url)).path).name[-_LONGEST_NAME:]


def fetch(
    url: str,
    cache: Path,
    record: ChecksumRecord,
    sha256: str | None = None,
    accept: Callable[[Path], None] = lambda _: None,
    on_progress: OnProgress = lambda _done, _all: None,
) -> tuple[Path, str]:
    """The file that ``url`` serves, from ``cache`` or the network, and its SHA-256.

    It must be ``sha256`` if that is given, what ``record`` says if it knows the address, and is recorded otherwise,
    unless ``accept`` raises ModelError for it. A download that breaks off is resumed by the next call, a cached file
    that was changed is fetched again. Raises ModelError; MachineError for a cache that cannot be used.
    """
    try:
        escaped(url)
    except ValueError as error:
        raise ModelError(str(error), hint="correct the url") from error
    with using_cache(cache):
        known = record.find(url) if sha256 is None else (sha256, None)
        path = cached(url, cache)
        if path.exists():
            found = sha256_file(path)
            if known is None:
                record.add(url, found)
            if known is None or known[0] == found:
                return path, found
        partial = path.with_name(f"{path.name}.part")
        cache.mkdir(parents=True, exist_ok=True)
        _download(url, partial, on_progress)
        _version_of(partial).unlink(missing_ok=True)
        found = _check(url, partial, known)
        try:
            accept(partial)
        except ModelError as error:
            partial.unlink()
            raise ModelError(error.message, path=shown(url), hint=error.hint) from None
        if known is None:
            record.add(url, found)
        partial.replace(path)
        return path, found


def _download(url: str, partial: Path, on_progress: OnProgress) -> None:
    """Go on where the last call was, if the server still has that version of the file; else start over."""
    version = _version_of(partial)
    start = partial.stat().st_size if partial.exists() and version.exists() else 0
    response = _open(url, {"Range": f"bytes={start}-", "If-Range": version.read_text()} if start else {})
    if response is None:
        return
    with response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            start = 0
            partial.unlink(missing_ok=True)  # before its version: never the old bytes with the new one's word
            _note_version(version, response.headers)
        total = None if response.length is None else start + response.length
        done = _store(response, partial, start, total, url, on_progress)
    if total is not None and done < total:
        raise ModelError(f"broken off: {done} of {total} bytes", path=shown(url), hint=_AGAIN)


def _open(url: str, headers: Mapping[str, str]) -> http.client.HTTPResponse | None:
    """What the server answers; None when everything came the last time."""
    request = urllib.request.Request(escaped(url), headers=dict(headers))
    if words := authorization(url):
        request.add_unredirected_header("Authorization", words)  # for this server alone
    try:
        response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and headers:
            return None
        raise ModelError(
            f"the server says {error.code} {error.reason}", path=shown(url), hint="check the address"
        ) from error
    except urllib.error.URLError as error:
        hint = "check the address and the network"
        raise ModelError(f"cannot be reached: {why(error.reason)}", path=shown(url), hint=hint) from error
    except _BROKEN_OFF as error:
        raise ModelError(f"broken off: {error}", path=shown(url), hint=_AGAIN) from error
    return response


def _read_chunk(response: http.client.HTTPResponse, url: str) -> bytes:
    try:
        return response.read(_CHUNK_BYTES)
    except _BROKEN_OFF as error:
        raise ModelError(f"broken off: {error}", path=shown(url), hint=_AGAIN) from error


def _version_of(partial: Path) -> Path:
    """Where the server's word for the version of a partial download is: its ETag or date."""
    return partial.with_name(f"{partial.name}.version")


def _note_version(path: Path, headers: Message) -> None:
    named = [name for name in (headers.get("ETag"), headers.get("Last-Modified")) if name and name[:2] != "W/"]
    if named and named[0].isascii() and named[0].isprintable():  # else it cannot be sent back
        write_text(path, named[0])
    else:
        path.unlink(missing_ok=True)


def _store(
    response: http.client.HTTPResponse, partial: Path, start: int, total: int | None, url: str, on_progress: OnProgress
) -> int:
    done = start
    with partial.open("r+b" if start else "wb") as file:
        file.seek(start)
        while chunk := _read_chunk(response, url):
            done += len(chunk)
            if done > _MOST_BYTES:
                raise ModelError(f"more than {_MOST_BYTES} bytes: no model", path=shown(url))
            file.write(chunk)
            on_progress(done, total)
    return done


def _check(url: str, path: Path, known: tuple[str, Path | None] | None) -> str:
    found = sha256_file(path)
    if known is None or known[0] == found:
        return found
    path.unlink()
    expected, place = known
    raise ModelError(
        f"SHA-256 {found}, expected {expected} ({place or 'the search space'}); the file was removed",
        path=shown(url),
        hint="run the command again; if it stays, the file behind the address has changed: "
        + (f"remove the address from {place} to accept it" if place else "correct the sha256 to accept it"),
    )


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        document = json.loads(path.read_bytes())
        if document["schema"] != _SCHEMA:
            raise ModelError(f"found schema {document['schema']!r}, this version reads {_SCHEMA}", path=path)
        return {record_key(str(url)): str(sha256) for url, sha256 in document["sha256"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"damaged: {why(error)}", path=path, hint="remove it, to record the checksums again"
        ) from error


def _is_writable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK)
