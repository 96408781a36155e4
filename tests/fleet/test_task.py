"""What a worker does for a search, without Dask: a device here that runs a command in the harness's place."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

from dse.fleet import task
from dse.fleet.device_file import Device
from dse.fleet.job import read_answer
from dse.fleet.stored import Stored
from tests.fleet.answers import REQUEST, job


def said(answer: bytes) -> dict[str, object]:
    found = json.loads(answer.partition(b"\n")[0])
    assert isinstance(found, dict)
    return found


def test_a_worker_asks_for_the_files_that_it_does_not_have(tmp_path: Path) -> None:
    device = Device("here", "boards", root=str(tmp_path / "root"))
    model = b"a model"
    name = hashlib.sha256(model).hexdigest() + ".tflite"
    wanted = [Stored(tmp_path / "elsewhere.tflite", name)]
    images = tmp_path / "x.npz"
    images.write_bytes(b"images")
    wanted.append(Stored.file(images))
    there = replace(
        REQUEST,
        model_path=f"../../store/{name}",
        data_set=replace(REQUEST.data_set, path=f"../../store/{wanted[1].name}"),
    )
    asked = job(request=there, command=("/bin/true",))
    assert said(task.run(device, asked, wanted, True, {})) == {"outcome": "files", "files": [name]}
    assert said(task.run(device, asked, wanted, False, {})) == {"outcome": "files", "files": [name]}
    answer = task.run(device, asked, wanted, True, {name: model})
    assert said(answer)["outcome"] == "answered"
    found = read_answer(answer.partition(b"\n")[2], asked, str(said(answer)["boot_id"]), "here")
    assert found.response.failure is not None
    assert (tmp_path / "root" / "store" / name).read_bytes() == model
    again = task.run(device, asked, wanted, False, {})  # it has them, and had run it
    assert "boot_id" not in said(again)
    assert read_answer(again.partition(b"\n")[2], asked, None, "here").recorded


def test_what_goes_wrong_in_a_worker_is_an_answer(tmp_path: Path) -> None:
    device = Device("here", "boards", root=str(tmp_path), python=str(tmp_path / "none"))
    answer = said(task.run(device, job(), [], True, {}))
    assert answer["outcome"] == "unreachable"
    assert "does not start" in str(answer["message"])
