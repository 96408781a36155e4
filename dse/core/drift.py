"""What errors of configurations have to do with the sessions in which they were measured, for comparisons of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dse.core.estimate import Estimate, Vector
from dse.core.table import Tables, across_of

if TYPE_CHECKING:  # a fifth of NumPy's import
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Indices = NDArray[np.int64]


class Drift(NamedTuple):
    """What is off in common in ``n`` configurations, which falls out of a comparison.

    ``loads`` ``[kinds, figures, sessions]`` are the vectors of `dse.core.estimate.Across`, of each of a few kinds of
    configurations; ``kind`` ``[n]`` says which one a configuration is of.
    """

    loads: Array
    kind: Indices

    def common(self, x: Indices, y: Indices) -> Array:
        """The covariance of the errors of ``x`` and ``y``, broadcast against each other, in each figure."""
        found: Array = np.einsum("iks,jks->ijk", self.loads, self.loads)[self.kind[x], self.kind[y]]
        return found


@dataclass(frozen=True)
class Sessions:
    """Standard errors ``[n, figures]`` where sessions differ: ``within`` a session, and what is ``lasting``, however
    often it is repeated in the last one; and the drift that is in an error, and in what is lasting."""

    within: Array
    lasting: Array
    drift: Drift
    lasting_drift: Drift


def sessions_of(known: Sequence[Estimate], names: Sequence[str], kept: Tables | None = None) -> Sessions | None:
    """Of the figures ``names`` of ``known``; None where nothing is known of how far sessions differ."""
    across = [each for e in known if (each := e.across) is not None]
    if len(across) < len(known) or not known:
        return None
    within, lasting = across_of(across, names, kept)
    drift = drift_of([each.drift for each in across], names)
    return Sessions(within, lasting, drift, drift_of([each.lasting_drift for each in across], names))


def drift_of(loads: Sequence[Mapping[str, Vector]], names: Sequence[str]) -> Drift:
    """Of ``loads`` by figure, of which those of most configurations are the same objects."""
    each_id = list(map(id, loads))
    kinds = dict(zip(each_id, loads, strict=True))
    place = {key: index for index, key in enumerate(kinds)}
    none = (0.0,) * max((len(of) for each in kinds.values() for of in each.values()), default=0)
    table = [[each.get(name, none) for name in names] for each in kinds.values()]
    return Drift(np.array(table), np.array(list(map(place.__getitem__, each_id))))
