"""A device through its transport: what is believed of it, what is raised, and that nothing is left running."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dse_harness.protocol import Response

from dse.errors import (
    DeviceAnswerError,
    DeviceError,
    DeviceHeldError,
    DeviceLostError,
    DeviceRebootedError,
    DeviceRefusedError,
)
from dse.fleet.contact import Contact
from dse.fleet.device_file import Device
from dse.fleet.job import Began
from dse.fleet.stored import Stored
from tests.fleet.answers import BOOT, answered, job

Fake = Callable[..., Contact]


def _event(word: str, **more: Any) -> bytes:
    return json.dumps({"event": word, **more}).encode() + b"\n"


def _began(**changes: Any) -> bytes:
    whole = {
        "run_id": job().run_id,
        "boot_id": BOOT,
        "pid": 12,
        "boottime_s": 100.5,
        "time_utc": "2026-11-30T09:00:00Z",
    }
    return _event("began", **{**whole, **changes})


def _answer(tar: bytes, count: int | None = None) -> bytes:
    return _event("answer", bytes=len(tar) if count is None else count) + tar


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    """A device whose harness is a shell script: it reads the first line into $job, then ``said`` is printed."""

    def make(said: bytes = b"", script: str = 'cat "$said"', patience_s: float = 20.0) -> Contact:
        (tmp_path / "said").write_bytes(said)
        python = tmp_path / "python"
        python.write_text(
            f"#!/bin/sh\nsaid={shlex.quote(str(tmp_path / 'said'))}\necho $$ > {shlex.quote(str(tmp_path / 'pid'))}\n"
            f"read -r job\n{script}\n"
        )
        python.chmod(0o755)
        return Contact(Device("pi1", "rpi4", root=str(tmp_path / "root"), python=str(python)), patience_s)

    return make


def _is_running(folder: Path) -> bool:
    """Whether anything of the device's process group goes on living: who is killed ends when it is next on."""
    deadline_s = time.monotonic() + 10
    while _lives(folder) and time.monotonic() < deadline_s:
        time.sleep(0.01)
    return _lives(folder)


def _lives(folder: Path) -> bool:
    """Whether anything of it does now; what has ended may wait for init."""
    group = (folder / "pid").read_text().strip()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, found, *_ = path.read_text().rpartition(")")[2].split()
            if found == group and state not in "ZX":
                return True
    return False


def test_a_run_begins_and_is_answered(fake: Fake, tmp_path: Path) -> None:
    asked, begun = job(boot_id=BOOT), list[Began]()
    response = Response(peak_memory_bytes=3)
    contact = fake(
        _event("waiting", owner="x") + _began() + _answer(answered(asked, response)),
        f'printf %s "$job" > {tmp_path}/job; cat "$said"',
    )
    answer = contact.run(asked, begun.append)
    assert (answer.response, answer.device) == (response, "pi1")
    assert [each.pid for each in begun] == [12]
    assert json.loads((tmp_path / "job").read_text()) == json.loads(asked.line)


def test_a_run_that_was_recorded_is_answered_without_a_beginning(fake: Fake) -> None:
    begun: list[Began] = []
    assert fake(_answer(answered(job(), recorded=True))).run(job(), begun.append).recorded
    assert begun == []


def test_heartbeats_go_on_until_the_answer_is_there(fake: Fake) -> None:
    asked = job(lease_s=0.1)
    contact = fake(_began() + _answer(answered(asked)), "read -r beat && read -r beat && read -r beat && cat $said")
    assert contact.run(asked).outcome == "ended"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (b"Welcome to pi1\n", "it said 'Welcome to pi1'"),
        (b"[1]\n", "expected an object"),
        (b"{}\n", "expected an event"),
        (b'{"event": 1}\n', "expected an event"),
        (_event("dance"), "it said 'dance'"),
        (_event("answer"), "found an answer of 'None' bytes"),
        (_began() + _answer(b"", -1), "found an answer of '-1' bytes"),
        (_began() + _answer(b"", 2**40), "found an answer of '1099511627776' bytes"),
        (_began() + _began(), "it said 'began'"),
        (_began(run_id="x"), "it began 'x', asked for was study-3-abc"),
        (_began(pid=0), "began.pid: found 0"),
        (_began(boot_id=7), "began.boot_id: found 7"),
        (_began() + _answer(answered(job(), run_id="x")), "answer.json.run_id"),
        (_began() + _answer(answered(job(), boot_id="x")), "answer.json.boot_id"),
        (_began() + _answer(answered(job(run_id="study-4-abc"))), "answer.json.run_id"),
        (_began() + _answer(answered(job()))[:-8000], None),
        (b"x" * 70_000, "said a line of more than"),
    ],
)
def test_what_is_no_answer_is_refused_and_nothing_is_left_running(
    fake: Fake, tmp_path: Path, said: bytes, message: str | None
) -> None:
    with pytest.raises(DeviceAnswerError if message else DeviceLostError) as caught:
        fake(said, 'cat "$said"' if b"answer.json" in said else 'cat "$said"; sleep 60 & exec sleep 60').run(job())
    assert (message or "") in str(caught.value)
    assert caught.value.device == "pi1"
    assert not _is_running(tmp_path)


def test_a_device_that_lies_about_its_boot_is_refused(fake: Fake) -> None:
    with pytest.raises(DeviceAnswerError, match="it began since boot 'other', asked for was 3f0a7c9e-boot"):
        fake(_began(boot_id="other") + _answer(answered(job(), boot_id="other"))).run(job(boot_id=BOOT))


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 0", "exit status 0"),
        ("echo no route >&2; exit 255", "exit status 255: no route"),
        ("kill -9 $$", "killed by SIGKILL"),
        ('cat "$said"; exit 1', "exit status 1"),
        ("exec sleep 60", "said nothing for 0.3 s"),
        ("exec >&-; exec sleep 60", "closed its output"),
    ],
)
def test_a_connection_that_ends_or_falls_silent_is_a_lost_device(
    fake: Fake, tmp_path: Path, script: str, message: str
) -> None:
    contact = fake(_began(), script, 0.3 if "nothing" in message else 20.0)
    with pytest.raises(DeviceLostError, match=message) as caught:
        contact.run(job(lease_s=0.2))
    assert str(caught.value).startswith("pi1: its connection is lost: ")
    assert not _is_running(tmp_path)


def test_after_the_beginning_a_device_may_be_silent_for_the_whole_run(fake: Fake) -> None:
    asked = job(timeout_s=30)
    contact = fake(_began() + _answer(answered(asked)), 'head -n 1 "$said"; sleep 0.6; tail -n +2 "$said"', 0.2)
    assert contact.run(asked).outcome == "ended"


def test_a_program_that_does_not_start_is_a_lost_device(tmp_path: Path) -> None:
    with pytest.raises(DeviceLostError, match="/none/python does not start: No such file or directory"):
        Contact(Device("pi1", "rpi4", root=str(tmp_path), python="/none/python")).facts()


def test_an_expired_lease_is_a_lost_device(fake: Fake) -> None:
    with pytest.raises(DeviceLostError, match="as it had heard nothing of this side for 30 s"):
        fake(_began() + _answer(answered(job(), outcome="lease_expired", status=-9))).run(job())


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        ("held", DeviceHeldError, "because"),
        ("rebooted", DeviceRebootedError, "because"),
        ("missing", DeviceRefusedError, "missing: because"),
        ("no_space", DeviceRefusedError, "no_space: because"),
        ("bad_job", DeviceRefusedError, "bad_job: because"),
        ("internal", DeviceRefusedError, "internal: because"),
        ("invented", DeviceRefusedError, "invented: because"),
    ],
)
@pytest.mark.parametrize("call", ["run", "facts", "missing", "put"])
def test_a_refusal_is_an_error_of_its_kind(
    fake: Fake, tmp_path: Path, call: str, error: str, kind: type[DeviceError], said: str
) -> None:
    told = _event("error", error=error, message="because", holder={"owner": "ann", "run_id": "r"})
    contact = fake(told, 'cat "$said"; exit 3')
    calls: dict[str, Callable[[], object]] = {
        "run": lambda: contact.run(job()),
        "facts": contact.facts,
        "missing": lambda: contact.missing(["a"]),
        "put": lambda: contact.put(Stored.file(tmp_path / "said")),
    }
    with pytest.raises(kind) as caught:
        calls[call]()
    assert caught.value.message == said
    if isinstance(caught.value, DeviceHeldError):
        assert caught.value.holder == {"owner": "ann", "run_id": "r"}
    if isinstance(caught.value, DeviceRefusedError):
        assert caught.value.error == error


def test_facts_are_an_object_with_a_boot_id(fake: Fake) -> None:
    assert fake(b'{"boot_id": "b", "machine": "aarch64"}').facts() == {"boot_id": "b", "machine": "aarch64"}
    with pytest.raises(DeviceAnswerError, match="no boot_id"):
        fake(b'{"machine": "aarch64"}').facts()
    with pytest.raises(DeviceLostError, match="exit status 1: no module"):
        fake(b"", "echo no module >&2; exit 1").facts()


def test_a_store_says_what_it_lacks_and_takes_a_file(fake: Fake, tmp_path: Path) -> None:
    assert fake(b'{"has": ["b", "x"]}\n').missing(["a", "b", "c"]) == ["a", "c"]
    assert fake(b"", "exit 1").missing([]) == []
    big = tmp_path / "big.bin"
    big.write_bytes(os.urandom(3_000_000))
    stored = Stored.file(big)
    said = json.dumps({"stored": stored.name}).encode() + b"\n"
    fake(said, f'head -c 3000000 > {tmp_path}/came; cat "$said"').put(stored)
    assert (tmp_path / "came").read_bytes() == big.read_bytes()
    with pytest.raises(DeviceAnswerError, match="expected"):
        fake(b'{"stored": "other"}\n', 'head -c 3000000 > /dev/null; cat "$said"').put(stored)
    with pytest.raises(DeviceAnswerError, match="its store answered"):
        fake(b"{}\n").missing(["a"])


def test_a_store_may_refuse_before_all_is_sent(fake: Fake, tmp_path: Path) -> None:
    big = tmp_path / "big.bin"
    big.write_bytes(bytes(3_000_000))
    with pytest.raises(DeviceRefusedError, match="no_space: full"):
        fake(_event("error", error="no_space", message="full"), 'exec <&-; cat "$said"; exit 3').put(Stored.file(big))
