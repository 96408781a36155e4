"""Official runs on one device or on several: the runs of a point follow one another on one device, points go where one
is idle. A device that is lost is asked no more, and its point begins anew on another: no point mixes two devices."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Generic, TypeVar

from dse_harness.protocol import Response

from dse.errors import DevicesGoneError
from dse.search.pool import Ended, Pool, Run

_LOOK_EVERY_S = 1.0
"""How often whoever waits looks whether to stop."""
_Outcome = TypeVar("_Outcome")
Runs = Generator[Run, Response, _Outcome]
"""What a point asks for on the device that it was given, one run after the other, and what becomes of it."""
Point = Callable[[str], Runs[_Outcome]]


class _CarryOut(Generic[_Outcome]):
    def __init__(self, pool: Pool, points: Iterable[Point[_Outcome]], gone: Callable[[str], object]) -> None:
        self._pool, self._gone = pool, gone
        self._waiting = deque(points)
        self._idle = deque(pool.devices)
        self._busy: dict[str, tuple[Point[_Outcome], Runs[_Outcome]]] = {}
        self._lost: list[str] = []

    def outcomes(self, stopped: Callable[[], bool]) -> Iterator[_Outcome]:
        while True:
            while self._idle and self._waiting and not stopped():
                yield from self._begin(self._waiting.popleft(), self._idle.popleft())
            if not self._busy:
                break
            for ended in self._pool.ended(_LOOK_EVERY_S):
                yield from self._take(ended)
        if self._waiting and not self._idle:
            raise DevicesGoneError(
                f"no device is left for official runs: {'; '.join(self._lost)}",
                hint="the same command goes on when one is back: what was validated is kept",
            )

    def _begin(self, point: Point[_Outcome], device: str) -> Iterator[_Outcome]:
        runs = point(device)
        try:
            run = next(runs)
        except StopIteration as end:
            self._idle.appendleft(device)
            yield end.value
        else:
            self._pool.start(run)
            self._busy[device] = point, runs

    def _take(self, ended: Ended) -> Iterator[_Outcome]:
        point, runs = self._busy.pop(ended.device)
        if ended.response is None:
            runs.close()
            self._lost.append(f"{ended.device}: {ended.message}")
            self._gone(self._lost[-1])
            self._pool.retire(ended.device)
            self._waiting.appendleft(point)
            return
        try:
            run = runs.send(ended.response)
        except StopIteration as end:
            self._idle.append(ended.device)
            yield end.value
        else:
            self._pool.start(run)
            self._busy[ended.device] = point, runs


def carry_out(
    pool: Pool,
    points: Iterable[Point[_Outcome]],
    stopped: Callable[[], bool] = lambda: False,
    gone: Callable[[str], object] = lambda _: None,
) -> Iterator[_Outcome]:
    """What becomes of ``points``, in the order in which they end; after ``stopped`` none begins.

    ``gone`` is told which device was lost, and why. Raises DevicesGoneError where none is left and points are.
    """
    yield from _CarryOut(pool, points, gone).outcomes(stopped)
