"""Models by URL: fetched once, kept in the cache, taken out of their archive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field

from dse.address import escaped, shown
from dse.core.configuration import Value
from dse.core.origin import ModelOrigin
from dse.errors import ModelError
from dse.files import fingerprint
from dse.models._base import ModelFile, ModelSection
from dse.models.archive import is_archive, is_model, read_model
from dse.models.cache import kept
from dse.models.checksums import ChecksumRecord
from dse.models.download import OnProgress, cached, fetch, kept_of
from dse.sections import Sha256, Standing


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

    is_free = True

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
    def is_local(self) -> bool:
        """Whether `make` needs no network."""
        return cached(self.url, self.cache).exists()

    def check(self, variant: Mapping[str, Value]) -> None:
        """Nothing can be wrong: there is nothing to choose."""

    def known_identity(self, variant: Mapping[str, Value]) -> dict[str, Value] | None:
        """The checksum and the file inside; None before the first download. Raises ModelError."""
        return None if self.known_sha256 is None else self.identity(variant)

    def known_bytes(self, variant: Mapping[str, Value]) -> int | None:
        """None: it may not be here yet."""
        return None

    def identity(self, variant: Mapping[str, Value]) -> dict[str, Value]:
        """The checksum and the file inside; downloads if nobody knows the checksum yet. Raises ModelError."""
        return {"download": self._sha256, "member": self.member or ""}

    def make(self, variant: Mapping[str, Value]) -> ModelFile:
        """The model's file, fetched on first use. Raises ModelError, MachineError."""
        return self._file

    def resolved(self) -> dict[str, Any]:
        """The address without secrets, and the checksum."""
        return {"url": self.shown_url, "sha256": self.known_sha256}

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


class UrlSection(ModelSection):
    """What an address serves: a .tflite file, or an archive with one inside.

    Without sha256, the one of the first download is recorded in checksums.json beside the space (in the cache folder
    where that cannot be written) and enforced from then on.
    """

    url: str = Field(pattern=r"^https?://")
    sha256: Sha256 | None = None
    member: str | None = Field(None, description="The .tflite file inside the archive that the URL names.")

    def sources(self, name: str, at: Standing) -> list[tuple[str, UrlSource]]:
        """The download, under the name of the entry."""
        try:
            escaped(self.url)
        except ValueError as error:
            raise at.error("url", str(error), "correct the address") from error
        return [(name, UrlSource(self.url, at.cache, ChecksumRecord.beside(at.space), self.sha256, self.member))]

    def places(self, sha256: str, variant: Mapping[str, Value], cache: Path) -> Iterator[Path]:
        """In the cache: the download, or what was taken out of it."""
        yield from kept_of(self.url, cache)
        yield from cache.glob(f"*-{sha256}.tflite")

    def origin(self, model: Path) -> ModelOrigin:
        """Weights from an address are somebody else's, unchanged."""
        return ModelOrigin(shown(self.url))
