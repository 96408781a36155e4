"""Where dse keeps what it can make again, and where the files that ship with it are."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

import platformdirs


def cache_dir() -> Path:
    """``DSE_CACHE``, or the user's cache folder. Deleting it loses time, never results."""
    return Path(os.environ.get("DSE_CACHE") or platformdirs.user_cache_dir("dse")).absolute()


def shipped(*parts: str) -> Path:
    """A file of the package ``search_spaces``."""
    return Path(str(files("search_spaces").joinpath(*parts)))
