"""Files by address: fetched with resume into the cache, never more than a limit, and only what is accepted stays."""

from __future__ import annotations

import glob
import http
import stat
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from dse.address import escaped, record_key, shown
from dse.errors import ModelError
from dse.files import fingerprint, sha256_file, write_text
from dse.models.archive import MemberError
from dse.models.checksums import ChecksumRecord
from dse.paths import using_cache
from dse.reading import read_text

if TYPE_CHECKING:
    from email.message import Message

    from dse.models.transfer import Answer

OnProgress = Callable[[int, int | None], None]
"""Gets bytes so far, and bytes in all (None: the server does not say)."""

_CHUNK_BYTES = 1 << 20
_ANEW = "run the command again: it begins anew"
_REMOVE = "remove it: dse downloads it again"
_LONGEST_WORD = 4096
_LONGEST_NAME = 50
"""Of a file in the cache, in letters of up to four bytes."""
_MOST_BYTES = 2**30
"""MobileNetV3's archives have 50 to 150 MB."""


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
        partial = path.with_name(f"{path.name}.part")
        for place in (path, partial):
            _check_place(place, link=place is path)
        if path.exists():
            found = sha256_file(path)
            if known is None:
                _accept(url, path, accept)
                record.add(url, found)
            if known is None or known[0] == found:
                return path, found
        cache.mkdir(parents=True, exist_ok=True)
        _download(url, partial, on_progress)
        _version_of(partial).unlink(missing_ok=True)
        found = _check(url, partial, known)
        _accept(url, partial, accept, path)
        if known is None:
            record.add(url, found)
        partial.replace(path)
        return path, found


def _accept(url: str, path: Path, accept: Callable[[Path], None], keep: Path | None = None) -> None:
    """Raise ModelError for a file that is not accepted, and remove it; keep it where only the member is in question."""
    try:
        accept(path)
    except MemberError as error:
        if keep:
            path.replace(keep)
        raise ModelError(error.message, path=shown(url), hint=error.hint) from None
    except ModelError as error:
        path.unlink()
        raise ModelError(error.message, path=shown(url), hint=error.hint) from None


def _download(url: str, partial: Path, on_progress: OnProgress) -> None:
    """Go on where the last call was, if the server still has that version of the file; else start over."""
    from dse.models.transfer import AGAIN, ask  # with HTTP and TLS, which few searches need

    version = _version_of(partial)
    word = _word_for(version)
    start = partial.stat().st_size if partial.exists() and word else 0
    response = ask(url, {"Range": f"bytes={start}-", "If-Range": word} if start and word else {})
    if response is None:
        return
    with response:
        if response.status == http.HTTPStatus.PARTIAL_CONTENT:
            if not start or not (response.headers.get("Content-Range") or "").startswith(f"bytes {start}-"):
                _forget(partial)
                raise ModelError("the server sends another part than was asked for", path=shown(url), hint=_ANEW)
        else:
            start = 0
            partial.unlink(missing_ok=True)  # before its version: never the old bytes with the new one's word
            _note_version(version, response.headers)
        total = None if response.length is None else start + response.length
        if total is not None and total > _MOST_BYTES:
            _forget(partial)
            raise _too_large(url)
        done = _store(response, partial, start, total, url, on_progress)
    if total is not None and done < total:
        raise ModelError(f"broken off: {done} of {total} bytes", path=shown(url), hint=AGAIN)


def _version_of(partial: Path) -> Path:
    """Where the server's word for the version of a partial download is: its ETag or date."""
    return partial.with_name(f"{partial.name}.version")


def _word_for(version: Path) -> str | None:
    """The server's word, where it is there and can be sent back."""
    try:
        word = read_text(version, _LONGEST_WORD, follow=False)
    except (OSError, ValueError):
        return None
    return word if _can_be_sent(word) else None


def _can_be_sent(word: str) -> bool:
    return bool(word) and word.isascii() and word.isprintable() and len(word) <= _LONGEST_WORD


def _note_version(path: Path, headers: Message) -> None:
    named = [name for name in (headers.get("ETag"), headers.get("Last-Modified")) if name and name[:2] != "W/"]
    if named and _can_be_sent(named[0]):
        write_text(path, named[0])
    else:
        path.unlink(missing_ok=True)


def _store(response: Answer, partial: Path, start: int, total: int | None, url: str, on_progress: OnProgress) -> int:
    from dse.models.transfer import read_part

    done = start
    with partial.open("r+b" if start else "wb") as file:
        file.seek(start)
        while total is None or done < total:
            part = read_part(response, _CHUNK_BYTES if total is None else min(_CHUNK_BYTES, total - done), url)
            if not part:
                break
            done += len(part)
            if done > _MOST_BYTES:
                _forget(partial)
                raise _too_large(url)
            file.write(part)
            on_progress(done, total)
    return done


def _check_place(path: Path, *, link: bool) -> None:
    """Raise ModelError for what has the name of a file in the cache and is none: reading it may have no end."""
    try:
        found = path.stat() if link else path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        raise ModelError("is no regular file", path=path, hint=_REMOVE)
    if found.st_size > _MOST_BYTES:
        raise ModelError(f"has {found.st_size} bytes, allowed: {_MOST_BYTES}", path=path, hint=_REMOVE)


def _forget(partial: Path) -> None:
    partial.unlink(missing_ok=True)
    _version_of(partial).unlink(missing_ok=True)


def _too_large(url: str) -> ModelError:
    return ModelError(f"more than {_MOST_BYTES} bytes, which is no model", path=shown(url), hint="check the address")


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
