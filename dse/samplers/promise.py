"""What candidates promise to the front, and how likely each is a new row of it, beside what is measured elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dse.core.pareto import nondominated_rows
from dse.samplers.believed import Left
from dse.samplers.encoding import Array

_AVERAGED = 200
"""Candidates that are averaged over the draws: the best by the front that is likeliest."""
_AVERAGED_MORE = 64
"""So many more for each so many that are believed: some of those are among the best."""
FINE = 0.01
"""Once nothing promises to add this share to the hypervolume, rows of the front count too, however little each adds: by
turns, as what promises most hypervolume is the least known. Chosen with `benchmarks/simulated.py`, 2 % noise, six
seeds: fronts agreed in 0.81 of the rows, in 0.77 where rows alone counted (within 5 %, 2 % and 0.2 points)."""
_ROW_DRAWS = 32
"""Of what a candidate may be, to find out how likely it is a row that no other stands for."""


class Guesses(NamedTuple):
    """The objectives of candidates, in ranges: ``mean`` and ``sd`` ``[candidates, objectives]``; the front's
    ``points``; what counts as ``close``; what each is expected to ``gain``; how others are ``predicted``; and of what
    the front may be, some that are ``drawn`` (none where it is exact).
    """

    mean: Array
    sd: Array
    points: Array
    reference: Array
    volume: float
    close: Array
    gain: Array
    predicted: Callable[[Array], Array]
    drawn: tuple[Array, ...] = ()


class Promise:
    """What candidates promise by ``guesses``, beside points that are believed to come: of the best of them, by what
    they gain and their ``chance``, on average over what the front may be.

    One more point costs next to nothing, and the answer is the same, whatever was asked before.
    """

    def __init__(self, guesses: Guesses, chance: Array) -> None:
        self.guesses = guesses
        self._order = np.argsort(-guesses.gain * chance, kind="stable")
        self._best = self._order[:0]
        self._likeliest: Left | None = None
        self._average: Left | None = None
        self._rows: Rows | None = None

    def gain(self, believed: Array) -> Array:
        """Expected hypervolume improvement ``[candidates]`` beside points ``[k, objectives]``."""
        self._choose(len(believed))
        guesses, best = self.guesses, self._best
        if not guesses.drawn:
            return self._gain_of_likeliest(believed)
        if self._average is None:
            fronts = [front[nondominated_rows(front, duplicates=False)] for front in guesses.drawn]
            self._average = Left(fronts, guesses.mean[best], guesses.sd[best], guesses.reference)
        return self._with(self._average.beside(believed))

    def new_rows(self, believed: Array) -> Array:
        """The probability ``[candidates]`` to be a row of the front that no other stands for; zero while the front that
        is likeliest may still grow.
        """
        self._choose(len(believed))
        guesses, best, found = self.guesses, self._best, np.zeros(len(self._order))
        if self._gain_of_likeliest(believed).max() < FINE * guesses.volume:
            if self._rows is None:
                self._rows = Rows(guesses.points, guesses.mean[best], guesses.sd[best], guesses.close)
            found[best] = self._rows.beside(believed)
        return found

    def _choose(self, believed: int) -> None:
        best = self._order[: _AVERAGED + _AVERAGED_MORE * -(-believed // _AVERAGED_MORE)]
        if len(best) != len(self._best):
            self._best, self._likeliest, self._average, self._rows = best, None, None, None

    def _gain_of_likeliest(self, believed: Array) -> Array:
        guesses, best = self.guesses, self._best
        if self._likeliest is None:
            rest = guesses.mean[best], guesses.sd[best], guesses.reference
            self._likeliest = Left([guesses.points], *rest, guesses.gain[best])
        return self._with(self._likeliest.beside(believed))

    def _with(self, gain: Array) -> Array:
        """The others promise no more than they did beside nothing."""
        found = self.guesses.gain.copy()
        found[self._best] = gain
        return found


class Rows:
    """How likely candidates with ``mean`` and ``sd`` ``[m, objectives]`` are rows of the front that no point stands
    for: that none is as good within ``close``, by draws with their opposites.
    """

    def __init__(self, front: Array, mean: Array, sd: Array, close: Array) -> None:
        normal = np.random.default_rng(0).standard_normal((_ROW_DRAWS // 2, len(close)))
        self._reach = mean[:, None] + sd[:, None] * np.concatenate([normal, -normal])[None] + close
        self._alone = self._covered = self._covered_by(front)
        self._believed = np.empty((0, len(close)))

    def beside(self, points: Array) -> Array:
        """The probability ``[m]`` where there are ``points`` ``[k, objectives]`` too."""
        known = len(self._believed)
        if not np.array_equal(self._believed, points[:known]):
            self._covered, known = self._alone, 0
        self._covered = self._covered | self._covered_by(points[known:])
        self._believed = points
        return np.asarray(1.0 - self._covered.mean(axis=1))

    def _covered_by(self, points: Array) -> NDArray[np.bool_]:
        within = points[:, 0] <= self._reach[:, :, None, 0]
        for objective in range(1, points.shape[1]):
            within &= points[:, objective] <= self._reach[:, :, None, objective]
        return np.asarray(within.any(axis=2))
