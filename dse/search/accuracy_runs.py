"""How many images an accuracy run takes: few to look at a slow model, all where they cost little."""

from __future__ import annotations

from collections.abc import Sequence

from dse_harness.protocol import AccuracySpec

from dse.core.measurement import Phase

FEWEST_IMAGES = 64
"""As LoadGen's shortest run has queries: of a slow model neither run takes longer than the other."""


def accuracy_spec(images: int, rungs: Sequence[int], run_s: float, phase: Phase) -> AccuracySpec:
    """The run that counts an accuracy on ``images``, one of the space's ``rungs``, or on more of them in ``run_s``.

    To confirm takes all of them, however slow the model is. To look at a configuration takes as many as fit into half
    of ``run_s``, and 64: most of the slow ones are dominated, and whichever may be on the front is counted on more
    images later. Where there is one rung, nothing is: all of it is counted at once.
    """
    more = tuple(n for n in rungs if n > images)
    if phase == "confirm" or len(rungs) == 1:
        return AccuracySpec(samples=images, more=more, within_s=run_s)
    parts = tuple(n for n in (images // 8, images // 4, images // 2, images) if n > FEWEST_IMAGES)
    return AccuracySpec(samples=FEWEST_IMAGES, more=parts + more, within_s=run_s / 2)
