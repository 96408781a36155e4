"""What to measure next, and why: the anchor when it is due, what has to be repeated, something new, or to be sure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dse.model.configuration import Configuration
from dse.model.measurement import Measurement, Phase
from dse.search.knowledge import Knowledge
from dse.search.problem import Proposer

ANCHOR_EVERY = 20
"""Trials after which the anchor is measured again."""
_ANCHORS_IN_A_ROW = 3
"""An anchor outside its band is measured again at once, to tell an outlier from a new state; not for ever."""
_ATTEMPTS = 3
"""Trials of a configuration that may be lost to throttling, foreign load or drift before it is let be."""
OPEN = (0.03, 0.97)
"""Between these probabilities it is open whether a configuration is on the front."""
_ABOUT_AS_MANY = 1.5
"""Of an open configuration and its rival, both are repeated unless one has this many times the other's repeats."""
STABLE_GAIN = 1e-4
MOST_REPEATS = 200
"""Repeats after which two configurations count as equally good: more would measure the noise."""


@dataclass(frozen=True, slots=True)
class Step:
    """A configuration to measure and the reason."""

    configuration: Configuration
    phase: Phase


class Policy:
    """Decides step by step.

    ``session_start`` is how many trials there were when this session began. Where the proposer expects less than
    ``stable_gain`` of another configuration, the front counts as stable and nothing new is measured.
    """

    def __init__(
        self,
        proposer: Proposer,
        *,
        session_start: int = 0,
        anchor_every: int = ANCHOR_EVERY,
        most_repeats: int = MOST_REPEATS,
        stable_gain: float = 0.0,
    ) -> None:
        self._proposer = proposer
        self._session_start = session_start
        self._anchor_every = anchor_every
        self._most_repeats = most_repeats
        self._round: list[Configuration] = []
        self._stable_gain = stable_gain
        self.gain: float | None = None

    def next(
        self, measurements: Sequence[Measurement], knowledge: Callable[[], Knowledge], *, search: bool, confirm: bool
    ) -> Step | None:
        """The next step, or None when nothing is left of what ``search`` and ``confirm`` allow."""
        if self._anchor_is_due(measurements):
            anchor = self._anchor(measurements, knowledge())
            if anchor is not None:
                return Step(anchor, "anchor")
        if self._round:
            return Step(self._round.pop(0), "confirm")
        now = knowledge()
        lost = next((k.configuration for k in now.known if _is_lost(k.trials, now)), None)
        if lost is not None:
            return Step(lost, "repeat")
        proposed = self._proposer.propose(now.past) if search else None
        self.gain = self._proposer.gain if search else self.gain
        if proposed is not None and (self.gain is None or self.gain >= self._stable_gain):
            return Step(proposed, "search")
        self._round = self.open(now) if confirm else []
        return Step(self._round.pop(0), "confirm") if self._round else None

    def open(self, now: Knowledge) -> list[Configuration]:
        """What to repeat next: the configurations of which it is open whether they are on the front, and their rivals.

        Of an open configuration and the rival that decides about it, the less well known is measured, or both. In the
        order in which they came, once each: rounds interleave, so that a slow drift meets all of them.
        """
        low, high = OPEN
        wanted: set[int] = set()
        for index, probability in enumerate(now.membership.probability):
            if low < probability < high:
                pair = [index, *(r for r in (int(now.membership.rival[index]),) if r >= 0)]
                fewest = min(len(now.estimates[i].trials) for i in pair)
                wanted.update(i for i in pair if len(now.estimates[i].trials) <= fewest * _ABOUT_AS_MANY)
        return [
            now.estimates[i].configuration for i in sorted(wanted) if len(now.estimates[i].trials) < self._most_repeats
        ]

    def _anchor_is_due(self, measurements: Sequence[Measurement]) -> bool:
        since = 0
        for measured in reversed(measurements):
            if measured.phase == "anchor":
                break
            since += 1
        resumed = 0 < self._session_start == len(measurements)
        return resumed or since >= self._anchor_every or (since == 0 and len(measurements) > 0)

    def _anchor(self, measurements: Sequence[Measurement], now: Knowledge) -> Configuration | None:
        """The first configuration that worked; its first trial, at the start of the study, is the first anchor run."""
        in_a_row = 0
        for measured in reversed(measurements):
            if measured.phase != "anchor":
                break
            in_a_row += 1
        enough = in_a_row >= _ANCHORS_IN_A_ROW or (in_a_row > 0 and now.judgement.anchor_good)
        resumed = self._session_start == len(measurements)
        if enough and not resumed:
            return None
        known = [k.configuration for k in now.known]
        if now.judgement.anchor in known:
            return now.judgement.anchor
        return next((k.configuration for k in now.known if k.good), None)


def _is_lost(trials: Sequence[Measurement], now: Knowledge) -> bool:
    """Whether nothing is known of a configuration only because its trials ran at the wrong moment."""
    if any(m.failed for m in trials) or any(now.judgement.counts(m) for m in trials):
        return False
    passing = all(reason.passing for m in trials for reason in now.judgement.reasons[m.trial])
    return passing and len(trials) < _ATTEMPTS
