"""Why two fronts differ, where the truth is known: figures that are off, rows chosen by them, variants that one did not
see.

Each cause is taken away in turn: figures are compared by the truth; rows are chosen by the truth; each run is given the
variants that only the other measured, with the noise of one run. Without all three, both fronts are the same. What a
cause costs depends on which others are gone: its share is its mean over all orders (Shapley, A value for n-person
games, 1953).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from statistics import fmean

from benchmarks.truth import Costs, counterparts
from dse.core.configuration import Configuration

Known = Mapping[Configuration, Costs]
"""What a run knows: the costs of each variant that it measured."""
Choice = Callable[[Known], Collection[Configuration]]
"""Which variants are the rows of a front."""
CAUSES = ("figures that are compared", "rows chosen by figures", "variants not seen")


def agreement(
    runs: tuple[Known, Known],
    truth: Known,
    choose: Choice,
    measure: Callable[[Configuration], Costs],
    within: Sequence[float],
    without: Collection[str],
) -> float:
    """How far the fronts of two runs agree, the mean of both ways, ``without`` some of `CAUSES`.

    ``measure`` gives a variant the figures of one run.
    """
    rows = []
    for own, other in (runs, runs[::-1]):
        known = dict(own)
        if CAUSES[2] in without:
            known |= {variant: measure(variant) for variant in other if variant not in own}
        known = dict(sorted(known.items(), key=lambda item: str(item[0])))
        true = {variant: truth[variant] for variant in known}
        chosen = choose(true if CAUSES[1] in without else known)
        rows.append([(true if CAUSES[0] in without else known)[variant] for variant in chosen])
    left, right = rows
    return fmean([counterparts(left, right, within), counterparts(right, left, within)])


def shares(
    runs: Sequence[Known],
    truth: Known,
    choose: Choice,
    measure: Callable[[Configuration], Costs],
    within: Sequence[float],
) -> dict[str, float]:
    """By how much each of `CAUSES` lowers the agreement, on average over the pairs of ``runs``."""
    found = dict.fromkeys(CAUSES, 0.0)
    pairs = list(itertools.combinations(runs, 2))
    orders = list(itertools.permutations(CAUSES))
    for pair in pairs:
        agree = {
            without: agreement(pair, truth, choose, measure, within, without)
            for count in range(len(CAUSES) + 1)
            for without in map(frozenset, itertools.combinations(CAUSES, count))
        }
        for order in orders:
            for place, cause in enumerate(order):
                gain = agree[frozenset(order[: place + 1])] - agree[frozenset(order[:place])]
                found[cause] += gain / len(orders) / len(pairs)
    return found
