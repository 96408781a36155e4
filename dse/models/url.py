"""Models by URL: fetched once, kept in the cache, taken out of their archive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dse.address import shown
from dse.core.configuration import Value
from dse.errors import ModelError
from dse.files import fingerprint
from dse.models._base import ModelFile
from dse.models.archive import is_archive, is_model, read_model
from dse.models.cache import kept
from dse.models.checksums import ChecksumRecord
from dse.models.download import OnProgress, cached, fetch


@dataclass(frozen=True)
class UrlSource:
    """What ``url`` serves; a .tflite file, or a tar or zip archive with one inside.

    It must have the SHA-256 ``sha256``; without one, that which ``record`` took down at the first download.
    A user and password in it, and its query, go to its server alone.
    ``member`` names the file inside the archive; without it, the archive must have exactly one .tflite.
    """

    url: str
    cache: Path
    record: ChecksumRecord
    sha256: str | None = None
    member: str | None = None

    @property
    def parameters(self) -> Mapping[str, tuple[Value, ...]]:
        """None: a download is one variant."""
        return {}

    @property
    def shown_url(self) -> str:
        """The address without what may be a secret: user, password, query."""
        return shown(self.url)

    @property
    def known_sha256(self) -> str | None:
        """The SHA-256 that the download must have; None before the first one. Raises ModelError."""
        if self.sha256:
            return self.sha256
        recorded = self.record.find(self.url)
        return recorded[0] if recorded else None

    @property
    def is_here(self) -> bool:
        """Whether `make` needs no network."""
        return cached(self.url, self.cache).exists()

    def check(self, variant: Mapping[str, Value]) -> None:
        """Nothing can be wrong: there is nothing to choose."""

    def identity(self, variant: Mapping[str, Value]) -> dict[str, Value]:
        """The checksum and the file inside; downloads if nobody knows the checksum yet. Raises ModelError."""
        return {"download": self._sha256, "member": self.member or ""}

    def make(self, variant: Mapping[str, Value]) -> ModelFile:
        """The model's file, fetched on first use. Raises ModelError, MachineError."""
        return self._file

    def download(self, on_progress: OnProgress = lambda _done, _all: None) -> tuple[Path, str]:
        """What the address serves, as a file in the cache, and its SHA-256. Raises ModelError."""
        return fetch(self.url, self.cache, self.record, self.sha256, self._accept, on_progress)

    @cached_property
    def _sha256(self) -> str:
        return self.known_sha256 or self.download()[1]

    @cached_property
    def _file(self) -> ModelFile:
        path, sha256 = self.download()
        if is_model(path):
            return ModelFile(path, sha256)
        return kept(self.cache, fingerprint(self.identity({})), lambda: read_model(path, self.member))

    def _accept(self, path: Path) -> None:
        """Raise ModelError for what is no model in any form, such as a page to log in, or a spoilt archive."""
        if is_model(path):
            return
        if not is_archive(path):
            raise ModelError("neither a .tflite file nor a zip or tar archive", path=path, hint="correct the url")
        for _ in read_model(path, self.member):
            pass
