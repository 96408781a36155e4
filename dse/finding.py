"""What somebody who looked at a machine found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "advice", "missing"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``fix`` is a command or an action, where there is something to mend."""

    name: str
    verdict: Verdict
    found: str
    fix: str | None = None
