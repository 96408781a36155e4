"""The limits of a search, in words: they hold for all runs of a study together, until ``--more`` counts anew."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from dse.cli.options import seconds_of
from dse.cli.render import stderr
from dse.core.budget import Budget, Spent
from dse.core.words import counted
from dse.durations import show_duration
from dse.search.spent import counted_from, spent_on
from dse.spaces.space import Space
from dse.study import Study

_NOTHING = Spent()


@dataclass(frozen=True)
class Limits:
    """``budget`` is what was asked for, ``used`` what earlier runs spent of it, ``since`` from where on that counts."""

    budget: Budget
    spent: Spent = _NOTHING
    since: Spent = _NOTHING

    @property
    def used(self) -> Spent:
        """What earlier runs spent of the limits."""
        return self.spent.since(self.since)

    @property
    def left(self) -> Budget:
        """What this run may spend."""
        return self.used.left_of(self.budget)

    @property
    def options(self) -> dict[str, Any]:
        """What study.yaml takes down, for the next run."""
        return {"counted_from": asdict(self.since)} if self.since != _NOTHING else {}


def find_limits(
    space: Space, before: Study | None, *, trials: int | None, timeout: str | None, budget: str | None, more: bool
) -> Limits:
    """The limits that options give, else the space's, and what the study has spent of them. Raises UsageError."""
    given = any(limit is not None for limit in (trials, timeout, budget))
    asked = Budget(
        time_s=seconds_of("--timeout", timeout) if timeout is not None else None,
        trials=trials or (None if given else space.file.budget.trials),
        device_s=seconds_of("--budget", budget) if budget is not None else None if given else space.file.budget.time,
    )
    if before is None:
        return Limits(asked)
    spent = spent_on(before)
    return Limits(asked, spent, spent if more else counted_from(before))


def say_limits(limits: Limits) -> None:
    """Say what earlier runs spent and what is left, where they spent anything that is limited."""
    budget, used, left = limits.budget, limits.used, limits.left
    parts = []
    if budget.trials and used.trials:
        parts.append(
            f"{counted(budget.trials, 'configuration')}, {used.trials} measured by earlier runs, {left.trials} left"
        )
    for total_s, used_s, left_s, of in (
        (budget.device_s, used.device_s, left.device_s, " of device time"),
        (budget.time_s, used.time_s, left.time_s, ""),
    ):
        if total_s is not None and left_s is not None and used_s:
            spent = f"{show_duration(used_s)} spent by earlier runs, {show_duration(left_s)} left"
            parts.append(f"{show_duration(total_s)}{of}, {spent}")
    if parts:
        nothing = 0 in (left.trials, left.device_s, left.time_s)
        stderr().print(f"limits: {'; '.join(parts)}{'; --more counts from now on' if nothing else ''}")
