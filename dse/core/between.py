"""By how much figures differ between the sessions of a study, beyond what runs of one session differ by.

The middle of a configuration c in a session s, on its metric's scaled axis, is taken for m_c + d_s + g_cs + e_cs. What
all configurations of a session have in common, d, is the device's: it falls out of a comparison within the session. A
configuration's own, g, does not: how it is laid out in memory, where its threads are placed. The error e is that of the
repeats (`dse.core.noise`). The variances of d and g are found by restricted maximum likelihood, from all configurations
that were measured in two sessions or more (Patterson and Thompson, Recovery of inter-block information when block sizes
are unequal, 1971; Searle, Casella, McCulloch, Variance components, 1992, chapter 6). A study has a few sessions: so
both are averaged over how well they explain the middles, and have a prior.

Nothing is corrected for d: figures stay as LoadGen found them. What is known of it, from what was measured again, says
how far a comparison of different sessions is off: by the mean square of what it may be there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dse.core.configuration import Configuration
from dse.core.estimate import FEW, Across, Estimate, Repeats, Vector, variance_of_middle
from dse.core.metrics import METRICS
from dse.core.noise import PRIOR_COUNT_NOISE, Noise

if TYPE_CHECKING:  # a fifth of NumPy's import
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

PRIOR_SHARE = 0.2
"""The scale of the prior of both standard deviations, as a share of a metric's ``noise``: 1 % of what is timed. The
prior is half of a Student distribution with three degrees of freedom, as nothing else lets a few groups speak for
themselves (Gelman, Prior distributions for variance parameters in hierarchical models, 2006). Chosen."""
_DEGREES = 3
_RATIOS = np.geomspace(1 / 32, 32, 17)
"""Standard deviations that are tried, in scales of the prior."""
_ALIKE = 4.0
"""How many sessions more a configuration has to differ in before it is taken for as unsteady as it seems to be."""
_REMEMBERED = 256

Middle = tuple[int, float, float]
"""A session, the middle there of one configuration, and the variance of that by the repeats alone."""


_Lone = tuple[Mapping[str, Vector], Mapping[str, float], Mapping[str, Vector]]
"""The fields of an `Across` that do not depend on the configuration."""


class Components(NamedTuple):
    """The variances between sessions of a configuration's ``own`` and of what is ``common`` to a session, and the mean
    ``squares`` ``[sessions, sessions]`` and products of what that was in those that there were."""

    own: float
    common: float
    squares: Array


@dataclass(frozen=True, eq=False)
class Between:
    """What is known of the ``sessions`` of a study, in their order, by metric.

    ``own`` and ``common`` are the standard deviations of a configuration's own and of what all in a session have in
    common; ``loads`` is a root of `Components.squares`. All are empty while the study has one session: nobody knows,
    and errors hold within it.
    """

    sessions: tuple[int, ...] = ()
    own: Mapping[str, float] = field(default_factory=dict)
    common: Mapping[str, float] = field(default_factory=dict)
    loads: Mapping[str, Array] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        """Whether all is the same: a dataclass would ask arrays whether they are true."""
        if not isinstance(other, Between):
            return NotImplemented
        same = (self.sessions, self.own, self.common) == (other.sessions, other.own, other.common)
        return same and all(np.array_equal(loads, other.loads[name]) for name, loads in self.loads.items())

    def estimate(self, repeats: Repeats, noise: Mapping[str, float], images: int | None) -> Estimate:
        """What ``repeats`` say of any session: a mean of the sessions' middles, weighted by how sure each is.

        Its error has what differs between sessions in it, for the share that each of them has.
        """
        found = repeats.estimate(noise, images)
        if not self.own:
            return found
        if not repeats.parts:
            own, across = self._alone(found.sessions[0])
            errors = {name: math.hypot(error, own.get(name, 0.0)) for name, error in found.errors.items()}
            return found.but(errors=errors, across=Across(*across, found.errors))
        return self._combined(repeats, found, noise)

    def _alone(self, session: int) -> tuple[Mapping[str, float], _Lone]:
        """The errors of what was measured in one ``session`` alone, as far as sessions differ."""
        if session not in self._of_one:
            errors, drift = self._of_mean({session})
            self._of_one[session] = errors, (drift, *self._of_mean({session, self.sessions[-1]}))
        return self._of_one[session]

    @cached_property
    def _of_one(self) -> dict[int, tuple[Mapping[str, float], _Lone]]:
        return {}

    def _of_mean(self, sessions: Collection[int]) -> tuple[Mapping[str, float], Mapping[str, Vector]]:
        """The error of a mean of ``sessions`` that are known exactly, and the drift that is in it."""
        shares = np.array([(session in sessions) / len(sessions) for session in self.sessions])
        drift = {name: tuple((shares @ loads).tolist()) for name, loads in self.loads.items()}
        return {n: math.hypot(own / math.sqrt(len(sessions)), *drift[n]) for n, own in self.own.items()}, drift

    def _combined(self, repeats: Repeats, found: Estimate, noise: Mapping[str, float]) -> Estimate:
        values, errors, within = dict(found.values), dict(found.errors), dict(found.errors)
        drift: dict[str, Vector] = {}
        parts, count = repeats.parts, len(found.trials)
        place = [self.sessions.index(part.session) for part in parts]
        for name in (n for n in found.values if n in self.own):
            variances = np.array([part.variance(name, repeats.within, noise) for part in parts])
            weights = 1 / (self.own[name] ** 2 + self.common[name] ** 2 + variances)
            middles = np.array([part.scaled[name] for part in parts])
            factor = 1.0
            if count <= FEW:  # the median of all, which an outlier does not move
                shares = np.array([part.count for part in parts]) / count
                factor = variance_of_middle(count) * count
                inner = errors[name] ** 2
            else:
                shares = weights / weights.sum()
                inner = float(shares**2 @ variances)
                middle = float(shares @ middles)
                values[name] = middle if METRICS.get(name).scale == "absolute" else math.exp(middle)
            off = float(weights @ (middles - weights @ middles / weights.sum()) ** 2)
            unsteady = max(1.0, (_ALIKE + off) / (_ALIKE + len(parts) - 1))
            loads = math.sqrt(factor) * (shares @ self.loads[name][place])
            within[name], drift[name] = math.sqrt(inner), tuple(loads.tolist())
            own = factor * float(shares @ shares) * self.own[name] ** 2
            errors[name] = math.sqrt(unsteady * (inner + own) + float(loads @ loads))
        lasting = self._of_mean({*found.sessions, self.sessions[-1]})
        return found.but(values=values, errors=errors, across=Across(drift, *lasting, within=within))


def between_sessions(
    known: Iterable[tuple[Configuration, Repeats]],
    noise: Noise,
    noise_of: Callable[[Configuration], Mapping[str, float]],
    sessions: Collection[int],
) -> Between:
    """What ``known``, all configurations that have figures, say of how far the ``sessions`` differ.

    ``noise_of`` says by how much repeats of each differ in a session. Sizes that differ neither among repeats nor
    between sessions stay exact.
    """
    numbers = tuple(sorted(sessions))
    if len(numbers) < 2:
        return Between()
    several = [(repeats, noise_of(c)) for c, repeats in known if repeats.parts]
    found: dict[str, Components] = {}
    for name in (name for name in METRICS if name != "accuracy"):
        metric = METRICS.get(name)
        prior = PRIOR_COUNT_NOISE if metric.noise is None else metric.noise
        having = [(r, {name: prior, **of}) for r, of in several if name in r.middle.values]
        if name in noise.pooled or any(len({p.scaled[name] for p in r.parts}) > 1 for r, _ in having):
            middles = tuple(
                tuple((p.session, p.scaled[name], p.variance(name, r.within, of)) for p in r.parts) for r, of in having
            )
            found[name] = components(middles, PRIOR_SHARE * prior, numbers)
    return Between(
        numbers,
        {name: math.sqrt(each.own) for name, each in found.items()},
        {name: math.sqrt(each.common) for name, each in found.items()},
        {name: _root(each.squares) for name, each in found.items()},
    )


def _root(squares: Array) -> Array:
    values, vectors = np.linalg.eigh(squares)
    found: Array = vectors * np.sqrt(np.maximum(values, 0.0))
    return found


@lru_cache(_REMEMBERED)
def components(configurations: tuple[tuple[Middle, ...], ...], scale: float, sessions: tuple[int, ...]) -> Components:
    """The variances of a configuration's own and of what a session's have in common; see the module.

    Of each of ``configurations`` the middles in two of the ``sessions`` or more; without any it is what the prior of
    that ``scale`` expects.

    Configurations are fixed effects. For each variance of their own that is tried (v) all is reckoned in the space of
    the sessions (s, t), along whose eigenvectors (e) the common variance (u) is a sum.
    """
    sds = scale * _RATIOS
    variances = sds**2
    column = {session: place for place, session in enumerate(sessions)}
    middle, within = np.zeros((2, len(configurations), len(sessions)))
    is_there = np.zeros(middle.shape, bool)
    for row, each in enumerate(configurations):
        for session, value, variance in each:
            middle[row, column[session]], within[row, column[session]] = value, variance
            is_there[row, column[session]] = True
    precision = np.where(is_there, 1 / (within + variances[:, None, None]), 0.0)
    total = precision.sum(axis=2)
    centre = (precision * middle).sum(axis=2) / total
    off = np.where(is_there, middle - centre[..., None], 0.0)
    shared = (precision / total[..., None]).swapaxes(1, 2) @ precision
    values, vectors = np.linalg.eigh(precision.sum(axis=1)[:, None] * np.eye(len(sessions)) - shared)
    along = np.einsum("vse,vs->ve", vectors, (precision * off).sum(axis=1))[:, None]
    grown = 1 + np.maximum(values, 0.0)[:, None] * variances[:, None]  # v, u, e
    alone = np.log(np.where(is_there, precision, 1.0)).sum(axis=(1, 2)) - np.log(total).sum(axis=1)
    alone -= (precision * off**2).sum(axis=(1, 2))
    gained = (along**2 * variances[:, None] / grown - np.log(grown)).sum(axis=2)
    log_prior = np.log(sds) - (_DEGREES + 1) / 2 * np.log1p(_RATIOS**2 / _DEGREES)
    log_posterior = log_prior[:, None] + log_prior + (alone[:, None] + gained) / 2
    posterior = np.exp(log_posterior - log_posterior.max())
    posterior /= posterior.sum()
    means = along * variances[:, None] / grown
    inside = np.einsum("vu,vue,vuf->vef", posterior, means, means)
    inside += np.einsum("vu,vue->ve", posterior, variances[:, None] / grown)[:, None] * np.eye(len(sessions))
    squares = (vectors @ inside @ vectors.swapaxes(1, 2)).sum(axis=0)
    return Components(float(posterior.sum(axis=1) @ variances), float(posterior.sum(axis=0) @ variances), squares)
