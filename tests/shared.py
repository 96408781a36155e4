"""Published results, replay tables and models that some tests read: a folder ``shared`` beside the clone."""

from __future__ import annotations

import os
from pathlib import Path

SHARED = Path(os.environ.get("DSE_SHARED", Path(__file__).parents[2] / "shared")) / "data"
"""``DSE_SHARED`` names another one. Tests are skipped where it is not there."""
