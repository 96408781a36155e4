"""What was never measured together: what predicts does not say where it is wrong.

Whoever has seen int8 slow with one form of a network may take it for slow with all of them, and never look again. What
is behind such an error is a few parameters that depend on each other, so it is found by trying their levels together
(D. R. Kuhn, D. R. Wallace, A. M. Gallo, Software fault interactions and implications for software testing, IEEE
Transactions on Software Engineering 30, 2004).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from dse.samplers.encoding import Array
from dse.samplers.kernel import Coded

_TOGETHER = 3
"""Parameters that are looked at together. Chosen: pairs are all tried within some thirty measurements."""


def never_together(both: Coded, candidates: int, relevance: Array) -> Array:
    """How many threes of parameters of the first so many ``candidates`` have levels that none of the others of
    ``both``, which are known, has together: ``[candidates]``. Each three counts as much as the product of the
    ``relevance`` of its ``[columns]``: what changes no figure hides nothing.
    """
    found = np.zeros(candidates)
    sizes = [len(levels) for levels in both.levels]
    for some in combinations(range(len(sizes)), min(_TOGETHER, len(sizes))):
        shape = [sizes[column] for column in some]
        places = np.ravel_multi_index([both.codes[column] for column in some], shape)
        found += ~np.isin(places[:candidates], places[candidates:]) * np.prod(relevance[list(some)])
    return found
