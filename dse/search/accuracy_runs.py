"""How many images an accuracy run takes: all of them where they cost little."""

from __future__ import annotations

from collections.abc import Sequence

from dse_harness.protocol import AccuracySpec


def accuracy_spec(images: int, rungs: Sequence[int], run_s: float) -> AccuracySpec:
    """The run that counts an accuracy on ``images``, one of the space's ``rungs``, or on more of them in ``run_s``."""
    return AccuracySpec(samples=images, more=tuple(n for n in rungs if n > images), within_s=run_s)
