"""`dse-harness launch` with fakes in the harness's place: what is answered, what is refused, what is never run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dse_harness.boot import command
from dse_harness.clock import now_s
from dse_harness.device import sha256

from tests.harness.devices import (
    LONG,
    QUICK,
    REQUEST,
    Launcher,
    answer_to,
    ask,
    device,
    is_alive,
    job,
    machine,
    number_in,
    runs,
    soon,
)
from tests.thorough import most_thorough


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return device(tmp_path / "device")


def test_a_run_is_answered_with_what_it_left(root: Path) -> None:
    program = "echo said; mkdir performance accuracy; cd performance; echo log > mlperf_log_detail.txt; "
    program += "ln -s /etc/passwd mlperf_log_link.txt; mkfifo mlperf_log_pipe.txt; echo core > core; cd ..; "
    program += "echo '[]' > accuracy/mlperf_log_accuracy.json; echo other > other; echo '{}' > response.json; exit 3"
    before_s = now_s()
    with Launcher(root, job(command=("sh", "-c", program, "fake"))) as launcher:
        began, answer = launcher.began(), launcher.answer()
    assert began["run_id"] == "study-1-abc"
    assert answer.files.keys() == {
        "answer.json",
        "response.json",
        "stderr.log",
        "performance/mlperf_log_detail.txt",
        "accuracy/mlperf_log_accuracy.json",
    }
    assert answer.files["stderr.log"] == b"said\n"
    assert answer.files["performance/mlperf_log_detail.txt"] == b"log\n"
    assert (answer["run_id"], answer["outcome"], answer["status"]) == ("study-1-abc", "ended", 3)
    assert (answer["recorded"], answer["orphans_ended"]) == (False, [])
    assert answer["request_sha256"] == sha256(REQUEST)
    assert answer["boot_id"] == began["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert before_s < began["boottime_s"] == answer["began_s"] < answer["ended_s"] < now_s()
    assert answer["began_utc"] == began["time_utc"]
    assert json.loads((root / "runs/study-1-abc/request.json").read_text()) == REQUEST
    assert not (root / "lease.json").exists()


def test_it_runs_in_its_folder_with_the_requests_path_and_without_input(root: Path) -> None:
    program = 'pwd; echo "$1"; cat; echo $DSE_RUN_ID; echo $DSE_RUN_ROOT'
    answer = answer_to(root, job(command=("sh", "-c", program, "fake")))
    folder = root / "runs/study-1-abc"
    assert answer.files["stderr.log"].decode().split() == [
        str(folder),
        str(folder / "request.json"),
        "study-1-abc",
        str(root),
    ]


def test_of_what_a_run_says_without_end_the_middle_is_left_out(root: Path) -> None:
    program = "echo first; yes | head -c 9000000; echo last"
    log = answer_to(root, job(command=("sh", "-c", program, "fake"))).files["stderr.log"]
    assert log.startswith(b"first\n")
    assert log.endswith(b"last\n")
    assert b" bytes are left out here]\n" in log
    assert len(log) < 2.1 * 2**20


def test_a_run_out_of_time_is_interrupted_then_killed(root: Path) -> None:
    tidy = answer_to(root, job("tidy", timeout_s=0.3, command=("sh", "-c", "trap 'exit 7' INT; sleep 60", "fake")))
    assert (tidy["outcome"], tidy["status"]) == ("timeout", 7)
    stubborn = answer_to(root, job("stubborn", timeout_s=0.1, command=("sh", "-c", "trap '' INT; sleep 60", "fake")))
    assert (stubborn["outcome"], stubborn["status"]) == ("timeout", -signal.SIGKILL)


def test_the_same_run_is_answered_from_its_folder(root: Path) -> None:
    first, again = answer_to(root, job()), answer_to(root, job())
    assert runs(root) == 1
    assert (first["recorded"], again["recorded"]) == (False, True)
    for name in ("run_id", "request_sha256", "boot_id", "began_s", "ended_s", "began_utc", "outcome", "status"):
        assert first[name] == again[name]
    assert first.files["response.json"] == again.files["response.json"]


def test_a_run_that_timed_out_is_not_run_again(root: Path) -> None:
    answer_to(root, job(timeout_s=0.1, command=LONG))
    again = answer_to(root, job(timeout_s=0.1, command=LONG))
    assert (again["outcome"], again["recorded"], runs(root)) == ("timeout", True, 1)


def test_after_a_boot_it_is_run_again(root: Path, tmp_path: Path) -> None:
    answer_to(root, job())
    again = answer_to(root, job(), machine(tmp_path / "machine"))
    assert (again["recorded"], again["boot_id"], runs(root)) == (False, "another-boot", 2)


def test_an_answer_that_was_half_written_is_none(root: Path) -> None:
    answer_to(root, job())
    path = root / "runs/study-1-abc/answer.json"
    path.write_bytes(path.read_bytes()[:50])
    assert answer_to(root, job())["recorded"] is False
    assert runs(root) == 2


def test_another_request_under_a_known_run_id_is_refused(root: Path) -> None:
    answer_to(root, job())
    refused = answer_to(root, job(request={**REQUEST, "warmup_s": 1}))
    assert refused.event["error"] == "bad_job"
    assert sha256(REQUEST) in refused.event["message"]
    assert runs(root) == 1


def test_another_boot_than_the_driver_saw_is_said(root: Path, tmp_path: Path) -> None:
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert answer_to(root, job(boot_id=boot_id)).event["event"] == "answer"
    refused = answer_to(root, job("other", boot_id=boot_id), machine(tmp_path / "machine"))
    assert refused.event["error"] == "rebooted"
    assert "another-boot" in refused.event["message"]
    assert runs(root) == 1


def test_what_the_request_names_must_be_there(root: Path) -> None:
    (root / "store/model").unlink()
    refused = answer_to(root, job())
    assert refused.event["error"] == "missing"
    assert "../../store/model" in refused.event["message"]
    (root / "store/model").touch()
    assert answer_to(root, job())["outcome"] == "ended"


@pytest.mark.parametrize(
    ("changes", "said"),
    most_thorough(
        [
            ({"schema": 2}, "schema"),
            ({"run_id": "../outside"}, "run_id"),
            ({"run_id": ".."}, "run_id"),
            ({"run_id": "x" * 300}, "run_id"),
            ({"owner": "two\nlines"}, "owner"),
            ({"timeout_s": -1}, "timeout_s"),
            ({"lease_s": 0}, "lease_s"),
            ({"command": []}, "command"),
            ({"command": ["/no/such/program"]}, "/no/such/program does not start"),
            ({"request": []}, "request"),
            ({"nonsense": 1}, "unknown nonsense"),
        ],
        lambda case: case[1] in ("/no/such/program does not start", "schema"),
        "is refused beside the others",
    ),
)
def test_what_is_no_job_is_refused(root: Path, changes: dict[str, Any], said: str) -> None:
    refused = answer_to(root, job(**changes))
    assert refused.event["error"] == "bad_job"
    assert said in refused.event["message"]
    assert not (root / "lease.json").exists()
    assert runs(root) == 0


@pytest.mark.parametrize("line", [b"", b"no JSON\n", b'{"schema": 1', b'{"timeout_s": NaN}\n', b"[" * 10**5 + b"\n"])
def test_what_is_no_line_of_json_is_refused(root: Path, line: bytes) -> None:
    event, code = ask("launch", root, line)
    assert (code, event["error"]) == (3, "bad_job")


def test_only_the_last_runs_are_kept(root: Path) -> None:
    for number in range(25):
        path = root / f"runs/old-{number}"
        path.mkdir(parents=True)
        os.utime(path, (number, number))
    answer_to(root, job())
    assert {path.name for path in (root / "runs").iterdir()} == {"study-1-abc", *(f"old-{n}" for n in range(6, 25))}


def test_nothing_of_a_run_outlives_it(root: Path) -> None:
    program = "sleep 60 & echo $! > child; setsid sh -c 'echo $$ > escaped; exec sleep 60' & "
    program += "setsid env -i sh -c 'echo $$ > hidden; exec sleep 60' & "
    program += "while ! [ -s escaped -a -s hidden ]; do sleep 0.01; done; echo '{}' > response.json"
    folder = root / "runs/study-1-abc"
    assert answer_to(root, job(command=("sh", "-c", program, "fake")))["outcome"] == "ended"
    for name in ("child", "escaped", "hidden"):
        assert not is_alive(number_in(folder / name)), name


def test_who_hangs_up_ends_the_run(root: Path) -> None:
    with Launcher(root, job(lease_s=1000, command=LONG)) as launcher:
        pid = launcher.began()["pid"]
        launcher.hang_up()
        answer = launcher.answer()
    assert answer["outcome"] == "lease_expired"
    assert not is_alive(pid)
    assert json.loads((root / "runs/study-1-abc/answer.json").read_text())["outcome"] == "lease_expired"
    assert answer_to(root, job())["recorded"] is False  # it did not come to its end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_launcher_that_is_told_to_end_ends_the_run(root: Path, number: int) -> None:
    with Launcher(root, job(lease_s=1000, command=LONG)) as launcher:
        pid = launcher.began()["pid"]
        launcher.kill(number)
        assert launcher.answer()["outcome"] == "lease_expired"
    assert not is_alive(pid)


def test_without_heartbeats_the_run_is_ended_and_the_device_free(root: Path) -> None:
    with Launcher(root, job(lease_s=0.3, command=LONG)) as launcher:
        began = launcher.began()
        answer = launcher.answer()
    assert answer["outcome"] == "lease_expired"
    assert answer["ended_s"] - answer["began_s"] >= 0.25
    assert not is_alive(began["pid"])
    assert answer_to(root, job("next"))["orphans_ended"] == []


def test_heartbeats_keep_the_lease(root: Path) -> None:
    with Launcher(root, job(lease_s=0.4, command=("sh", "-c", "while ! [ -e end ]; do sleep 0.01; done", "f"))) as one:
        began = one.began()
        one.beat_until(lambda: now_s() > began["boottime_s"] + 0.9)
        (root / "runs/study-1-abc/end").touch()
        one.beat_until((root / "runs/study-1-abc/answer.json").exists)
        assert one.answer()["outcome"] == "ended"


def test_a_run_goes_on_where_nobody_reads(root: Path) -> None:
    """A driver that stalls has its answer when it goes on."""
    program = "head -c 3000000 /dev/zero > response.json"
    with Launcher(root, job(lease_s=0.5, command=("sh", "-c", program, "fake"))) as launcher:
        launcher.beat_until((root / "runs/study-1-abc/answer.json").exists)
        assert soon(lambda: not (root / "lease.json").exists())  # though it has yet to send
        assert answer_to(root, job("next"))["outcome"] == "ended"
        answer = launcher.answer()
    assert len(answer.files["response.json"]) == 3_000_000


def test_the_device_stays_leased_while_the_answer_is_sent(root: Path) -> None:
    program = "head -c 3000000 /dev/zero > response.json"
    with Launcher(root, job(command=("sh", "-c", program, "fake"))) as launcher:
        assert soon(lambda: (root / "runs/study-1-abc/answer.json").exists())
        assert answer_to(root, job("next", command=QUICK)).event["error"] == "held"
        assert launcher.answer()["outcome"] == "ended"


def test_the_command_itself_launches(root: Path) -> None:
    with subprocess.Popen(
        [*command(sys.executable), "launch", str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdin.write(json.dumps(job()).encode() + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["event"] == "began"
        assert json.loads(process.stdout.readline())["event"] == "answer"
        process.stdout.read()
        assert process.wait() == 0


def test_the_parent_that_ends_a_run_ends_no_launcher(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who started a launcher is the server of a connection, and no driver whose number is in the environment."""
    monkeypatch.setenv("DSE_PARENT", "1")
    assert answer_to(root, job())["outcome"] == "ended"
    assert ask("facts", root)[1] == 0


def test_a_wrong_call_says_how_to_call() -> None:
    for words in (["launch"], ["store"], ["facts", "a", "b", "c"]):
        done = subprocess.run([*command(sys.executable), *words], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "dse-harness launch|store|facts ROOT" in done.stderr
