"""A search without its surroundings: ask what to measure next, measure it wherever that is, tell what came out.

Pure and in memory: no clock, no files, no process. Whoever drives a session says how much time has passed and carries
out the steps; several may be under way, on several devices, and be told in any order. What a session knows follows from
the measurements it was told alone, so one that is made again from them goes on as the first would have.

    while (step := session.ask(elapsed_s=clock() - began)) is not None:
        session.tell(step, measure(step))
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from dse_harness.protocol import Response

from dse.core.accuracies import Accuracies, FoundAccuracy
from dse.core.analysis import Analysis, analyze
from dse.core.budget import Costs
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement
from dse.core.policy import Need, Ran, Situation, Step
from dse.core.problem import Suggester
from dse.core.task import Experiments, Task
from dse.core.worth import most_worth, vague

_ASKED_EVERY = 10
"""Trials that confirm a stable front, after which it is asked again whether it still is: a repeat changes little."""


@dataclass(frozen=True)
class _Suggestion:
    """What a suggester answered, and to what: the same question has the same answer."""

    analysis: Analysis
    pending: Sequence[Configuration]
    configuration: Configuration | None
    gains: Sequence[float]


class Session:
    """See the module. ``history`` are the trials of the study so far, whoever measured them.

    ``elsewhere`` are accuracies that other systems found, by key; each trial shows whether they count for it. More may
    come to it at any time. What they are counting now, ``counted_elsewhere``, is counted here last: it may be there by
    then.

    Trials are numbered from ``first_number`` on, or after the history. The budget is this session's own, and so is its
    ``number``, one more than the last of the history has. ``before`` is an analysis of the history by the same
    ``experiments``: what was found out then is not found out again.
    """

    def __init__(
        self,
        task: Task,
        suggester: Suggester,
        experiments: Experiments,
        costs: Costs,
        history: Sequence[Measurement] = (),
        *,
        first_number: int | None = None,
        elsewhere: Mapping[str, FoundAccuracy] | None = None,
        counted_elsewhere: Collection[str] = (),
        before: Analysis | None = None,
    ) -> None:
        self.task, self.costs = task, costs
        self._elsewhere = {} if elsewhere is None else elsewhere
        self._counted_elsewhere = counted_elsewhere
        self._suggester, self._experiments = suggester, experiments
        self._measurements: list[Measurement] = []
        self._accuracies = Accuracies(0 if task.exact else task.images or 0)
        self._spot_checks: dict[str, Measurement] = {}
        self._of_phase: defaultdict[str, list[int]] = defaultdict(list)
        self._ran: defaultdict[str, list[Ran]] = defaultdict(list)
        self._sharing: defaultdict[str, list[int]] = defaultdict(list)
        for measured in history:
            self._take(measured)
        self._earlier = len(self._measurements)
        known = {experiments(measured) for measured in self._measurements} - {None}
        self._unknown = task.problem.tree.size - experiments.duplicates - len(known)
        self._unknown_and_duplicates = task.problem.tree.size - len(known)
        after = self._measurements[-1].trial + 1 if self._measurements else 0
        self._next_number = after if first_number is None else first_number
        self.number = 1 + max((m.session for m in self._measurements), default=0)
        self._pending: dict[int, Step] = {}
        self._pending_s: dict[int, float] = {}
        """What each of them takes, about, as it was reckoned when it was asked."""
        self._begun: set[str] = set()
        self._analysis: Analysis | None = None
        self._before = before
        self._situation: Situation | None = None
        self._suggestion: _Suggestion | None = None
        self.device_s = 0.0
        """Seconds that devices spent on this session's trials."""
        self.searched = 0
        """New configurations that were told."""
        self.ended = ""
        """Why `ask` had no answer, for people; empty while there may be one, also after trials that are pending."""

    @property
    def measurements(self) -> Sequence[Measurement]:
        """All trials that were told, with those before this session, by number."""
        return self._measurements

    @property
    def told(self) -> int:
        """How many trials were told in this session."""
        return len(self._measurements) - self._earlier

    @property
    def pending(self) -> Sequence[Step]:
        """What was asked and not told, by number."""
        return tuple(self._pending.values())

    @property
    def analysis(self) -> Analysis:
        """What the trials say; found out once after each that is told."""
        if self._analysis is None:
            task, problem = self.task, self.task.problem
            self._analysis = analyze(
                problem.objectives,
                problem.constraints,
                self._measurements,
                self._experiments,
                task.images,
                exact=task.exact,
                indifference=problem.indifference,
                most_images=task.policy.rungs[-1],
                before=self._before,
            )
            self._before = self._analysis
        return self._analysis

    @property
    def situation(self) -> Situation:
        """What `dse.core.policy.Policy` decides from."""
        if self._situation is None:
            self._situation = Situation(self._ran, self.analysis, self.pending, self.number)
        return self._situation

    @property
    def gains(self) -> Sequence[float]:
        """What the suggester expected of each candidate when it was asked last; see `dse.core.problem.Suggester`."""
        return self._suggestion.gains if self._suggestion else ()

    @property
    def configurations_left(self) -> int:
        """How many more configurations there can be, however much time they take."""
        limit = self.task.budget.trials
        most = self._unknown if limit is None else min(self._unknown, limit)
        return max(0, most - self.searched - sum(step.phase == "search" for step in self.pending))

    def left_s(self, elapsed_s: float) -> float:
        """Device seconds that the budget has left, after what is pending; infinite without a limit."""
        return self.task.budget.left_s(elapsed_s, self._committed_s)

    def search_left_s(self, elapsed_s: float) -> float:
        """Seconds of them that may go to new configurations before what is undecided is confirmed."""
        left_s, share_s = self.left_s(elapsed_s), self.task.search_s
        return left_s if share_s is None else min(left_s, share_s - self._committed_s)

    def begins_on(self, device: str) -> bool:
        """Whether a search of what was measured before has yet to begin on ``device``."""
        return device not in self._begun and bool(self._measurements)

    def begins_again(self, device: str) -> None:
        """Begin anew on a device that was away: nobody knows whether it is as it was."""
        self._begun.discard(device)

    def ask(self, device: str = "", elapsed_s: float = 0.0) -> Step | None:
        """What to run next on ``device``, after ``elapsed_s`` of the session; the step is pending until it is told.

        None where the budget or the work has ended, which `ended` says, and where nothing can be begun before more is
        told: then `ended` is empty.
        """
        need = self._need(device, elapsed_s)
        if need is None:
            return None
        number, key = self._next_number, self._experiments.key(need.configuration)
        accuracy_key = self._experiments.accuracy_key(need.configuration)
        step = Step(
            need.configuration,
            need.phase,
            need.images,
            number=number,
            key=key,
            accuracy_key=accuracy_key,
            accuracy_from=self._accuracy_from(key, accuracy_key, need.images, number),
            spot_check=key not in self._spot_checks,
            device=device,
            session=self.number,
        )
        self._pending[number] = step
        self._pending_s[number] = self.costs.step_s(step)
        self._next_number += 1
        self._begun.add(device)
        self._pending_changed()
        return step

    def tell(self, step: Step, answer: Response | Measurement, *, took_s: float | None = None) -> Measurement:
        """Take in what came of ``step``, which took ``took_s`` of its device; by default what the response says.

        Raises ValueError for a step that is not pending and for the measurement of another trial.
        """
        if self._pending.get(step.number) != step:
            raise ValueError(f"trial {step.number} is not pending: it was told before, or another session asked it")
        measured = answer if isinstance(answer, Measurement) else _measured(step, answer)
        if measured.trial != step.number:
            raise ValueError(f"found trial {measured.trial}, expected {step.number}")
        del self._pending[step.number], self._pending_s[step.number]
        measured = self._take(measured)
        took_s = measured.response.timing_s.get("total", 0.0) if took_s is None else took_s
        self.costs.add(measured, took_s)
        self.device_s += took_s
        self.searched += step.phase == "search"
        self._analysis = self._situation = None
        self.ended = ""
        return measured

    def give_up(self, step: Step) -> None:
        """Forget a step that will never be told, as its device is gone; what it was for is asked again."""
        self._pending.pop(step.number, None)
        self._pending_s.pop(step.number, None)
        self._pending_changed()
        self.ended = ""

    def _pending_changed(self) -> None:
        if self._situation is not None:
            self._situation = self._situation.beside(self.pending)

    def _take(self, measured: Measurement) -> Measurement:
        if (accuracy_key := measured.accuracy_key) is not None:
            self._accuracies.add(measured.trial, accuracy_key, measured.response)
            measured = measured.with_best(self._accuracies)
            sharing = self._sharing[accuracy_key]
            for trial in sharing if measured.response.accuracy else ():
                place = bisect.bisect_left(self._measurements, trial, key=_number)
                self._measurements[place] = self._measurements[place].with_best(self._accuracies)
            sharing.append(measured.trial)
        if measured.response.spot_check:
            self._spot_checks[measured.key] = measured
        bisect.insort(self._measurements, measured, key=_number)
        bisect.insort(self._of_phase[measured.phase], measured.trial)
        bisect.insort(self._ran[measured.device], (measured.trial, measured.phase))
        return measured

    def _accuracy_from(self, key: str, accuracy_key: str | None, images: int, number: int) -> int:
        """The trial that has, or is counting, the accuracy on so many images; ``number`` where none does."""
        if accuracy_key is None:
            return number
        checked = self._spot_checks.get(key)
        found = self._accuracies.best(accuracy_key, checked.response.spot_check if checked else None)
        if found is not None and found.accuracy.total >= images:
            return found.trial
        there = self._elsewhere.get(accuracy_key)
        if there is not None and there.accuracy.total >= images and (
            checked is None or there.counts_for(checked.response.spot_check)
        ):  # fmt: skip
            return there.trial
        counting = (s for s in self.pending if s.accuracy_key == accuracy_key and s.runs_accuracy)
        return next((s.number for s in counting if s.images >= images), number)

    def _need(self, device: str, elapsed_s: float) -> Need | None:
        budget, policy, left_s = self.task.budget, self.task.policy, self.left_s(elapsed_s)
        known = self.situation
        if left_s <= 0 or (budget.trials == 0 and not (policy.incomplete(known) or policy.earlier(known))):
            self._end("the budget is spent")
            return None
        more = self.configurations_left > 0
        search = more and self._asks_again and self._may_search(elapsed_s)
        one_s = budget.one_left_s(elapsed_s, self._committed_s)
        need = self._next(device, one_s, search=search)
        if need is None and policy.confirm and more and not search:
            need = self._next(device, one_s, search=True)  # all is decided: what was kept for that may be searched
        if need is None:
            self._end(self._why_nothing_is_left(one_s))
            return None
        return need if need.phase == "reference" else self._unless_kept(need, left_s, one_s)

    def _next(self, device: str, left_s: float, *, search: bool) -> Need | None:
        """What is due first, of what ``search`` allows and time is left for."""
        policy, known = self.task.policy, self.situation
        reference = policy.reference(known, device, begins=self.begins_on(device))
        if reference is not None:
            return reference
        lost = next(iter(policy.lost(known)), None)
        if lost is not None and self._is_fit(device):
            return lost  # whatever was in the way is over
        if (earlier := next(iter(policy.earlier(known)), None)) is not None:
            return earlier
        if search and (suggested := self._suggest()) is not None:
            return Need(suggested, "search", policy.rungs[0])
        if lost is not None and not any(self._is_fit(each.device) for each in self.pending if each.device != device):
            return lost
        affordable = (need for need in self._undecided() if self.costs.step_s(need) <= left_s)
        return min(affordable, key=self._may_come, default=None) if self._counted_elsewhere else next(affordable, None)

    def _may_come(self, need: Need) -> bool:
        """Whether another system is counting the accuracy that is needed."""
        wanted = need.images == self.task.policy.rungs[-1]
        return wanted and self._experiments.accuracy_key(need.configuration) in self._counted_elsewhere

    def _is_fit(self, device: str) -> bool:
        """Whether the last trial on the device counts."""
        ran = self._ran[device]
        return bool(ran) and not self.analysis.exclusions.reasons.get(ran[-1][0])

    def _undecided(self) -> Sequence[Need]:
        """What would settle the front, in an order; of a limited time what is worth most comes first."""
        policy, known = self.task.policy, self.situation
        undecided = policy.undecided(known)
        if self.task.budget.seconds is None or not policy.confirm:
            return undecided
        settled = known.once("vague", lambda: set(vague(known.now)))
        settled = settled.difference(need.configuration for need in undecided)
        return most_worth([*undecided, *policy.repeats(known, settled)], known.now, self.costs.step_s)

    def _suggest(self) -> Configuration | None:
        """A configuration that nobody measures yet; None where there is none, and where the front is stable."""
        now, found = self.analysis, self._suggestion
        pending = [step.configuration for step in self.pending]
        if found is None or found.analysis is not now or found.pending != pending:
            suggested = self._suggester.suggest(now.past, pending, now.estimates)
            found = self._suggestion = _Suggestion(now, pending, suggested, self._suggester.gains)
        stable = bool(found.gains) and found.gains[0] < self.task.policy.stable_gain
        return None if stable else found.configuration

    @property
    def _asks_again(self) -> bool:
        """Whether the suggester is asked anew: not after each trial that confirms a front which it called stable.

        How many there were since something new was measured follows from the trials: so a search that is continued asks
        when an uninterrupted one does.
        """
        if not (self.task.policy.confirm and self.task.policy.stable_gain):
            return True
        confirmed, searched = self._of_phase["confirm"], self._of_phase["search"]
        before = bisect.bisect(confirmed, searched[-1]) if searched else 0
        return (len(confirmed) - before) % _ASKED_EVERY == 0

    def _may_search(self, elapsed_s: float) -> bool:
        """Whether new configurations may be begun; some of a limited time is kept to confirm.

        And some to complete the accuracies of the front, as far as all can be completed.
        """
        budget, left_s = self.task.budget, self.left_s(elapsed_s)
        if budget.seconds is not None and left_s < budget.seconds / 2:
            one_s, needed_s = self.costs.new_s(1), self._needed_s() + self.costs.another_s
            if left_s - one_s < budget.kept_s("search", needed_s) < budget.seconds / 2:
                return False
        return self.search_left_s(elapsed_s) > 0

    def _unless_kept(self, need: Need, left_s: float, one_s: float) -> Need:
        """``need``, or what completes the front where that could not be afforded after it.

        All devices together have ``left_s``, each has ``one_s``.
        """
        budget, costs = self.task.budget, self.costs
        lacking = self.task.policy.incomplete(self.situation) if budget.seconds is not None else ()
        if not lacking or need in lacking:
            return need
        if left_s - costs.step_s(need) >= budget.kept_s(need.phase, self._needed_s()):
            return need
        cheapest = min(lacking, key=costs.step_s)
        return need if costs.step_s(cheapest) > one_s else cheapest

    def _needed_s(self) -> float:
        """What it takes to complete the accuracies of the front.

        Counted on all images some of them fall, and others take their places: those are in it by their chance.
        """
        policy, known, costs = self.task.policy, self.situation, self.costs
        lacking_s = sum(map(costs.step_s, policy.incomplete(known)))
        joining_s = known.once("joining_s", lambda: sum(p * costs.step_s(need) for need, p in policy.joining(known)))
        return lacking_s + joining_s

    @property
    def _committed_s(self) -> float:
        return self.device_s + sum(self._pending_s.values())

    def _end(self, why: str) -> None:
        self.ended = "" if self._pending else why

    def _why_nothing_is_left(self, left_s: float) -> str:
        if any(self.costs.step_s(need) > left_s for need in self.task.policy.undecided(self.situation)):
            return "what is left takes longer than the rest of the budget"
        if self._unknown_and_duplicates - self._experiments.duplicates <= self.searched:
            return "every configuration is known"
        return "the front is stable" if self.configurations_left > 0 else "the limit on configurations is reached"


def _number(measured: Measurement) -> int:
    return measured.trial


def _measured(step: Step, response: Response) -> Measurement:
    return Measurement(
        trial=step.number,
        configuration=step.configuration,
        key=step.key,
        response=response,
        accuracy_from=step.accuracy_from,
        phase=step.phase,
        accuracy_key=step.accuracy_key,
        images=step.images,
        device=step.device,
        session=step.session,
    )
