"""Programs are started in a group of their own, and nothing of the group outlives the call."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from dse import processes
from dse.processes import Ended

_STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); "
                          "print('child', flush=True); time.sleep(60)"])
print("pid", child.pid, flush=True)
{end}
"""


def _run(tmp_path: Path, program: str, timeout_s: float = 30, **more: object) -> Ended:
    return processes.run(
        [sys.executable, "-c", program], folder=tmp_path, log=tmp_path / "log", timeout_s=timeout_s, **more
    )  # type: ignore[arg-type]


def _is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def _gone_soon(pid: int) -> bool:
    for _ in range(500):
        if not _is_alive(pid):
            return True
        time.sleep(0.01)
    return False


def _grandchild(tmp_path: Path) -> int:
    words = (tmp_path / "log").read_text().split()
    return int(words[words.index("pid") + 1])


def test_a_program_that_ends_by_itself_tells_status_and_last_words(tmp_path: Path) -> None:
    ended = _run(tmp_path, "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert (ended.returncode, ended.timed_out, ended.reason) == (3, False, "exit status 3")
    assert sorted(ended.tail.split()) == ["err", "out"]


def test_it_runs_in_the_folder_with_the_environment_and_without_input(tmp_path: Path) -> None:
    program = "import os, sys; print(os.getcwd(), os.environ['DSE_TEST'], repr(sys.stdin.read()))"
    ended = _run(tmp_path, program, environment={"DSE_TEST": "yes"})
    assert ended.tail == f"{tmp_path} yes ''"


@pytest.mark.parametrize(("number", "name"), [(signal.SIGSEGV, "SIGSEGV"), (40, "signal 40")])
def test_a_signal_is_named(tmp_path: Path, number: int, name: str) -> None:
    ended = _run(tmp_path, f"import os; os.kill(os.getpid(), {number})")
    assert ended.reason == f"killed by {name}"


def test_the_tail_is_short_and_survives_what_is_no_text(tmp_path: Path) -> None:
    ended = _run(tmp_path, r"import sys; sys.stdout.buffer.write(b'x' * 100_000 + b'\xff the end')")
    assert ended.tail.endswith("\ufffd the end")
    assert len(ended.tail) <= 2000
    assert (tmp_path / "log").stat().st_size > 100_000


def test_a_program_out_of_time_is_interrupted_first(tmp_path: Path) -> None:
    program = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a job runs in the background
print("ready", flush=True)
try:
    time.sleep(60)
except KeyboardInterrupt:
    print("tidied")
"""
    ended = _run(tmp_path, program, timeout_s=1.5)
    assert ended.timed_out
    assert ended.tail.split() == ["ready", "tidied"]


def test_one_that_ignores_the_interrupt_is_killed_with_its_children(tmp_path: Path) -> None:
    ended = _run(tmp_path, _STUBBORN.format(end="time.sleep(60)"), timeout_s=1.5)
    assert ended.timed_out
    assert ended.reason == "killed by SIGKILL"
    assert _gone_soon(_grandchild(tmp_path))


def test_children_that_a_program_leaves_behind_are_killed(tmp_path: Path) -> None:
    ended = _run(tmp_path, _STUBBORN.format(end="sys.exit(0)"))
    assert (ended.returncode, ended.timed_out) == (0, False)
    assert _gone_soon(_grandchild(tmp_path))


def test_an_interrupted_caller_ends_the_group_at_once(tmp_path: Path) -> None:
    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    program = f"import os, time; print('pid', os.getpid(), flush=True); os.kill({os.getpid()}, 10); time.sleep(60)"
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            _run(tmp_path, program)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert _gone_soon(_grandchild(tmp_path))


def test_a_caller_who_loses_patience_twice_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    program = f"""
import os, signal, time
print("pid", os.getpid(), flush=True)
signal.signal(signal.SIGINT, lambda *_: os.kill({os.getpid()}, 10))
while True:
    time.sleep(60)
"""
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            _run(tmp_path, program, timeout_s=1.5)  # the interrupt arrives while the group is given its grace
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert _gone_soon(_grandchild(tmp_path))


def test_a_program_that_does_not_exist_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no-such-program"):
        processes.run(["no-such-program"], folder=tmp_path, log=tmp_path / "log", timeout_s=1)


def test_of_a_flood_the_beginning_and_the_end_are_kept(tmp_path: Path) -> None:
    program = """
import sys
sys.stdout.buffer.write(b"first words\\n" + b"x" * 20_000_000)
sys.stdout.buffer.write(b"\\nlast words")
"""
    ended = _run(tmp_path, program)
    log = (tmp_path / "log").read_bytes()
    assert len(log) < 2 * 2**20 + 100
    assert log.startswith(b"first words\nxxx")
    assert log.endswith(b"xxx\nlast words")
    left_out = 20_000_000 + len("first words\n" + "\nlast words") - 2 * 2**20
    assert f"\n[{left_out} bytes are left out here]\n".encode() in log
    assert ended.last_words == "last words"


def test_what_a_process_outside_the_group_says_on_is_not_waited_for(tmp_path: Path) -> None:
    program = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    end = time.monotonic() + 5
    while time.monotonic() < end:
        os.write(1, b"x" * 1000)
    os._exit(0)
print("done", flush=True)
"""
    began = time.monotonic()
    assert _run(tmp_path, program).returncode == 0
    assert time.monotonic() - began < 4
    assert (tmp_path / "log").stat().st_size < 2 * 2**20 + 100


def test_a_log_that_cannot_be_written_is_an_error_and_no_hang(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        _run(tmp_path, "print('x' * 1_000_000)")


def test_last_words_are_a_line_to_read(tmp_path: Path) -> None:
    program = r"import sys; sys.stdout.buffer.write(b'\x1b[31mall is lost\x07\n' + bytes(1500) + b'\n\xc2\x9b \n')"
    assert _run(tmp_path, program).last_words == "[31mall is lost"
    assert len(_run(tmp_path, "print('word ' * 300)").last_words) < 310
    assert _run(tmp_path, "").last_words == ""
