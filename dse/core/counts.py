"""Counts that add up: what became of the trials of a study, and of its configurations.

A trial is one run. It failed, or belongs to no configuration of the space as it is now, or is excluded, or counts: one
of these. A configuration is measured when one of its trials counts, else excluded or failed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from dse.core.exclusions import Exclusions
from dse.core.known import Known
from dse.core.words import counted


@dataclass(frozen=True)
class Counts:
    """``counting``, ``failed``, ``elsewhere`` and `excluded` trials are all ``trials``.

    ``elsewhere`` are of no configuration of the space as it is now. ``reasons`` has how many trials are excluded by
    the first reason of each. ``measured``, ``configurations_excluded`` and ``configurations_failed`` are all that were
    tried.
    """

    trials: int = 0
    counting: int = 0
    failed: int = 0
    elsewhere: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    measured: int = 0
    configurations_excluded: int = 0
    configurations_failed: int = 0

    @property
    def excluded(self) -> int:
        """How many trials are excluded."""
        return sum(self.reasons.values())

    @property
    def trials_sentence(self) -> str:
        """``97 trials: 53 count, 42 excluded (40 drift, 2 foreign load), 2 failed``, without what is none."""
        why = ", ".join(f"{count} {word}" for word, count in self.reasons.items())
        parts = [f"{self.counting} count{'s' if self.counting == 1 else ''}"]
        parts += [f"{self.excluded} excluded ({why})"] if why else []
        parts += [f"{self.failed} failed"] if self.failed else []
        parts += [f"{self.elsewhere} of no configuration of the space as it is now"] if self.elsewhere else []
        return f"{counted(self.trials, 'trial')}: {', '.join(parts)}"

    @property
    def configurations_sentence(self) -> str:
        """``38 configurations: 35 measured, 1 excluded, 2 failed``."""
        parts = [f"{self.measured} measured"]
        parts += [f"{self.configurations_excluded} excluded"] if self.configurations_excluded else []
        parts += [f"{self.configurations_failed} failed"] if self.configurations_failed else []
        total = self.measured + self.configurations_excluded + self.configurations_failed
        return f"{counted(total, 'configuration')}: {', '.join(parts)}"

    def document(self) -> dict[str, dict[str, object]]:
        """As ``front.json`` has them."""
        return {
            "trials": {
                "total": self.trials,
                "counting": self.counting,
                "excluded": self.excluded,
                "failed": self.failed,
                "of_no_configuration": self.elsewhere,
                "excluded_by_reason": dict(self.reasons),
            },
            "configurations": {
                "measured": self.measured,
                "excluded": self.configurations_excluded,
                "failed": self.configurations_failed,
            },
        }


class Fates(NamedTuple):
    """How many trials of a configuration count, worked, and failed."""

    counting: int
    worked: int
    failed: int


def fates_of(known: Known) -> Fates:
    """What became of the trials of a configuration."""
    failed = sum(m.failed for m in known.trials)
    return Fates(len(known.good), len(known.trials) - failed, failed)


def count(known: Sequence[Known], fates: Sequence[Fates], trials: int, failed: int, exclusions: Exclusions) -> Counts:
    """The counts of so many ``trials``, of which so many ``failed``; ``fates`` are of each of the ``known``."""
    some = (k for k, each in zip(known, fates, strict=True) if each.worked > each.counting)
    excluded = sorted(m.trial for k in some for m in k.trials if not (m.failed or exclusions.counts(m)))
    reasons = Counter(exclusions.reasons[trial][0].word for trial in excluded)
    worked = sum(each.worked for each in fates)
    none_good = [each for each in fates if not each.counting]
    return Counts(
        trials=trials,
        counting=worked - reasons.total(),
        failed=failed,
        elsewhere=trials - failed - worked,
        reasons=dict(reasons.most_common()),
        measured=len(fates) - len(none_good),
        configurations_excluded=sum(not each.failed for each in none_good),
        configurations_failed=sum(each.failed > 0 for each in none_good),
    )
