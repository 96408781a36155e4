"""A contact with the real harness, on this machine and through a real sshd: what each side says, the other takes."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from dse_harness import protocol
from dse_harness.protocol import DataSetSpec, PerformanceSpec, Request, Response

from dse.errors import DeviceHeldError, DeviceLostError, DeviceRebootedError, DeviceRefusedError
from dse.fleet.contact import Contact
from dse.fleet.device_file import Device
from dse.fleet.files import sent
from dse.fleet.job import Began, Job
from dse.fleet.stored import Stored
from tests.fleet.sshd import HOST, Sshd
from tests.thorough import thorough

_QUICK = ("sh", "-c", "mkdir accuracy; echo [] > accuracy/mlperf_log_accuracy.json; echo said; exit 3", "fake")
_LONG = ("sh", "-c", "exec sleep 60", "fake")


@pytest.fixture(params=["local", pytest.param("ssh", marks=thorough("a connection to a real sshd takes a second"))])
def contact(request: pytest.FixtureRequest, tmp_path: Path) -> Contact:
    """This machine, or this machine through a real sshd, with a folder of its own."""
    if request.param == "local":
        return Contact(Device("here", "this", root=str(tmp_path / "root")))
    sshd: Sshd = request.getfixturevalue("sshd")
    options = {"host": HOST, "config": str(sshd.config)}
    return Contact(Device("board", "rpi4", "ssh", options, f"~/{tmp_path.name}", sys.executable))


def _ready(contact: Contact, folder: Path) -> Request:
    """A request whose files are in the store."""
    (folder / "model.tflite").write_bytes(os.urandom(100_000))
    np.savez(folder / "images.npz", images=np.zeros((2, 4, 4), np.uint8), labels=np.zeros(2, np.int64))
    model = Stored.file(folder / "model.tflite")
    spec = DataSetSpec("x", str(folder / "images.npz"), "c" * 64)
    request = Request(str(model.path), model.name[:64], spec, "cache", performance=PerformanceSpec(user_conf=None))
    there = sent(request)
    assert contact.missing([each.name for each in there.files]) == [each.name for each in there.files]
    assert contact.ensure(there.files) == 2
    assert contact.ensure(there.files) == 0
    return there.request


def test_a_device_is_looked_at_filled_and_runs_once(contact: Contact, tmp_path: Path) -> None:
    facts, begun = contact.facts(), list[Began]()
    assert facts["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    request = _ready(contact, tmp_path)
    job = Job("study-1-x", "a test", request, 30.0, 5.0, _QUICK, facts["boot_id"])
    answer = contact.run(job, begun.append)
    assert [each.run_id for each in begun] == ["study-1-x"]
    assert (answer.outcome, answer.status, answer.recorded, answer.boot_id) == ("ended", 3, False, facts["boot_id"])
    assert answer.response.failure is not None
    assert answer.response.failure.message == "exit status 3: said"
    assert set(answer.files) == {"stderr.log", "accuracy/mlperf_log_accuracy.json"}
    (tmp_path / "trial").mkdir()
    answer.write(tmp_path / "trial")
    assert protocol.read(Response, tmp_path / "trial/response.json") == answer.response
    again = contact.run(job)
    assert (again.recorded, again.files, again.began_s) == (True, answer.files, answer.began_s)
    with pytest.raises(DeviceRefusedError, match="bad_job: run study-1-x was asked for with the request"):
        contact.run(replace(job, request=replace(request, warmup_s=1.0)))
    with pytest.raises(DeviceRebootedError, match="no longer another"):
        contact.run(replace(job, run_id="study-2-x", boot_id="another"))
    with pytest.raises(DeviceRefusedError, match="missing: the request names what is not here") as caught:
        contact.run(replace(job, run_id="study-3-x", request=replace(request, model_path="../../store/none")))
    assert caught.value.error == "missing"


@thorough("each side has tests of its own for it")
def test_a_folder_of_images_arrives(contact: Contact, tmp_path: Path) -> None:
    (tmp_path / "images/deep").mkdir(parents=True)
    names = ("a.png", f"deep/{'long' * 40}.png")
    for name in names:
        (tmp_path / "images" / name).write_bytes(os.urandom(5000))
    stored = Stored(tmp_path / "images", "a" * 64, names)
    assert contact.ensure([stored]) == 1
    root = Path(contact.facts()["root"])
    for name in names:
        assert (root / "store" / ("a" * 64) / name).read_bytes() == (tmp_path / "images" / name).read_bytes()


@thorough("each side has tests of its own for it")
def test_a_run_that_takes_too_long_is_a_timeout(contact: Contact, tmp_path: Path) -> None:
    answer = contact.run(Job("study-1-x", "a test", _ready(contact, tmp_path), 0.2, 5.0, _LONG))
    assert answer.outcome == "timeout"
    assert answer.response.failure is not None
    assert answer.response.failure.error == "timeout"


def test_a_device_is_one_owners_at_a_time(contact: Contact, tmp_path: Path) -> None:
    request, began = _ready(contact, tmp_path), threading.Event()
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    wait = ("sh", "-c", f"read -r _ < '{fifo}'; exit 4", "fake")
    found: list[int] = []
    job = Job("study-1-x", "ann", request, 60.0, 10.0, wait)
    thread = threading.Thread(target=lambda: found.append(contact.run(job, lambda _: began.set()).status))
    thread.start()
    assert began.wait(60)
    try:
        with pytest.raises(DeviceHeldError, match="held by ann, run study-1-x") as caught:
            contact.run(Job("study-2-x", "bob", request, 60.0, 10.0, _QUICK))
        assert {"owner": "ann", "run_id": "study-1-x"}.items() <= caught.value.holder.items()
        assert contact.facts()["lease"]["owner"] == "ann"
    finally:
        fifo.write_text("go\n")
        thread.join()
    assert found == [4]
    assert contact.facts()["lease"] is None


@thorough("a connection to a real sshd takes up to a second")
def test_a_run_ends_with_its_connection(sshd: Sshd, tmp_path: Path) -> None:
    """The program here is killed, as by a crash: the device ends the run, and is free."""
    options = {"host": HOST, "config": str(sshd.config)}
    contact = Contact(Device("board", "rpi4", "ssh", options, f"~/{tmp_path.name}", sys.executable))
    job = Job("study-1-x", "ann", _ready(contact, tmp_path), 60.0, 30.0, _LONG)

    def cut(began: Began) -> None:
        assert contact.facts()["lease"]["run_id"] == "study-1-x"
        me = psutil.Process()
        (connection,) = [each for each in me.children() if each.name() == "ssh"]
        connection.kill()

    with pytest.raises(DeviceLostError, match="killed by SIGKILL"):
        contact.run(job, cut)
    while contact.facts()["lease"] is not None:
        time.sleep(0.1)
    assert not [each for each in psutil.process_iter() if each.name() == "sleep" and _is_of(each, "study-1-x")]


def _is_of(process: psutil.Process, run_id: str) -> bool:
    try:
        return process.environ().get("DSE_RUN_ID") == run_id
    except psutil.Error:
        return False
