"""Why a trial does not count."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a trial does not count; ``passing`` when measuring it again may end differently."""

    word: str
    sentence: str
    passing: bool = True
