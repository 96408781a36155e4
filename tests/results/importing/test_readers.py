from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from dse.errors import MachineError
from dse.results.importing.readers import Readers


def _square(number: int) -> int:
    return number * number


def _end(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def _fail(number: int) -> int:
    raise ValueError(number)


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order_and_errors_as_they_are(workers: int) -> None:
    with Readers(0, workers) as readers:
        assert list(readers.map(_square, range(20))) == [number * number for number in range(20)]
        with pytest.raises(ValueError, match="3"):
            list(readers.map(_fail, [3]))


def test_a_process_that_is_ended_is_told() -> None:
    with Readers(0, 2) as readers, pytest.raises(MachineError, match="a process that read results was ended"):
        list(readers.map(_end, range(4)))


_WAITING = """
import os, time
from dse.results.importing.readers import Readers

with Readers(0, 2) as readers:
    print(*set(readers.map(abs, range(8))), flush=True)
    print(*[process for process in readers._pool._processes], flush=True)
    time.sleep(60)
"""


def test_no_process_outlives_a_killed_import() -> None:
    with subprocess.Popen([sys.executable, "-c", _WAITING], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        numbers = [int(word) for word in process.stdout.readline().split()]
        assert len(numbers) >= 1
        process.kill()
    for _ in range(200):
        if not any(_is_there(number) for number in numbers):
            return
        time.sleep(0.05)
    raise AssertionError(numbers)


def _is_there(number: int) -> bool:
    try:
        with open(f"/proc/{number}/stat") as file:  # noqa: PTH123 - it may go while it is read
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
