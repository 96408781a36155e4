"""The SHA-256 of every address that was downloaded: recorded the first time, enforced ever after."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from dse.address import record_key
from dse.errors import MachineError, ModelError, why
from dse.files import write_json
from dse.paths import cache_dir
from dse.reading import MIB, read_json
from dse.shipped import shipped

_SCHEMA = 1
_MOST_BYTES = 4 * MIB
_SHA256 = re.compile(r"[0-9a-f]{64}")


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
        known = {**_read(path), record_key(url): sha256}
        try:
            write_json(path, {"schema": _SCHEMA, "sha256": dict(sorted(known.items()))})
        except OSError as error:
            hint = "make room there, or export DSE_CACHE=/another/folder"
            raise MachineError(f"cannot be written: {why(error)}", path=path, hint=hint) from error

    def _files(self) -> list[Path]:
        return [folder / "checksums.json" for folder in self.folders]


def _read(path: Path) -> dict[str, str]:
    """The checksums in ``path``; none where there is no such file. A link is refused: it is written to as well."""
    try:
        document = read_json(path, _MOST_BYTES, follow=False)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _damaged(path, why(error)) from error
    if not isinstance(document, dict) or not isinstance(document.get("sha256"), dict):
        raise _damaged(path, "found no object with schema and sha256")
    schema, known = document.get("schema"), document["sha256"]
    if schema != _SCHEMA or isinstance(schema, bool):
        raise ModelError(f"found schema {str(schema)[:40]}, this version reads {_SCHEMA}", path=path)
    for url, sha256 in known.items():
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
            raise _damaged(path, f"what it says of {record_key(url)[:200]} is no SHA-256 of 64 digits 0-9a-f")
    return {record_key(url): sha256 for url, sha256 in known.items()}


def _damaged(path: Path, reason: str) -> ModelError:
    return ModelError(f"damaged: {reason}", path=path, hint="remove it, to record the checksums again")


def _is_writable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK)
