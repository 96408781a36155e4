"""README.md as a package index shows it: beside no files, so that every address has to be a whole one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_PICTURE = re.compile(r"(!\[[^\]]*\]\()(?![a-z]+:)([^)]+\))")
_LINK = re.compile(r"(?<!!)(\[[^\]]*\]\()(?![a-z]+:|#)([^)]+\))")


class WholeAddresses(MetadataHookInterface):
    """Gives the project its readme, with the addresses in ``repository`` of pyproject.toml where there is one."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the readme to ``metadata``."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        if repository := self.config.get("repository"):
            text = addressed(text, repository)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def addressed(text: str, repository: str) -> str:
    """``text`` with its relative pictures and links in ``repository``, as GitHub serves files and pages."""
    at = repository.rstrip("/")
    return _LINK.sub(rf"\g<1>{at}/blob/HEAD/\g<2>", _PICTURE.sub(rf"\g<1>{at}/raw/HEAD/\g<2>", text))
