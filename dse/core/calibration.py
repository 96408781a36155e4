"""Whether boards are the same: by paired runs of some configurations, within the indifference.

That nobody could tell two boards apart says little: few or noisy runs tell nothing. So it is the other way round:
boards are taken for different until shown to be the same. Two one-sided tests show it (D. J. Schuirmann, A comparison
of the two one-sided tests procedure and the power approach for assessing the equivalence of average bioavailability,
Journal of Pharmacokinetics and Biopharmaceutics 15, 1987): the interval of their difference lies within what is
indifferent. All boards are the same where that holds of every two of them, in every configuration and metric; as every
test has to succeed, each is at the full level (R. L. Berger, Multiparameter hypothesis testing and acceptance sampling,
Technometrics 24, 1982). The level is divided by the number of looks, so whoever stops at the first success is not wrong
more often. `benchmarks/calibration.py` shows how often it is.

The runs of a pair are of one round: what disturbs all boards alike, as a warm afternoon does, falls out of the
difference. A run whose partner does not count has the first of the other board that lost its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist, fmean, stdev
from typing import Literal

from dse.core.boundary import student
from dse.core.configuration import Configuration
from dse.core.metrics import METRICS
from dse.core.repeatability import repeatability

Sameness = Literal["same", "ratio", "different", "undecided"]
"""The same; the same but for a known ratio; neither; not known."""
Corrections = Mapping[str, Mapping[str, float]]
"""By board and metric: what its figures are divided by to be those of the first board."""
LEVEL = 0.05
"""How often boards that differ by the indifference or more may be taken for the same."""
LOOKS = (6, 9, 13, 19, 28, 40)
"""Rounds after which it is looked whether it is known."""
_FEWEST = 5
"""Rounds that a difference needs to have a scatter."""
_MOST_OUTLIERS = 0.25
"""Of the rounds; where more are, nobody knows which figures are those of the board: all of them count."""
_ROUNDING = 1e-12


@dataclass(frozen=True)
class BoardRun:
    """A run on ``board`` in a round: its figures on their metrics' scaled axes."""

    board: str
    round: int
    configuration: Configuration
    scaled: Mapping[str, float]


@dataclass(frozen=True)
class Gap:
    """By how much the figure of a configuration is larger on the other board: a mean over ``rounds`` on the metric's
    scaled axis, where ``outliers`` are left out.

    ``half`` is how far it may be off for the tests, ``wide`` for all figures of a calibration together.
    """

    configuration: Configuration
    rounds: int
    outliers: int
    margin: float
    half: float
    wide: float

    def is_within(self, limit: float, around: float = 0.0) -> bool:
        """Whether it certainly differs from ``around`` by no more than ``limit``."""
        return abs(self.margin - around) + self.half <= limit + _ROUNDING

    def is_beyond(self, limit: float, around: float = 0.0) -> bool:
        """Whether it certainly differs from ``around`` by more."""
        return abs(self.margin - around) - self.wide > limit + _ROUNDING


@dataclass(frozen=True)
class Pair:
    """Two boards in one metric. ``margin`` is what all configurations have in common, known to ``half``; of a pair that
    differs by a ratio, ``ratio`` is the logarithm of the one that was corrected for."""

    one: str
    other: str
    metric: str
    limit: float
    margin: float
    half: float
    ratio: float
    gaps: tuple[Gap, ...]

    @property
    def verdict(self) -> Sameness:
        """What is known so far."""
        if not self.gaps:
            return "undecided"
        if all(gap.is_within(self.limit) for gap in self.gaps):
            return "same"
        if not any(gap.is_beyond(self.limit) for gap in self.gaps):
            return "undecided"
        if all(gap.is_within(self.limit, self.ratio) for gap in self.gaps):
            return "ratio"
        return "different" if any(gap.is_beyond(self.limit, self.ratio) for gap in self.gaps) else "undecided"

    @property
    def widest(self) -> Gap | None:
        """The configuration that speaks most against the two being the same; None where nothing was run."""
        return max(self.gaps, key=lambda gap: abs(gap.margin) + gap.half, default=None)


@dataclass(frozen=True)
class BoardComparison:
    """All pairs of ``boards`` in all metrics; ratios are against the first board."""

    boards: tuple[str, ...]
    pairs: tuple[Pair, ...]

    @property
    def verdict(self) -> Sameness:
        """Of all of them; of a metric and of some boards: see `of`."""
        found = {pair.verdict for pair in self.pairs}
        order: tuple[Sameness, ...] = ("different", "undecided", "ratio")
        return next((verdict for verdict in order if verdict in found), "same")

    def of(self, boards: Iterable[str] | None = None, metric: str | None = None) -> BoardComparison:
        """Of these boards and this metric alone."""
        kept = tuple(board for board in self.boards if boards is None or board in set(boards))
        pairs = (p for p in self.pairs if p.one in kept and p.other in kept and metric in (None, p.metric))
        return BoardComparison(kept, tuple(pairs))

    @property
    def metrics(self) -> tuple[str, ...]:
        """In which they are compared."""
        return tuple(dict.fromkeys(pair.metric for pair in self.pairs))

    def against_first(self, board: str, metric: str) -> Pair | None:
        """The pair of ``board`` with the first one; None of the first one itself."""
        return next((p for p in self.pairs if (p.one, p.other, p.metric) == (self.boards[0], board, metric)), None)


def compare_boards(
    runs: Sequence[BoardRun], boards: Sequence[str], limits: Mapping[str, float], looks: int = len(LOOKS)
) -> BoardComparison:
    """Compare every two of ``boards`` in the metrics of ``limits``, which say what is indifferent on the scaled axis.

    ``looks`` is how often it is looked in all. A configuration without enough rounds on both boards is undecided.
    """
    by_board: dict[str, dict[tuple[Configuration, int], Mapping[str, float]]] = {board: {} for board in boards}
    for run in runs:
        by_board[run.board][run.configuration, run.round] = run.scaled
    configurations = tuple(dict.fromkeys(run.configuration for run in runs))
    together = list(combinations(boards, 2))
    figures = max(1, len(together) * len(limits) * len(configurations))
    z = NormalDist().inv_cdf(1 - LEVEL / looks)
    z_wide = NormalDist().inv_cdf(1 - LEVEL / (2 * looks * figures))
    pairs = []
    for metric, limit in limits.items():
        ratios: dict[str, float] = {boards[0]: 0.0}
        for one, other in together:
            gaps = tuple(_gap(c, by_board[one], by_board[other], metric, z, z_wide) for c in configurations)
            margin, half = _common(gaps)
            if one == boards[0]:
                ratios[other] = margin
            pairs.append(Pair(one, other, metric, limit, margin, half, ratios[other] - ratios[one], gaps))
    return BoardComparison(tuple(boards), tuple(pairs))


def _gap(
    configuration: Configuration,
    one: Mapping[tuple[Configuration, int], Mapping[str, float]],
    other: Mapping[tuple[Configuration, int], Mapping[str, float]],
    metric: str,
    z: float,
    z_wide: float,
) -> Gap:
    differences = _differences(
        *({n: s[metric] for (c, n), s in runs.items() if c == configuration and metric in s} for runs in (one, other))
    )
    if len(differences) < _FEWEST:
        margin = fmean(differences) if differences else 0.0
        return Gap(configuration, len(differences), 0, margin, math.inf, math.inf)
    found = repeatability(differences)
    outliers, kept, sd = found.outliers, differences, found.sd
    if len(outliers) > _MOST_OUTLIERS * len(differences):  # as of sizes in whole pages, of which most are equal
        outliers, sd = (), stdev(differences)
    elif outliers:
        kept = [difference for i, difference in enumerate(differences) if i not in outliers]
    error = sd / math.sqrt(len(kept))
    half, wide = (each * student(each, len(kept) - 1) * error for each in (z, z_wide))
    return Gap(configuration, len(differences), len(outliers), fmean(kept), half, wide)


def _differences(one: Mapping[int, float], other: Mapping[int, float]) -> list[float]:
    """Of pairs of runs, by their rounds: all that have a partner in their own, then the others in their order."""
    alone, left = sorted(one.keys() - other.keys()), sorted(other.keys() - one.keys())
    both = [(number, number) for number in sorted(one.keys() & other.keys())]
    return [other[b] - one[a] for a, b in [*both, *zip(alone, left, strict=False)]]


def _common(gaps: Sequence[Gap]) -> tuple[float, float]:
    """The mean of all configurations, and how far it may be off; each of them is one of those that were meant."""
    if not gaps:
        return 0.0, math.inf
    return fmean(gap.margin for gap in gaps), math.hypot(*(gap.half for gap in gaps)) / len(gaps)


def correction_sentences(corrections: Corrections) -> list[str]:
    """``figures of pi2 are corrected: p90 latency / 1.0512``, for each board."""
    return [
        f"figures of {board} are corrected by a known ratio: "
        + ", ".join(f"{METRICS.get(n).title if n in METRICS else n} / {ratio:.4f}" for n, ratio in ratios.items())
        for board, ratios in corrections.items()
        if ratios
    ]
