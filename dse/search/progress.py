"""Where a running search stands, for people: computed from its session, never read by it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dse.core.budget import reach
from dse.core.measurement import Measurement, Phase
from dse.core.pareto import FrontPoint
from dse.core.policy import Need, Step
from dse.core.session import Session
from dse.search.devices import DeviceProgress
from dse.search.plan import Plan
from dse.search.settling import Unsettled, unsettled


@dataclass(frozen=True)
class Progress:
    """Where a search stands ``elapsed_s`` after it began; handed to the observer before and after every trial."""

    plan: Plan
    elapsed_s: float
    """Wall seconds since the search began."""
    device_s: float
    """Seconds that the device spent on this session's trials."""
    done: int
    """New configurations of this session."""
    repeats: int
    """Trials of this session that measured a known configuration again."""
    front: Sequence[FrontPoint]
    failures: Mapping[str, int]
    """Trials of the study that failed, by reason."""
    excluded: Mapping[str, int]
    """Trials of the study that worked and do not count, each once, by its first reason."""
    disturbance: str | None
    """What disturbs all of the trials, for people."""
    undecided: int
    """Configurations that have to be measured again before the front is decided, as far as is known."""
    incomplete: Sequence[float]
    """What each accuracy of the front takes that is not counted on all images yet, in seconds."""
    search_left_s: float
    """What the configurations that are left take, about, however much time there is."""
    after_s: float
    """Seconds that the device needs once nothing new is measured: repeats, and the images that accuracies lack."""
    gain: float | None
    """What the configurations that the rest of the budget reaches are expected to add to the hypervolume at most, as a
    share, where the suggester tells."""
    unsettled: Unsettled
    """What nobody can tell of the front once the search has ended; not told while it may go on."""
    ended: str = ""
    """Why the search ended, for people."""
    running: Step | None = None
    running_s: float = 0.0
    """What the trial that runs still takes, about."""
    last: Measurement | None = None
    """The trial that ended last."""
    devices: Sequence[DeviceProgress] = ()
    """Each device as it is now; one without a name is this machine."""

    def begun(self, step: Step, takes_s: float, elapsed_s: float) -> Progress:
        """The same search when ``step`` begins, which takes ``takes_s``, about: nothing else is known by then."""
        return replace(self, running=step, running_s=takes_s, elapsed_s=elapsed_s)

    def after(self, seconds: float) -> Progress:
        """The same search so much later, as long as the same trial runs."""
        return replace(self, elapsed_s=self.elapsed_s + seconds, running_s=max(0.0, self.running_s - seconds))

    @property
    def phase(self) -> Phase:
        """Why the trial that runs, or ran last, is measured."""
        trial = self.running or self.last
        return trial.phase if trial else "search"

    @property
    def fraction(self) -> float:
        """How much of the search is over, 0..1."""
        return self.elapsed_s / max(self.elapsed_s + self.remaining_s, 1e-9)

    @property
    def known(self) -> int:
        """Configurations of the space that were measured, or tried, in this session and before."""
        return self.plan.known + self.done

    @property
    def most(self) -> int:
        """How many that will be at most: all of the space, or what the limit on configurations allows."""
        return self.plan.known + self.plan.most_trials

    @property
    def remaining_s(self) -> float:
        """Wall seconds left, from the costs of the trials so far and what has to follow the search.

        A trial that runs is not broken off when the budget ends.
        """
        budget = self.plan.budget
        left_s = min(budget.left_s(self.elapsed_s, self.device_s), self.search_left_s + self.after_s)
        return max(0.0, self.running_s, left_s / budget.devices)

    @property
    def budget_left_s(self) -> float:
        """Seconds that the budget has left, of the clock or of devices; infinite without a limit."""
        return self.plan.budget.one_left_s(self.elapsed_s, self.device_s)


def progress_of(
    session: Session,
    plan: Plan,
    elapsed_s: float,
    *,
    running: Step | None = None,
    last: Measurement | None = None,
    device: str = "",
) -> Progress:
    """Where ``session`` stands after ``elapsed_s``, while ``running`` begins or after ``last`` ended."""
    policy, known, costs = session.task.policy, session.situation, session.costs
    now, left = session.analysis, max(0, plan.most_trials - session.searched)
    search_s = session.search_left_s(elapsed_s)
    reached = left if search_s == math.inf else reach(costs, max(0.0, search_s), left)
    return Progress(
        plan=plan,
        elapsed_s=elapsed_s,
        device_s=session.device_s,
        done=session.searched,
        repeats=session.told - session.searched,
        front=now.front,
        failures=Counter(m.response.failure.error for m in now.failed if m.response.failure),
        excluded=now.counts.reasons,
        disturbance=now.exclusions.disturbance,
        undecided=len(policy.undecided(known)),
        incomplete=[costs.step_s(need) for need in policy.incomplete(known)],
        search_left_s=costs.new_s(left) + costs.joining_s(left),
        after_s=_after_s(session, policy.left(known, device, begins=session.begins_on(device))),
        gain=float(sum(session.gains[:reached])) if session.gains else None,
        unsettled=unsettled(now, costs, policy.rungs[-1]) if session.ended else Unsettled(),
        ended=session.ended,
        running=running,
        running_s=costs.step_s(running) if running else 0.0,
        last=last,
    )


def _after_s(session: Session, needs: Sequence[Need]) -> float:
    """What ``needs`` take; all of a limited time where some are to confirm: nobody knows how many will follow."""
    counted = {e.configuration: e.accuracy.total if e.accuracy else 0 for e in session.analysis.estimates}
    if session.task.budget.seconds is not None:
        repeats = (n for n in needs if n.phase == "confirm" and n.images <= counted.get(n.configuration, 0))
        if next(repeats, None) is not None:
            return math.inf
    return sum(map(session.costs.step_s, needs))
