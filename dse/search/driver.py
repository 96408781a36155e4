"""The one loop that carries out a session: it asks for each idle device, waits for what ends, and tells.

A device alone is the case of one: what is asked, and when, is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from dse_harness import protocol
from dse_harness.protocol import Failure, Request, Response

from dse.core.measurement import Measurement
from dse.core.policy import Step
from dse.core.session import Session
from dse.errors import MachineError, ModelError, ModelRefusedError, Remedy
from dse.models import ModelFile
from dse.search.devices import MOST_LOST, MOST_SPOILED, RESTS_S, Devices
from dse.search.plan import Plan
from dse.search.pool import Ended, Pool, Run
from dse.search.progress import Progress, progress_of
from dse.spaces.space import Space
from dse.study.record import TrialRecord
from dse.study.writer import StudyWriter

NO_DEVICE = "no device is left"
"""Why such a search has ended."""
_LOOK_EVERY_S = 1.0
"""How often somebody who waits for several devices looks whether the search is to stop."""

_AHEAD_SHARE = 0.05
"""A device would wait for so much of a trial's time, until the next is decided: then it is given that one before."""
_FAR_AHEAD_SHARE = 0.5
"""From here on it is given two: it may have to wait until one batch is decided, and then for its own."""
_AHEAD_TRIALS = 4
"""So many trials before its end, a search gives no device more than one."""
_SMOOTHED = 0.2
"""The weight of the latest."""
_LOOK_SHARE = 0.02
"""Of the time may be spent to tell people where a search stands, ..."""
_LOOK_S = 0.1
"""... unless that takes less on one device: then it is told after each trial."""

RequestOf = Callable[[Step, ModelFile], Request]


class Driver:
    """Carries out ``session`` with the devices of ``pool``, each trial in its folder of the study that ``writer`` has.

    ``request_of`` makes the harness's request; ``elapsed_s`` is how long the search has run, ``spent_s`` how long
    earlier ones of the study did. A device that is lost is asked again after ``rests_s``, and retired in the end.
    """

    def __init__(
        self,
        writer: StudyWriter,
        space: Space,
        pool: Pool,
        session: Session,
        plan: Plan,
        observe: Callable[[Progress], None],
        request_of: RequestOf,
        elapsed_s: Callable[[], float],
        *,
        strict: bool = False,
        spent_s: float = 0.0,
        rests_s: Sequence[float] = RESTS_S,
    ) -> None:
        self._writer, self._space, self._pool, self._session, self._plan = writer, space, pool, session, plan
        self._observe, self._request_of, self._elapsed_s = observe, request_of, elapsed_s
        self._strict, self._spent_s = strict, spent_s
        self._devices = Devices(pool.devices, rests_s)
        self._records: dict[int, tuple[TrialRecord, Path]] = {}
        self._next_look_s = 0.0
        self._deciding_s = self._trial_s = 0.0
        """How long it takes between two waits, and a trial, of late."""
        self._progress = self._shown(None)

    def run(self, stopped: Callable[[], bool]) -> Progress:
        """Go on until nothing is left to ask, or ``stopped``: then what runs is waited for."""
        self._observe(self._progress)
        waited_s = self._elapsed_s()
        while True:
            more = not stopped() and self._begin(stopped)
            self._deciding_s += _SMOOTHED * (self._elapsed_s() - waited_s - self._deciding_s)
            if self._devices.busy:
                found = self._ended(_LOOK_EVERY_S)
                waited_s = self._elapsed_s()
                self._take(found)
            elif more:
                rest_s = self._devices.rest_s(self._elapsed_s())
                self._ended(_LOOK_EVERY_S if rest_s is None else min(rest_s, _LOOK_EVERY_S))
                waited_s = self._elapsed_s()
            else:
                break
        return self._progress if stopped() else self._shown(self._progress.last)

    def _begin(self, stopped: Callable[[], bool]) -> bool:
        """Ask for each idle device; whether there may be more to ask later."""
        for device in self._devices.idle(self._elapsed_s(), ahead=self._ahead):
            while not stopped():
                step = self._session.ask(device, self._elapsed_s())
                if step is None:
                    break
                if self._started(step):
                    break
        if self._session.ended or not self._devices.left:
            return False
        return self._session.left_s(self._elapsed_s()) > 0

    @property
    def _ahead(self) -> int:
        """How many trials a device is given beside the one that it runs, so as not to wait for what is decided."""
        if len(self._pool.devices) == 1 or self._deciding_s <= _AHEAD_SHARE * self._trial_s:
            return 0
        time_s = self._plan.budget.time_s
        if time_s is not None and time_s - self._elapsed_s() <= _AHEAD_TRIALS * self._trial_s:
            return 0
        return 1 + (self._deciding_s > _FAR_AHEAD_SHARE * self._trial_s)

    def _ended(self, timeout_s: float) -> Sequence[Ended]:
        try:
            return self._pool.ended(timeout_s)
        except OSError:
            for record, _ in self._records.values():
                self._writer.require_folder(record)
            raise

    def _started(self, step: Step) -> bool:
        """Begin the trial of ``step``; whether it runs: one whose model cannot be made has ended at once."""
        now_s = self._elapsed_s()
        self._devices.begun(step, now_s)
        self._progress = replace(self._progress, devices=self._devices.now)
        self._observe(self._progress.begun(step, self._session.costs.step_s(step), now_s))
        record, folder = self._writer.begin(step, self._spent_s + now_s)
        self._records[step.number] = record, folder
        failure, model = self._made(step)
        if failure is not None or model is None:
            response = Response(failure=failure)
            protocol.write(response, folder / "response.json")
            self._look(self._answered(step.device, step.number, response))
            return False
        request, timeout_s = self._request_of(step, model), self._space.fidelity.trial_timeout
        python = self._space.runtime(step.configuration).python
        self._pool.start(Run(step.device, step.number, request, folder, timeout_s, python))
        return True

    def _made(self, step: Step) -> tuple[Failure | None, ModelFile | None]:
        """The model, or why it cannot be measured."""
        try:
            model = self._space.source(step.configuration).make(self._space.variant(step.configuration))
        except ModelError as error:
            refused = isinstance(error, ModelRefusedError)
            return Failure("model_unsupported" if refused else "model_missing", str(error)), None
        if reason := self._space.unable(step.configuration):
            return Failure("model_unsupported", reason), None
        return None, model

    def _take(self, found: Sequence[Ended]) -> None:
        last = self._progress.last
        for ended in found:
            if ended.response is not None:
                last = self._answered(ended.device, ended.run.number, ended.response, ended.took_s)
            elif ended.why == "held":
                now_s = self._elapsed_s()
                self._give_up(self._devices.held(ended.device, ended.run.number, ended.message, now_s))
            elif ended.why == "rebooted":
                self._give_up(self._devices.rebooted(ended.device, ended.run.number, self._elapsed_s()))
                self._session.begins_again(ended.device)
            else:
                self._lost(ended)
        if found:
            self._judge([ended.run for ended in found if ended.response is not None])
            self._look(last)

    def _judge(self, answered: Sequence[Run]) -> None:
        """Leave a device alone for a while whose runs do not count, as long as another one works."""
        if self._devices.left < 2:
            return
        reasons = self._session.analysis.exclusions.reasons
        for run in answered:
            why = next((reason.word for reason in reasons.get(run.number, ()) if reason.passing), "")
            if self._devices.judged(run.device, why, self._elapsed_s()) == MOST_SPOILED:
                self._session.begins_again(run.device)
                self._writer.say(f"{run.device} rests: {self._devices.of(run.device).waits}")

    def _lost(self, ended: Ended) -> None:
        before = self._devices.of(ended.device).retired
        step, to_blame = self._devices.lost(
            ended.device, ended.run.number, ended.message, self._elapsed_s(), begun=ended.why == "lost"
        )
        self._session.begins_again(ended.device)
        if to_blame:
            self._blame(step, ended)
        else:
            self._give_up(step)
        if (retired := self._devices.of(ended.device).retired) != before:
            self._pool.retire(ended.device)
            self._writer.say(f"{ended.device or 'the device'} is not asked any more: {retired}")

    def _answered(self, device: str, number: int, response: Response, took_s: float | None = None) -> Measurement:
        """Count a trial whose response is in its folder; it took so long, or all the time since it began."""
        now_s = self._elapsed_s()
        step, began_s = self._devices.done(device, number, now_s)
        took_s = now_s - began_s if took_s is None else took_s
        self._trial_s += (_SMOOTHED if self._trial_s else 1.0) * (took_s - self._trial_s)
        return self._finish(step, response, took_s)

    def _look(self, last: Measurement | None) -> None:
        """Show where the search stands: so seldom, of many devices, that it takes a small part of the time."""
        now_s = self._elapsed_s()
        if now_s >= self._next_look_s:
            self._progress = self._shown(last)
            took_s = self._elapsed_s() - now_s
            if len(self._pool.devices) > 1 or took_s > _LOOK_S:
                self._next_look_s = now_s + took_s / _LOOK_SHARE
        else:
            self._progress = replace(
                self._progress, elapsed_s=now_s, running=None, last=last, devices=self._devices.now
            )
        self._observe(self._progress)

    def _finish(self, step: Step, response: Response, took_s: float) -> Measurement:
        record, _ = self._records.pop(step.number)
        measured = self._writer.finish(record, response)
        measured = self._session.tell(step, measured, took_s=took_s)
        reasons = self._session.analysis.exclusions.reasons.get(measured.trial) if self._strict else None
        if reasons:
            raise MachineError(
                f"trial {measured.trial} is excluded: {reasons[0].sentence}",
                remedy=Remedy.MEND_OR_NOT_STRICT,
            )
        return measured

    def _give_up(self, step: Step) -> None:
        """The trial counts for nothing, and what it was for is asked again."""
        record, _ = self._records.pop(step.number)
        self._writer.discard(record)
        self._session.give_up(step)

    def _blame(self, step: Step, ended: Ended) -> None:
        """So often the device was lost with it: it counts as infeasible."""
        message = f"the device was lost {MOST_LOST} times in a row: {ended.device}: {ended.message}"
        response = Response(failure=Failure("device_lost", message))
        _, folder = self._records[step.number]
        protocol.write(response, folder / "response.json")
        self._finish(step, response, 0.0)

    def _shown(self, last: Measurement | None) -> Progress:
        found = progress_of(self._session, self._plan, self._elapsed_s(), last=last)
        ended = found.ended if self._devices.left else NO_DEVICE
        return replace(found, devices=self._devices.now, ended=ended)
