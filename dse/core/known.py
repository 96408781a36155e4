"""What is known of a configuration, and of the noise of all: learned from trials, kept until there are others."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from dse_harness.protocol import Accuracy

from dse.core.between import Between
from dse.core.configuration import Configuration
from dse.core.estimate import Estimate, Repeats, middles_of, repeats_of
from dse.core.measurement import Measurement
from dse.core.noise import Noise, Spread, spread_of
from dse.core.tails import NO_TAILS, Runs, Tails, runs_of

_EACH = 512
"""Trials from which on not each more is learned from."""
_STEPS = 64
_SETTLED = 8


@dataclass(frozen=True)
class Learned:
    """By how much repeats and sessions differ, learned from the ``first`` trials, up to the ``last`` number, for
    ``reasons`` some of them not.

    One trial of hundreds changes next to nothing of it, and with it the errors of all configurations: of 512 trials or
    more only each 8th, of 1,024 each 16th, and so on, is learned from, and the last eighth of them is not: devices
    answer in any order, and what comes late changes nothing then. Which it is follows from the number of trials
    alone, so that a search that is continued knows what an uninterrupted one does.
    """

    first: int
    last: int
    reasons: Mapping[int, object]
    sessions: frozenset[int]
    noise: Noise
    between: Between
    tails: Tails = NO_TAILS

    def says_as(self, other: Learned) -> bool:
        """Whether estimates by the ``other`` are the same."""
        return self.noise is other.noise and self.between is other.between and self.tails is other.tails


@dataclass(frozen=True)
class Known:
    """A configuration with all of its trials, those that count apart."""

    configuration: Configuration
    trials: tuple[Measurement, ...]
    good: tuple[Measurement, ...]

    @cached_property
    def repeats(self) -> Repeats:
        """What those that count say, of which there is one at least."""
        return repeats_of(self.configuration, self.good)

    def middles(self, names: Collection[str]) -> Mapping[str, float]:
        """The middles of those, of these figures at least: the others of what was known earlier nobody asks for."""
        repeats: Repeats | None = self.__dict__.get("repeats")
        return middles_of(self.good, names) if repeats is None else repeats.middle.values

    @cached_property
    def counted(self) -> tuple[Accuracy | None, int | None]:
        """The counts behind the accuracy of those, if they have one, and the trial that found them."""
        middle = self.repeats.middle
        return (middle.accuracy if "accuracy" in middle.values else None), middle.accuracy_from

    @cached_property
    def first(self) -> Estimate:
        """What its first trial that counts says; no values without one."""
        trial = self.trials[0].trial
        return Estimate(self.configuration, self.good[0].values if self.good else {}, trial, (trial,))

    def good_until(self, trial: int) -> Known:
        """It as it was after so many trials, by what is known now of which of them count."""
        if self.trials[-1].trial <= trial:
            return self
        before = [tuple(m for m in some if m.trial <= trial) for some in (self.trials, self.good)]
        return Known(self.configuration, *before)

    def estimate(self, learned: Learned, images: int | None) -> Estimate:
        """What its trials say; found out once for all that was ``learned``."""
        for before, of_images, found in self._estimate:
            if before.says_as(learned) and of_images == images:
                return found
        noise = learned.noise.of(self.configuration, self.spread)
        found = learned.tails.drawn(learned.between.estimate(self.repeats, noise, images), self.runs)
        self._estimate[:] = [(learned, images, found)]
        return found

    @cached_property
    def _estimate(self) -> list[tuple[Learned, int | None, Estimate]]:
        return []

    @cached_property
    def numbers(self) -> frozenset[int]:
        """The numbers of its trials."""
        return frozenset(m.trial for m in self.trials)

    @cached_property
    def asked(self) -> int:
        """On how many images its accuracy was to be known, by the trials that were to confirm it."""
        return max((m.images or 0 for m in self.trials if m.phase == "confirm"), default=0)

    @cached_property
    def runs(self) -> Runs | None:
        """What those that count say of the ratios of its percentiles."""
        return runs_of(self.good)

    @cached_property
    def spread(self) -> Spread:
        """How far those that count differ."""
        return spread_of(self.good)


def learned_from(count: int) -> int:
    """From how many of ``count`` trials the noise is learned, see `Learned`."""
    if count < _EACH:
        return count
    settled = count - count // _SETTLED
    step: int = 2 ** int(math.log2(count / _STEPS))
    return settled - settled % step
