"""What a search leaves undecided, and what it would take to decide it: said at the end, when the budget is spent."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dse.core.analysis import Analysis
from dse.core.budget import Costs
from dse.core.policy import Need


@dataclass(frozen=True)
class Unsettled:
    """How many configurations may be on the front or off it, at 95 % together, and what telling takes, in ``seconds``.

    Of these ``plausible`` ones, ``hopeless`` are too close to another: telling takes more than a pair is worth.
    """

    plausible: int = 0
    hopeless: int = 0
    seconds: float = 0.0


def unsettled(now: Analysis, costs: Costs, all_images: int) -> Unsettled:
    """What is unsettled as far as is known now: as more is known of some, others may have to be compared.

    Both of a pair are reckoned to need all the repeats that it wants, once each, however many pairs want them. An
    accuracy is complete on ``all_images``. Nothing where nobody can tell what is certain.
    """
    if not now.tells_certainty:
        return Unsettled()
    repeats: dict[int, float] = {}
    images: dict[int, float] = {}
    undecided = now.verdicts.undecided
    for each in undecided:
        for i in () if each.hopeless else each.pair:
            repeats[i] = max(repeats.get(i, 0.0), each.repeats - len(now.estimates[i].trials))
            images[i] = max(images.get(i, 1.0), each.images)
    seconds = 0.0
    for i, more in repeats.items():
        found = now.estimates[i]
        counted = found.accuracy.total if found.accuracy else all_images
        if images[i] > 1 and counted < all_images:
            wanted = min(all_images, math.ceil(counted * images[i]))
            seconds += costs.step_s(Need(found.configuration, "confirm", wanted))
            more -= 1  # that trial times, too
        seconds += max(0, math.ceil(more)) * costs.step_s(Need(found.configuration, "confirm"))
    hopeless = {each.of for each in undecided if each.hopeless} - {each.of for each in undecided if not each.hopeless}
    return Unsettled(len({each.of for each in undecided}), len(hopeless), seconds)
