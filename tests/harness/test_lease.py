"""One run at a time on a device: who holds it, when a lease is broken, and what is ended before anything else runs."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from dse_harness import family
from dse_harness.clock import now_s
from dse_harness.device import Boot
from dse_harness.lease import HeldError, Lease

from tests.harness.devices import (
    LONG,
    Answer,
    Launcher,
    answer_to,
    device,
    is_alive,
    job,
    machine,
    number_in,
    runs,
    sleeping,
)
from tests.thorough import most_thorough, thorough

NOBODY = 2**22 + 1
"""A number that no process has."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return device(tmp_path / "device")


def write_lease(root: Path, launcher: int, **changes: Any) -> None:
    """A lease that the process of this number has taken."""
    boot, found = Boot.read(), family.process(launcher)
    lease = {"owner": "other", "run_id": "other-1", "boot_id": boot.id, "machine": boot.machine, "space": boot.space}
    lease |= {"pid": launcher, "start_ticks": found.start_ticks if found else 1, "deadline_s": now_s() + 60}
    (root / "lease.json").write_text(json.dumps(lease | changes))


def read_deadline_s(root: Path) -> float:
    return json.loads((root / "lease.json").read_text())["deadline_s"] if (root / "lease.json").exists() else 0


def test_a_device_that_is_held_says_by_whom(root: Path) -> None:
    with Launcher(root, job(owner="the first", command=LONG)) as first:
        first.began()
        second = answer_to(root, job("study-2-def"))
        assert second.event["error"] == "held"
        holder = second.event["holder"]
        assert (holder["owner"], holder["run_id"]) == ("the first", "study-1-abc")
        assert 0 < holder["left_s"] <= 20
        assert answer_to(root, job(command=LONG)).event["error"] == "held"  # its own run: not a second time
        first.hang_up()
        assert first.answer()["outcome"] == "lease_expired"
    assert answer_to(root, job("study-2-def"))["outcome"] == "ended"
    assert runs(root) == 2


def test_what_a_killed_launcher_left_is_ended_before_anything_runs(root: Path) -> None:
    program = "echo $$ > ../../orphan; setsid sh -c 'echo $$ > ../../escaped; exec sleep 60' & exec sleep 60"
    with Launcher(root, job(command=("sh", "-c", program, "fake"))) as first:
        pid = first.began()["pid"]
        orphan, escaped = number_in(root / "orphan"), number_in(root / "escaped")
        assert orphan == pid
        first.kill()
        first.wait()
        assert is_alive(orphan)
    see = f"grep sleep /proc/{orphan}/cmdline /proc/{escaped}/cmdline && echo alive; echo '{{}}' > response.json"
    second = answer_to(root, job("study-2-def", command=("sh", "-c", see, "fake")))
    assert second["orphans_ended"] == ["study-1-abc"]
    assert b"alive" not in second.files["stderr.log"]
    assert answer_to(root, job("study-3-fed"))["orphans_ended"] == []


def test_the_run_whose_launcher_was_killed_is_run_anew(root: Path) -> None:
    with Launcher(root, job(command=LONG)) as first:
        first.began()
        first.kill()
        first.wait()
    again = answer_to(root, job())
    assert (again["orphans_ended"], again["recorded"], again["outcome"]) == (["study-1-abc"], False, "ended")


def test_runs_of_another_devices_folder_are_left_alone(root: Path, tmp_path: Path) -> None:
    with Launcher(device(tmp_path / "other"), job(command=LONG)) as other:
        pid = other.began()["pid"]
        assert answer_to(root, job())["orphans_ended"] == []
        assert is_alive(pid)


def test_a_launcher_that_is_stopped_past_its_deadline_starts_nothing_more(root: Path) -> None:
    with Launcher(root, job(lease_s=0.3, command=LONG)) as first:
        pid = first.began()["pid"]
        first.kill(signal.SIGSTOP)
        for _ in range(100):
            if (second := answer_to(root, job("study-2-def"))).event.get("error") != "held":
                break
            assert second.event["holder"]["left_s"] <= 0.3
        assert second["orphans_ended"] == ["study-1-abc"]
        assert not is_alive(pid)
        assert first.wait() == -signal.SIGKILL


def test_a_launcher_that_was_stopped_goes_on_where_nobody_took_the_device(root: Path) -> None:
    command = ("sh", "-c", "while ! [ -e end ]; do sleep 0.01; done", "fake")
    with Launcher(root, job(lease_s=0.3, command=command)) as launcher:
        launcher.began()
        launcher.kill(signal.SIGSTOP)
        deadline_s = read_deadline_s(root)
        while now_s() < deadline_s:
            time.sleep(0.01)
        launcher.write(b".")
        launcher.kill(signal.SIGCONT)
        launcher.beat_until(lambda: read_deadline_s(root) > deadline_s)
        (root / "runs/study-1-abc/end").touch()
        launcher.beat_until((root / "runs/study-1-abc/answer.json").exists)
        assert launcher.answer()["outcome"] == "ended"


def test_a_boot_ends_a_lease(root: Path, tmp_path: Path) -> None:
    with sleeping() as other:  # it has the number that the launcher had before the boot
        write_lease(root, other.pid)
        assert answer_to(root, job()).event["error"] == "held"
        assert answer_to(root, job(), machine(tmp_path / "machine"))["orphans_ended"] == []
        assert other.poll() is None


def test_a_attemptthat_is_another_process_by_now_holds_nothing(root: Path) -> None:
    with sleeping() as other:
        write_lease(root, other.pid, start_ticks=1, pgid=other.pid, pgid_start_ticks=1)
        assert answer_to(root, job())["orphans_ended"] == []
        assert other.poll() is None


def test_the_group_of_a_run_that_hides_its_environment_is_ended(root: Path) -> None:
    with sleeping(env={}) as hidden:
        leader = family.process(hidden.pid)
        assert leader is not None
        write_lease(root, NOBODY, pgid=hidden.pid, pgid_start_ticks=leader.start_ticks)
        assert answer_to(root, job())["orphans_ended"] == ["other-1"]
        assert hidden.wait() == -signal.SIGKILL


def test_a_launcher_in_another_container_holds_its_lease_until_the_deadline(root: Path) -> None:
    write_lease(root, NOBODY, space="pid:[1]")
    assert answer_to(root, job()).event["error"] == "held"
    with sleeping() as other:  # its numbers are others' here
        write_lease(root, other.pid, space="pid:[1]", deadline_s=now_s(), pgid=other.pid, pgid_start_ticks=1)
        assert answer_to(root, job())["orphans_ended"] == []
        assert other.poll() is None


def test_a_folder_that_two_machines_share_is_refused(root: Path, tmp_path: Path) -> None:
    here = machine(tmp_path / "here")
    (here / "etc").mkdir()
    (here / "etc/machine-id").write_text("this machine\n")
    write_lease(root, NOBODY, machine="another machine", boot_id="its boot")
    refused = answer_to(root, job(), here)
    assert refused.event["error"] == "internal"
    assert "lease.json: is another machine's (other, run other-1)" in refused.event["message"]
    assert runs(root) == 0
    write_lease(root, NOBODY, machine="this machine", boot_id="the boot before")
    assert answer_to(root, job(), here)["outcome"] == "ended"


GARBAGE = ["", "{", "[]", "null", '{"owner": "x"}', "\0" * 4096, "9" * 5000]


@pytest.mark.parametrize(
    "text", most_thorough(GARBAGE, lambda text: text == "{", "is none either", lambda text: text[:9])
)
def test_a_lease_that_cannot_be_read_holds_nobody_off(root: Path, text: str) -> None:
    (root / "lease.json").write_text(text)
    assert answer_to(root, job())["outcome"] == "ended"
    assert not (root / "lease.json").exists()


def test_what_runs_under_a_lease_that_cannot_be_read_is_ended(root: Path) -> None:
    with Launcher(root, job(command=LONG)) as first:
        pid = first.began()["pid"]
        (root / "lease.json").write_text("spoiled")
        assert answer_to(root, job("study-2-def"))["orphans_ended"] == ["study-1-abc"]
        assert not is_alive(pid)
        answer = first.answer()
    assert (answer["outcome"], answer["status"]) == ("lease_expired", -signal.SIGKILL)  # no crash of its own


def test_of_many_at_once_one_runs_at_a_time(root: Path) -> None:
    answers: list[Answer] = []
    waiting = {f"run-{number}" for number in range(8)}
    command = ("sh", "-c", "sleep 0.05; echo '{}' > response.json", "fake")
    while waiting:
        with contextlib.ExitStack() as stack:
            launchers = {each: stack.enter_context(Launcher(root, job(each, command=command))) for each in waiting}
            found = {each: launcher.answer() for each, launcher in launchers.items()}
        assert {answer.event.get("error", "held") for answer in found.values()} == {"held"}
        answered = {each for each, answer in found.items() if answer.files}
        assert answered  # whoever else is held, one has the device
        answers += [found[each] for each in answered]
        waiting -= answered
    times = sorted((answer["began_s"], answer["ended_s"]) for answer in answers)
    assert len(times) == 8
    assert all(ended_s <= began_s for (_, ended_s), (began_s, _) in itertools.pairwise(times))
    assert all(answer["orphans_ended"] == [] for answer in answers)


def test_many_at_once_for_one_run_run_it_once(root: Path) -> None:
    with Launcher(root, job()) as a, Launcher(root, job()) as b, Launcher(root, job()) as c:
        answers = [each.answer() for each in (a, b, c)]
    assert runs(root) == 1
    assert sum(answer.event["event"] == "answer" and not answer["recorded"] for answer in answers) == 1


def test_a_lock_that_is_never_let_go_is_said(root: Path) -> None:
    with (root / "lease.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(HeldError, match=r"lease\.lock: locked for 0\.05 s") as raised:
            Lease(root, Boot.read(), "a test", "run", 1, patience_s=0.05)
    assert raised.value.holder is None


@pytest.mark.parametrize("seed", range(3))
@thorough("what each of the others does, all at once")
def test_whatever_becomes_of_launchers_no_two_runs_are_there_at_once(root: Path, seed: int) -> None:
    """Each run takes a lock that ends with its last process, and says so where another has it."""
    chance = random.Random(seed)
    program = "setsid sh -c 'flock -n -E 99 ../../mutex sleep {}; [ $? = 99 ] && echo two >> ../../overlaps' & wait"
    short, long = (("sh", "-c", program.format(seconds), "fake") for seconds in (0.01, 5))
    for number in range(8):
        jobs = [job(f"run-{number}-{n}", lease_s=0.3, command=long) for n in range(3)]
        with contextlib.ExitStack() as stack:
            launchers = [stack.enter_context(Launcher(root, each)) for each in jobs]
            for launcher in launchers:
                time.sleep(chance.uniform(0, 0.1))
                match chance.randrange(5):
                    case 0:
                        launcher.kill()
                    case 1:
                        launcher.kill(signal.SIGSTOP)
                    case 2:
                        launcher.hang_up()
                    case 3:
                        launcher.kill(signal.SIGTERM)
            if chance.randrange(2):
                for launcher in launchers:
                    launcher.kill(signal.SIGCONT)
            for attempt in range(50):
                last = answer_to(root, job(f"run-{number}-last-{attempt}", command=short))
                if last.files:
                    break
                if "lease.lock: locked for" in last.event["message"]:  # by one that was stopped just then, and goes on
                    for launcher in launchers:
                        launcher.kill(signal.SIGCONT)
            assert last["outcome"] == "ended"
    assert not (root / "overlaps").exists()
    assert (root / "mutex").exists()
