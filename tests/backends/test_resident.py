"""A process that forks a child for each trial: whatever a child does ends with that child."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dse_harness
import psutil
import pytest

from dse.backends.resident import Resident
from dse.processes import Ended
from tests.harness.distributions import install

_HARNESS = str(Path(dse_harness.__file__).parents[1])
_SERVE = f"""
import os, signal, subprocess, sys, threading, time
sys.path.insert(0, {_HARNESS!r})
from dse_harness.process import die_with_parent
from dse_harness.resident import serve

def run(request, engine_bytes, answered):
    exec(request.read_text())
    return 0

die_with_parent()
sys.exit(serve(sys.argv[1], run))
"""
"""Its children do what is in the file that they are to run."""


def _command(engine: str = "none") -> list[str]:
    return [sys.executable, "-c", _SERVE, engine]


@pytest.fixture
def resident() -> Iterator[Resident]:
    made = Resident(_command())
    yield made
    made.close()


def _run(resident: Resident, folder: Path, what: str, timeout_s: float = 60.0) -> Ended:
    folder.mkdir(exist_ok=True)
    (folder / "request.json").write_text(what)
    return resident.run(folder, folder / "stderr.log", timeout_s)


def _is_gone(pid: int) -> bool:
    """A moment later at most, as a kill takes one."""
    for _ in range(200):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


_ENDS = (
    ("pass", "exit status 0", ""),
    ("print('done')", "exit status 0", "done"),
    ("sys.exit(7)", "exit status 1", "SystemExit: 7"),
    ("os._exit(7)", "exit status 7", ""),
    ("raise ValueError('oh')", "exit status 1", "ValueError: oh"),
    ("os.write(2, b'terminate called'); os.abort()", "killed by SIGABRT", "terminate called"),
    ("os.kill(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV", ""),
    ("os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL", ""),
)


def test_a_child_ends_alone(tmp_path: Path, resident: Resident) -> None:
    _run(resident, tmp_path / "0", "print('before')")
    before = resident.pid
    for what, reason, last_words in _ENDS:
        ended = _run(resident, tmp_path / "1", what)
        assert (ended.reason, ended.last_words, ended.timed_out) == (reason, last_words, False), what
        assert _run(resident, tmp_path / "2", "print('after')").last_words == "after", what
        assert resident.pid == before, what


@pytest.mark.parametrize("what", ["time.sleep(600)", "signal.signal(2, signal.SIG_IGN); time.sleep(600)"])
def test_a_child_that_hangs_is_killed_alone(tmp_path: Path, resident: Resident, what: str) -> None:
    _run(resident, tmp_path / "0", "pass")
    before = resident.pid
    ended = _run(resident, tmp_path / "1", f"open('pid', 'w').write(str(os.getpid()))\n{what}", 1.0)
    assert ended.timed_out
    assert _is_gone(int((tmp_path / "1" / "pid").read_text()))
    assert _run(resident, tmp_path / "2", "print('after')").last_words == "after"
    assert resident.pid == before


def test_a_child_is_in_its_folder_and_in_a_session_of_its_own(tmp_path: Path, resident: Resident) -> None:
    for name in "ab":
        what = "print(os.getcwd(), os.getsid(0) == os.getpid() != os.getppid(), sys.stdin.read() == '')"
        assert _run(resident, tmp_path / name, what).last_words == f"{tmp_path / name} True True"


def test_nobody_waits_for_the_end_of_a_child_that_has_answered(
    tmp_path: Path, resident: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dse.backends.resident._END_S", 1.0)
    what = "print('said'); sys.stdout.flush(); answered(); signal.signal(2, signal.SIG_IGN); time.sleep(600)"
    answered = _run(resident, tmp_path / "a", f"open('pid', 'w').write(str(os.getpid()))\n{what}", 60.0)
    assert (answered.reason, answered.last_words, answered.timed_out) == ("exit status 0", "said", False)
    pid = int((tmp_path / "a" / "pid").read_text())
    assert psutil.pid_exists(pid)
    before = resident.pid
    assert _run(resident, tmp_path / "b", "print('after')").last_words == "after"
    assert _is_gone(pid)
    assert resident.pid == before


def test_what_ends_after_it_has_answered_costs_nothing(tmp_path: Path, resident: Resident) -> None:
    for what in ("os.abort()", "os.kill(os.getppid(), signal.SIGKILL); time.sleep(600)", "pass"):
        for number in range(2):
            assert _run(resident, tmp_path / str(number), f"answered(); {what}").reason == "exit status 0", what


def test_a_child_that_is_killed_while_it_waits_costs_nothing(tmp_path: Path, resident: Resident) -> None:
    _run(resident, tmp_path / "a", "pass")
    assert resident.pid is not None
    waiting = psutil.Process(resident.pid)
    while not (found := [each for each in waiting.children() if each.status() != psutil.STATUS_ZOMBIE]):
        time.sleep(0.02)
    found[0].kill()
    assert _run(resident, tmp_path / "b", "print('after')").last_words == "after"
    resident.close()
    assert _is_gone(waiting.pid)


def test_nothing_that_waits_is_left(tmp_path: Path, resident: Resident) -> None:
    _run(resident, tmp_path / "a", "pass")
    waiting = psutil.Process(resident.pid)
    while not (found := [each for each in waiting.children() if each.status() != psutil.STATUS_ZOMBIE]):
        time.sleep(0.02)
    resident.close()
    assert all(_is_gone(each.pid) for each in found)


def test_what_a_child_started_ends_with_it(tmp_path: Path, resident: Resident) -> None:
    what = "print(subprocess.Popen(['sleep', '600'], stderr=subprocess.DEVNULL).pid, flush=True)"
    assert _is_gone(int(_run(resident, tmp_path / "a", what).last_words))


def test_the_end_of_the_process_itself_costs_one_trial(tmp_path: Path, resident: Resident) -> None:
    kill = "print(os.getpid(), flush=True); os.kill(os.getppid(), signal.SIGKILL); time.sleep(600)"
    ended = _run(resident, tmp_path / "a", kill)
    assert (ended.reason, ended.timed_out) == ("killed by SIGKILL", False)
    assert _is_gone(int(ended.last_words))
    assert _run(resident, tmp_path / "b", "print('after')").last_words == "after"


def test_the_end_of_the_process_between_two_trials_costs_none(tmp_path: Path, resident: Resident) -> None:
    _run(resident, tmp_path / "a", "pass")
    before = resident.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    assert _is_gone(before)
    assert _run(resident, tmp_path / "b", "print('after')").last_words == "after"
    assert resident.pid not in (None, before)


def test_a_process_that_stops_answering_costs_one_trial(tmp_path: Path, resident: Resident) -> None:
    ended = _run(resident, tmp_path / "a", "os.kill(os.getppid(), signal.SIGSTOP)", 2.0)
    assert ended.timed_out
    assert _run(resident, tmp_path / "b", "print('after')").last_words == "after"


def test_the_process_is_renewed_now_and_then(tmp_path: Path, resident: Resident) -> None:
    pids = []
    for _ in range(26):
        _run(resident, tmp_path / "a", "pass")
        pids.append(resident.pid)
    assert len(set(pids[:25])) == 1
    assert pids[25] != pids[24]
    assert _is_gone(pids[0] or 0)


def test_a_child_is_not_made_where_there_are_threads(tmp_path: Path) -> None:
    threaded = _SERVE.replace(
        "sys.exit(", "threading.Thread(target=time.sleep, args=[60], daemon=True).start()\nsys.exit("
    )
    ended = _run(Resident([sys.executable, "-c", threaded, "none"]), tmp_path / "a", "pass")
    assert (ended.reason, ended.last_words) == (
        "exit status 1",
        "the process to fork from has 2 threads, allowed: 1",
    )


@pytest.mark.parametrize(
    "at_import", ["threading.Thread(target=time.sleep, args=[60], daemon=True).start()", "os.abort()"]
)
def test_an_engine_that_starts_threads_or_crashes_is_left_to_the_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_import: str
) -> None:
    engine = (
        "import os, threading, time\n"
        "class Odd:\n"
        "    title, packages, suffixes, delegates = 'Odd', ('odd',), ('.odd',), ('none',)\n"
        "    check_file = load = None\n"
        f"    def __init__(self, spec): {at_import}\n"
    )
    install(tmp_path / "site", "odd", "dse.engines", {"odd": "odd_engine:Odd"}, {"odd_engine": engine})
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    resident = Resident(_command("odd"))
    what = "from dse_harness.engines import ENGINES; ENGINES.get('odd'); print(engine_bytes)"
    assert _run(resident, tmp_path / "a", what).last_words == "0"
    resident.close()


def test_nothing_is_left_when_who_started_it_is_killed(tmp_path: Path) -> None:
    driver = (
        "import sys; from pathlib import Path; from dse.backends.resident import Resident\n"
        f"resident = Resident({_command()!r})\n"
        "folder = Path(sys.argv[1])\n"
        "resident.run(folder, folder / 'stderr.log', 600.0)\n"
    )
    (tmp_path / "request.json").write_text(
        "open('.pids', 'w').write(f'{os.getppid()} {os.getpid()}'); os.rename('.pids', 'pids'); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", driver, str(tmp_path)], env={**os.environ, **_path()})
    while not (tmp_path / "pids").exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert all(_is_gone(int(pid)) for pid in (tmp_path / "pids").read_text().split())


def test_nothing_is_left_when_it_is_closed_and_it_can_go_on(tmp_path: Path, resident: Resident) -> None:
    resident.close()
    for _ in range(2):
        _run(resident, tmp_path / "a", "pass")
        pid = resident.pid
        resident.close()
        assert resident.pid is None
        assert _is_gone(pid or 0)


def _path() -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
