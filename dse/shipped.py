"""Where the files that ship are: search spaces, the zoo's weights, the embedded data set."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def shipped(*parts: str) -> Path:
    """A file or folder of ``search_spaces``: in the package where dse is installed, beside it in a checkout."""
    installed = _PACKAGE / "search_spaces"
    return (installed if installed.is_dir() else _PACKAGE.parent / "search_spaces").joinpath(*parts)
