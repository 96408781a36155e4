"""NumPy computes in one thread while a search runs: the matrices are small, and other threads would spin beside what is
measured.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from threadpoolctl import threadpool_limits

_LOCK = threading.Lock()
_LIMIT = ExitStack()
_RUNNING: list[None] = []
"""One for each search. The limit is one for the process, so it goes with the last of them."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS to one thread meanwhile, also where searches run side by side; then it is as it was."""
    with _LOCK:
        if not _RUNNING:
            _LIMIT.enter_context(threadpool_limits(1, user_api="blas"))
        _RUNNING.append(None)
    try:
        yield
    finally:
        with _LOCK:
            _RUNNING.pop()
            if not _RUNNING:
                _LIMIT.close()
