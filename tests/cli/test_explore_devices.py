"""``dse explore --devices`` at its edges: what is refused before anything is started, and what a plan says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from dse.backends.fake import FakeDevice
from dse.fleet.fleet import Fleet
from dse.search.pool import ThreadPool
from dse.study import Study
from tests.fleet.calibrated import keep_calibrated
from tests.recording import make_space

DEVICES = """
systems:
  boards:
    devices:
      one: {transport: local, root: one}
      two: {transport: local, root: two}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    make_space(tmp_path)
    (tmp_path / "devices.yaml").write_text(DEVICES)
    return tmp_path


def test_a_plan_says_where_it_would_be_measured_and_how_long_that_takes(here: Path, dse: Any) -> None:
    plan = ("explore", "--space", "small_study.yaml", "--dry-run")
    alone = json.loads(dse(*plan, "--json").out)
    fleet = json.loads(dse(*plan, "--json", "--devices", "devices.yaml").out)
    assert (alone["devices"], fleet["devices"]) == ([], ["one", "two"])
    assert fleet["seconds"] == pytest.approx(alone["seconds"] / 2, abs=0.1)
    assert "boards: 2 devices: one, two" in dse(*plan, "--devices", "devices.yaml").out
    assert not (here / "studies").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--scheduler", "tcp://127.0.0.1:8786"), 2, "--scheduler reaches devices: name their file"),
        (("--devices", "none.yaml"), 3, "none.yaml: no such file"),
        (("--devices", "devices.yaml", "--scheduler", "tcp://lab:8786"), 2, "tcp://lab:8786 is not encrypted"),
        (("--devices", "two.yaml", "--system", "c"), 2, "found no system 'c', allowed: a, b"),
        (("--system", "c"), 2, "--system reaches devices: name their file"),
        (("--devices", "two.yaml", "--dry-run", "--json"), 2, "a plan as JSON is of one system"),
        (("--devices", "devices.yaml"), 4, "one, two of boards share one study only after they were shown"),
    ],
)
def test_what_cannot_be_is_said_before_anything_starts(
    here: Path, dse: Any, words: tuple[str, ...], code: int, said: str
) -> None:
    (here / "two.yaml").write_text(
        "systems:\n  a: {devices: {x: {transport: local}}}\n  b: {devices: {y: {transport: local}}}\n"
    )
    done = dse("explore", "--space", "small_study.yaml", *words)
    assert done.code == code
    assert said in done.err.replace("\n", " ")
    assert not (here / "studies").exists()


@pytest.fixture
def fakes(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two systems, of which the one is twice as fast, and a third with two boards, in place of devices."""
    systems = {"fast": ("x",), "slow": ("y",), "boards": ("one", "two")}
    devices = {name: {b: {"transport": "local", "root": b} for b in boards} for name, boards in systems.items()}
    written = {"systems": {name: {"devices": boards} for name, boards in devices.items()}}
    (here / "lab.yaml").write_text(json.dumps(written))

    @contextmanager
    def pool(fleet: Fleet, study: str) -> Iterator[ThreadPool]:
        ns = 1e6 if fleet.system == "fast" else 2e6
        pool = ThreadPool(
            {each.name: FakeDevice(lambda r: ns * r.runtime.threads, lambda _: 0.8) for each in fleet.devices}
        )
        yield pool
        pool.close()

    monkeypatch.setattr(Fleet, "pool", pool)
    monkeypatch.setattr("dse.fleet.fleet.told_by", lambda devices: {each.name: {} for each in devices})
    return here


def test_each_system_has_a_study_and_a_front_and_there_is_one_over_all(fakes: Path, dse: Any) -> None:
    words = ("explore", "--space", "small_study.yaml", "--devices", "lab.yaml", "--trials", 2)
    keep_calibrated(fakes / "lab.yaml", "boards", ("one", "two"))
    done = dse(*words, "--json")
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert [(each["study"], each["system"]) for each in document["studies"]] == [
        (f"small_study-{system}", system) for system in ("fast", "slow", "boards")
    ]
    assert {point["study"] for point in document["points"] if point["over_all"]} == {"small_study-fast"}
    assert document["on_every_front"]
    trials = (fakes / "studies/small_study-boards/trials").glob("*/trial.json")
    assert {json.loads(path.read_text())["device"] for path in trials} == {"one", "two"}


def test_a_system_that_is_refused_costs_no_other_one(fakes: Path, dse: Any) -> None:
    done = dse("explore", "--space", "small_study.yaml", "--devices", "lab.yaml", "--trials", 1)
    assert done.code == 4
    assert "try: dse device calibrate one two" in done.err
    assert {path.name for path in (fakes / "studies").iterdir()} == {"small_study-fast", "small_study-slow"}


def test_a_known_ratio_is_corrected_for_on_request_and_said(fakes: Path, dse: Any) -> None:
    words = ("explore", "--space", "small_study.yaml", "--devices", "lab.yaml", "--system", "boards", "--trials", 2)
    keep_calibrated(fakes / "lab.yaml", "boards", ("one", "two"), slower=1.5)
    assert "differ by a ratio" in dse(*words).err
    written = json.loads((fakes / "lab.yaml").read_text())
    written["systems"]["boards"]["correct"] = True
    (fakes / "lab.yaml").write_text(json.dumps(written))
    done = dse(*words)
    assert done.code == 0
    assert "figures of two are corrected by a known ratio: p90 latency / 1.5000" in done.out + done.err
    found = Study.read(fakes / "studies/small_study")
    assert {m.device for m in found.measurements} == {"one", "two"}
    for m in found.measurements:
        raw = m.response.metrics["latency_p90_ns"].value
        assert m.values["latency_p90_ns"] == pytest.approx(raw / (1.5 if m.device == "two" else 1.0))


def test_a_file_of_devices_that_names_a_program_is_asked_for(
    fakes: Path, dse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(fakes / "user"))
    (fakes / "config").write_text("")
    device = {"transport": "ssh", "host": "x", "config": "config"}
    (fakes / "ssh.yaml").write_text(json.dumps({"systems": {"fast": {"devices": {"x": device}}}}))
    words = ("explore", "--space", "small_study.yaml", "--devices", "ssh.yaml", "--trials", 1)
    assert dse(*words, "--dry-run").code == 0
    done = dse(*words)
    assert (done.code, "names a program that would be run" in done.err) == (3, True)
    assert dse(*words, "--trust").code == 0
    assert dse(*words, "--study", "another").code == 0


def test_a_system_counts_an_accuracy_again_only_where_it_answers_otherwise(
    fakes: Path, monkeypatch: pytest.MonkeyPatch, dse: Any
) -> None:
    @contextmanager
    def pool(fleet: Fleet, study: str) -> Iterator[ThreadPool]:
        device = FakeDevice(
            lambda r: 1e6 * r.runtime.threads,
            lambda _: 0.8 if fleet.system == "fast" else 0.6,
            answers=lambda _: fleet.system == "odd",
        )
        yield ThreadPool({each.name: device for each in fleet.devices})

    monkeypatch.setattr(Fleet, "pool", pool)
    systems = {name: {"devices": {name: {"transport": "local", "root": name}}} for name in ("fast", "slow", "odd")}
    (fakes / "lab.yaml").write_text(json.dumps({"systems": systems}))
    done = dse("explore", "--space", "small_study.yaml", "--devices", "lab.yaml", "--trials", 2)
    assert done.code == 0, done.err
    found = {name: Study.read(fakes / f"studies/small_study-{name}") for name in systems}
    assert {m.values["accuracy"] for m in found["fast"].measurements} == {0.8}
    assert all(m.response.accuracy is None for m in found["slow"].measurements)
    assert {e.values["accuracy"] for e in found["slow"].analysis.estimates} == {0.8}
    assert found["slow"].front()
    assert any(m.response.accuracy for m in found["odd"].measurements)
    assert {e.values["accuracy"] for e in found["odd"].analysis.estimates} == {0.6}


def test_an_interpreter_that_the_space_names_is_no_matter_of_boards(
    fakes: Path, dse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(fakes / "user"))
    (fakes / "python").write_text("a program")
    written = yaml.safe_load((fakes / "small_study.yaml").read_text())
    written["runtimes"] = {"litert": {"engine": "litert", "python": "./python"}}
    (fakes / "own.yaml").write_text(yaml.safe_dump(written))
    words = ("explore", "--space", "own.yaml", "--trials", 1)
    alone = dse(*words)
    assert (alone.code, "names a program that would be run" in alone.err) == (3, True)
    done = dse(*words, "--devices", "lab.yaml", "--system", "fast")
    assert done.code == 0, done.err
    assert "program" not in done.err
