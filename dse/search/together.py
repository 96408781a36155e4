"""Searches that go on at the same time, each in a thread of its own: they end together, and fail one by one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

_LOOK_EVERY_S = 0.2
Result = TypeVar("Result")
Check = Callable[[], None]
"""Raises `BrokenOffError` once whoever waits for all was interrupted."""


class BrokenOffError(Exception):
    """What is searched is to end at once: whoever started it was interrupted."""


def together(searches: Mapping[str, Callable[[Check], Result]]) -> dict[str, Result | Exception]:
    """What each of ``searches`` returns, or raises. Each is given what it has to call now and then.

    An exception that comes to the waiting thread from outside, as KeyboardInterrupt does, ends all of them at their
    next call, and is raised once they have ended; a second one does not wait.
    """
    begins, ends = threading.Event(), threading.Event()
    ended, found = list[str](), dict[str, Result | Exception]()

    def check() -> None:
        if ends.is_set():
            raise BrokenOffError("broken off")

    def carry_out(name: str, search: Callable[[Check], Result]) -> None:
        begins.wait()
        try:
            found[name] = search(check)
        except Exception as error:  # noqa: BLE001  # whoever called looks at each
            found[name] = error
        finally:
            ended.append(name)

    for each in searches.items():
        # Where even its end is not waited for, it ends with this process.
        threading.Thread(target=carry_out, args=each, name=each[0], daemon=True).start()
    try:
        begins.set()  # not before: an interrupt in between would leave them alone
        _wait(ended, len(searches))
    except BaseException:
        ends.set()
        _wait(ended, len(searches))
        raise
    return {name: found[name] for name in searches}


def _wait(ended: Sequence[str], count: int) -> None:
    """Until so many have ended. A signal is heard within a moment, also one that comes just before one waits.

    Not by Thread.join, which takes a thread for ended once it was interrupted.
    """
    while len(ended) < count:
        time.sleep(_LOOK_EVERY_S)
