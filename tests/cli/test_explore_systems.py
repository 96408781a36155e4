"""``dse explore --devices`` with several systems: at the same time, each for itself, and ended together."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dse_harness.protocol import Request

import dse
from dse.backends.fake import FakeDevice
from dse.errors import DeviceFileError, DeviceLostError, DevicesGoneError, InputError
from dse.fleet.fleet import Fleet
from dse.search.pool import ThreadPool
from dse.study import Study
from tests.recording import SPACE, make_space

Answers = dict[str, Callable[[Request], float]]
"""How long each system takes, in nanoseconds; tests do in it what they want to happen meanwhile."""


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Makes a file of systems with one board each, which answer as the test says; `here` is this machine."""
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dse.search.explore.RESTS_S", (0.0,))
    make_space(tmp_path)

    def make(answers: Answers, accuracy: Callable[[Request], float] = lambda _: 0.8, **options: str) -> Path:
        def device(system: str) -> dict[str, Any]:
            here = {"transport": "local", "root": system}
            return here if system.startswith("here") else {"transport": "ssh", "host": "none.invalid", **options}

        systems = {system: {"devices": {f"{system}-1": device(system)}} for system in answers}
        (tmp_path / "lab.yaml").write_text(json.dumps({"systems": systems}))

        @contextmanager
        def pool(fleet: Fleet, study: str) -> Iterator[ThreadPool]:
            found = ThreadPool({each.name: FakeDevice(answers[fleet.system], accuracy) for each in fleet.devices})
            yield found
            found.close()

        monkeypatch.setattr(Fleet, "pool", pool)
        monkeypatch.setattr("dse.fleet.fleet.told_by", lambda devices: {each.name: {} for each in devices})
        return tmp_path

    return make


WORDS = ("explore", "--space", "small_study.yaml", "--devices", "lab.yaml")


def _slow(request: Request) -> float:
    return 2e6 * request.runtime.threads


def _meeting() -> Callable[[Request], float]:
    """Two systems' first trials, of which neither ends before the other has begun."""
    both, met = threading.Barrier(2, timeout=30), set[int]()

    def meet(request: Request) -> float:
        if threading.get_ident() not in met:
            met.add(threading.get_ident())
            both.wait()
        return 1e6 * request.runtime.threads

    return meet


def test_boards_of_different_systems_are_searched_at_the_same_time(lab: Any, dse: Any) -> None:
    meet = _meeting()
    lab({"a": meet, "b": meet})
    done = dse(*WORDS, "--trials", 2, "--json")
    assert done.code == 0, done.err
    assert [each["system"] for each in json.loads(done.out)["studies"]] == ["a", "b"]
    lines = done.err.splitlines()
    assert any(line.startswith("a: ") and " of 2 configurations" in line for line in lines)
    assert any(line.startswith("b: ended; front: ") for line in lines)


def test_what_this_machine_measures_is_searched_alone_and_last(lab: Any, dse: Any) -> None:
    busy, order = set[str](), list[str]()

    def one(system: str) -> Callable[[Request], float]:
        def measure(request: Request) -> float:
            busy.add(system)
            if system.startswith("here"):
                assert busy == {system}
            order.append(system)
            busy.remove(system)
            return 1e6

        return measure

    lab({name: one(name) for name in ("here", "a", "here2", "b")})
    done = dse(*WORDS, "--trials", 2)
    assert done.code == 0, done.err
    assert "searched one after the other, and after all others, as this machine measures them: here, here2" in done.err
    first = order.index("here")
    assert set(order[:first]) == {"a", "b"}
    assert set(order[first : order.index("here2")]) == {"here"}
    assert set(order[order.index("here2") :]) == {"here2"}


def test_a_system_that_loses_all_devices_ends_no_other_one(lab: Any, dse: Any) -> None:
    def gone(_: Request) -> float:
        raise DeviceLostError("unplugged")

    folder = lab({"gone": gone, "a": _slow, "b": _slow})
    done = dse(*WORDS, "--trials", 2, "--json")
    assert done.code == 7
    assert "1 of 1 device went away for good: gone-1: lost 3 times in a row: unplugged" in done.err
    assert [each["system"] for each in json.loads(done.out)["studies"]] == ["a", "b"]
    assert len(Study.read(folder / "studies/small_study-a").measurements) >= 2


def test_an_interrupt_ends_all_of_them_after_their_trials(lab: Any, dse: Any) -> None:
    both = threading.Barrier(2, timeout=30)

    def interrupted(request: Request) -> float:
        interrupt = signal.getsignal(signal.SIGINT).__self__  # type: ignore[union-attr]  # of dse.cli.interrupt
        if both.wait() == 0 and not interrupt.requested():
            os.kill(os.getpid(), signal.SIGINT)
        while not interrupt.requested():
            time.sleep(0.001)
        return 1e6 * request.runtime.threads

    folder = lab({"a": interrupted, "b": interrupted})
    done = dse(*WORDS)
    assert done.code == 130
    assert "stopping after this trial of each system; Ctrl-C again stops at once" in done.err
    assert "next: dse explore --space small_study.yaml --devices lab.yaml  goes on where this stopped" in done.err
    for system in ("a", "b"):
        assert len(Study.read(folder / f"studies/small_study-{system}").measurements) == 1


def test_an_accuracy_that_one_counts_counts_for_the_other_meanwhile(lab: Any, dse: Any) -> None:
    complete, runs = threading.Event(), list[str]()

    def first(request: Request) -> float:
        runs.append("a")
        if len(runs) == 6:
            complete.set()
        return 1e6

    def later(request: Request) -> float:
        complete.wait(30)
        return 2e6

    folder = lab({"a": first, "b": later})
    assert dse(*WORDS).code == 0
    one, other = (Study.read(folder / f"studies/small_study-{system}") for system in ("a", "b"))
    assert sum(m.response.accuracy is not None for m in one.measurements) == 2
    assert sum(m.response.accuracy is not None for m in other.measurements) < 2
    assert {e.values["accuracy"] for e in other.analysis.estimates} == {0.8}
    assert any(record.accuracy_from < 0 for record in other.records)


def test_two_do_not_count_one_accuracy_at_the_same_time(lab: Any, dse: Any) -> None:
    """As long as there is another one to count."""
    first_counts, both_count = threading.Event(), threading.Event()
    counted: dict[str, list[str]] = {"a": [], "b": []}

    def size(request: Request) -> int:
        return int(request.model_sha256[:2], 16)

    def is_complete(request: Request) -> bool:
        return request.accuracy is not None and request.accuracy.samples == 2000

    def first(request: Request) -> float:
        if is_complete(request):
            counted["a"].append(request.model_sha256)
            first_counts.set()
            both_count.wait(30)
        return 1e6 * (1 + size(request))

    def later(request: Request) -> float:
        if is_complete(request):
            counted["b"].append(request.model_sha256)
            both_count.set()
        else:
            first_counts.wait(30)
        return 1e6 * (1 + size(request))

    folder = lab({"a": first, "b": later}, lambda request: 0.5 + size(request) / 640)
    parameters = {**SPACE["parameters"], "threads": [1]}
    space = {**SPACE, "parameters": parameters, "fidelity": {"explore": {"accuracy_images": 2000}}}
    (folder / "small_study.yaml").write_text(json.dumps(space))
    assert dse(*WORDS).code == 0
    assert counted["a"][0] != counted["b"][0]


def test_python_searches_all_systems_and_has_their_front(lab: Any) -> None:
    meet, told = _meeting(), list[str]()
    folder = lab({"a": meet, "b": meet})
    found = dse.explore_systems(
        "small_study.yaml",
        folder / "studies/mine",
        dse.Budget(trials=2),
        callbacks=[lambda study, _: told.append(study.name)],
        devices="lab.yaml",
    )
    assert {system: study.name for system, study in found.studies.items()} == {"a": "mine-a", "b": "mine-b"}
    assert found.failed == {}
    assert {placed.study for placed in found.front().placed} == {"mine-a", "mine-b"}
    assert {study: told.count(study) for study in told} == {
        study.name: len(study.measurements) for study in found.studies.values()
    }
    (search,) = found.studies["a"].settings.searches
    assert search.command == (
        "dse.explore_systems('small_study.yaml', 'studies/mine', dse.Budget(trials=2), callbacks=..., "
        "devices='lab.yaml')"
    )


def test_python_tells_which_system_failed(lab: Any) -> None:
    def gone(_: Request) -> float:
        raise DeviceLostError("unplugged")

    lab({"gone": gone, "a": _slow})
    found = dse.explore_systems("small_study.yaml", budget=dse.Budget(trials=2), devices="lab.yaml")
    assert isinstance(found.failed["gone"], DevicesGoneError)
    assert len(found.studies["a"].configurations()) == 2
    lab({"gone": gone, "lost": gone})
    with pytest.raises(DevicesGoneError):
        dse.explore_systems("small_study.yaml", devices="lab.yaml")
    with pytest.raises(DeviceFileError):
        dse.explore_systems("small_study.yaml", devices="none.yaml")


def test_python_runs_no_program_of_a_file_that_nobody_trusted(lab: Any) -> None:
    folder = lab({"a": _slow, "b": _slow}, config="config")
    (folder / "config").write_text("ProxyCommand a program\n")
    with pytest.raises(InputError, match=r"names a program that would be run: .*config"):
        dse.explore_systems("small_study.yaml", devices="lab.yaml")
    with pytest.raises(InputError, match=r"names a program that would be run: .*config"):
        dse.explore("small_study.yaml", devices=_only(folder, "a"))
    assert not (folder / "studies").exists()


def _only(folder: Path, system: str) -> Path:
    document = json.loads((folder / "lab.yaml").read_text())
    path = folder / f"{system}.yaml"
    path.write_text(json.dumps({"systems": {system: document["systems"][system]}}))
    return path
