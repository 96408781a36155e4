"""A search on several devices at once: what is asked of whom, and what becomes of a device that goes away."""

from __future__ import annotations

import dataclasses
import itertools
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from dse_harness.protocol import Request, Response

from dse.backends import FakeDevice
from dse.core.budget import Budget
from dse.errors import DeviceLostError, ModelError
from dse.search.devices import MOST_LOST, Devices
from dse.search.driver import NO_DEVICE
from dse.search.explore import explore
from dse.search.plan import make_plan
from dse.search.pool import BackendPool, Ended, Pool, Run, ThreadPool
from dse.search.progress import Progress
from dse.spaces.load import load_space
from dse.study import Study
from dse.study.trial import read_trials
from dse.study.writer import StudyWriter
from tests.fleet.once import Spans
from tests.search.bench import Bench, device, phases


class Board:
    """A backend that takes a moment, says when it ran, and may be lost: by its runs' numbers, or by what they ask."""

    is_deterministic, provenance = False, None

    def __init__(self, name: str, spans: Spans, lost: Callable[[int, Request], bool] = lambda *_: False) -> None:
        self.name, self.spans, self.lost, self.runs = name, spans, lost, 0
        self.fake = device(noise=0.01, seed=sum(map(ord, name)))

    def run(self, request: Request, folder: Path, timeout_s: float, *, python: str | None = None) -> Response:
        self.runs += 1
        with self.spans.of(self.name):
            time.sleep(0.002)
            if self.lost(self.runs, request):
                raise DeviceLostError("no answer")
            return self.fake.run(request, folder, timeout_s)


def search(
    bench: Bench,
    pool: Pool,
    budget: Budget = Budget(),  # noqa: B008  # frozen
    *,
    confirm: bool = False,
    observe: Callable[[Progress], None] = lambda _: None,
    rests_s: Sequence[float] = (0.0,),
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Study, Progress]:
    space = dataclasses.replace(load_space(bench.folder / "space.yaml"), system="boards")
    with StudyWriter(bench.folder / "study", space, None, {}) as writer:
        plan = make_plan(space, writer.study.measurements, budget)
        progress = explore(
            writer, space, pool, plan, 0, observe, lambda: False, confirm=confirm, rests_s=rests_s, clock=clock
        )
    pool.close()
    return Study.read(bench.folder / "study"), progress


def boards(
    spans: Spans, names: str = "abc", **lost: Callable[[int, Request], bool]
) -> tuple[ThreadPool, dict[str, Board]]:
    made = {name: Board(name, spans, lost.get(name, lambda *_: False)) for name in names}
    return ThreadPool(made), made


def test_several_devices_share_a_study_and_measure_nothing_twice(bench: Bench) -> None:
    spans = Spans()
    pool, made = boards(spans)
    study, progress = search(bench, pool)
    assert phases(study).count("search") == len({m.configuration for m in study.measurements}) == 18
    assert {m.device for m in study.measurements} == set("abc")
    assert all(board.runs for board in made.values())
    assert {record.device for record in study.records} == set("abc")
    assert progress.ended == "every configuration is known"
    assert sum(each.done for each in progress.devices) == len(study.measurements)
    spans.require_one_at_a_time()
    assert spans.most_at_once > 1
    assert all("accuracy" in m.values for m in study.measurements)


def test_identical_boards_share_keys_and_another_system_has_others(bench: Bench) -> None:
    space = load_space(bench.folder / "space.yaml")
    one = next(iter(space.tree.configurations()))
    fleet = dataclasses.replace(space, system="boards")
    assert fleet.known_key(one) != space.known_key(one)
    assert fleet.experiment(one).accuracy_key() != space.experiment(one).accuracy_key()


def test_what_a_lost_device_was_asked_is_measured_elsewhere(bench: Bench) -> None:
    pool, _ = boards(Spans(), b=lambda run, _: run == 2)
    study, progress = search(bench, pool)
    assert phases(study).count("search") == 18
    assert not [m for m in study.measurements if m.failed]
    assert {each.name: each.lost for each in progress.devices} == {"a": 0, "b": 1, "c": 0}
    found = read_trials(study.folder / "trials")
    assert not found.unfinished
    assert not found.damaged
    assert not list((study.folder / "trials").glob(".discarded*"))


def test_a_device_that_came_back_measures_the_reference_first(bench: Bench) -> None:
    pool, _ = boards(Spans(), "a", a=lambda run, _: run == 4)
    study, _ = search(bench, pool)
    assert phases(study)[3] == "reference"


def test_a_device_that_is_gone_is_retired_and_its_work_goes_elsewhere(bench: Bench) -> None:
    pool, _ = boards(Spans(), b=lambda run, _: run > 1)
    study, progress = search(bench, pool)
    assert phases(study).count("search") == 18
    gone = next(each for each in progress.devices if each.name == "b")
    assert gone.retired == "lost 3 times in a row: no answer"
    assert gone.lost <= 2 * MOST_LOST  # a configuration may be blamed once
    assert not [m for m in study.measurements if m.failed and m.response.failure.error != "device_lost"]


def test_the_search_ends_where_no_device_is_left(bench: Bench) -> None:
    pool, _ = boards(Spans(), "ab", a=lambda run, _: run > 1, b=lambda run, _: run > 1)
    study, progress = search(bench, pool)
    assert progress.ended == NO_DEVICE
    assert all(each.retired for each in progress.devices)
    assert phases(study).count("search") < 18
    again, progress = search(bench, boards(Spans())[0])
    assert progress.ended == "every configuration is known"
    assert len({m.configuration for m in again.measurements}) == 18


def test_a_configuration_that_kills_its_device_is_infeasible_after_three_times(bench: Bench) -> None:
    runs: list[str] = []

    def deadly(_: int, request: Request) -> bool:
        found = request.runtime.threads == 3 and request.performance is not None and "64" in str(request)
        runs.append(request.model_sha256) if found else None
        return found and request.performance.buffer_size == 64 and request.model_sha256 == runs[0]

    pool, _ = boards(Spans(), a=deadly, b=deadly, c=deadly)
    study, progress = search(bench, pool)
    failed = [m for m in study.measurements if m.failed]
    assert [m.response.failure.error for m in failed] == ["device_lost"]
    assert failed[0].infeasible
    assert not any(each.retired for each in progress.devices)
    assert sum(each.lost for each in progress.devices) == MOST_LOST
    again, _ = search(bench, boards(Spans())[0])
    assert [m.configuration for m in again.measurements].count(failed[0].configuration) == 1


def test_a_model_that_cannot_be_made_costs_a_trial_and_no_device(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    space = load_space(bench.folder / "space.yaml")
    source = type(space.source(next(iter(space.tree.configurations()))))

    def refuse(self: object, variant: object) -> None:
        raise ModelError("not there")

    monkeypatch.setattr(source, "make", refuse)
    pool, made = boards(Spans())
    study, _ = search(bench, pool, Budget(trials=4))
    assert [m.response.failure.error for m in study.measurements] == ["model_missing"] * 4
    assert not any(board.runs for board in made.values())


def test_what_a_backend_raises_ends_the_search(bench: Bench) -> None:
    class Broken:
        is_deterministic, provenance = False, None

        def run(self, *_: object, **__: object) -> Response:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        search(bench, ThreadPool({"a": Broken()}))


class Scripted:
    """A pool whose devices fare as a list says, one word for each run: what is not lost is answered."""

    is_deterministic = False

    def __init__(self, fares: dict[str, list[str]], took_s: float | None = None) -> None:
        self.fares, self.fake = fares, device(noise=0.0)
        self.waiting: list[Run] = []
        self.log: list[tuple[str, str]] = []
        self.took_s, self.most_waiting = took_s, 0

    @property
    def devices(self) -> Sequence[str]:
        return tuple(self.fares)

    def start(self, run: Run) -> None:
        self.waiting.append(run)
        self.most_waiting = max(self.most_waiting, sum(each.device == run.device for each in self.waiting))

    def ended(self, timeout_s: float | None = None) -> Sequence[Ended]:
        """The last begun first; where runs take a time, in their order."""
        if not self.waiting:
            return ()
        run = self.waiting.pop(-1 if self.took_s is None else 0)
        fate = self.fares[run.device].pop(0) if self.fares[run.device] else ""
        self.log.append((run.device, fate))
        if fate:
            return (Ended(run, None, fate, "why"),)  # type: ignore[arg-type]  # a word of the script
        return (Ended(run, self.fake.run(run.request, run.folder, run.timeout_s), took_s=self.took_s),)

    def retire(self, device: str) -> None:
        self.log.append((device, "retired"))

    def close(self) -> None:
        pass


def test_trials_are_finished_in_any_order(bench: Bench) -> None:
    study, _ = search(bench, Scripted({"a": [], "b": [], "c": []}))
    assert [record.number for record in study.records] == sorted(record.number for record in study.records)
    assert len({m.configuration for m in study.measurements}) == 18


def test_a_device_that_somebody_else_holds_is_not_lost(bench: Bench) -> None:
    pool = Scripted({"a": ["held"] * 5, "b": []})
    study, progress = search(bench, pool)
    assert ("a", "retired") not in pool.log
    assert sum(each.lost for each in progress.devices) == 0
    assert len({m.configuration for m in study.measurements}) == 18


def test_a_device_that_cannot_be_reached_blames_no_configuration(bench: Bench) -> None:
    pool = Scripted({"a": ["unreachable"] * 9})
    study, progress = search(bench, pool)
    assert pool.log == [("a", "unreachable")] * MOST_LOST + [("a", "retired")]
    assert not study.measurements
    assert progress.ended == NO_DEVICE


def test_a_lone_device_that_keeps_going_away_is_retired_in_the_end(bench: Bench) -> None:
    """At first a configuration is to blame; when the next ones fare no better, the device is."""
    pool = Scripted({"a": ["lost"] * 99})
    search(bench, pool)
    assert pool.log[-1] == ("a", "retired")
    assert len(pool.log) <= 2 * MOST_LOST + 1


def test_a_device_rests_before_it_is_asked_again() -> None:
    devices = Devices(["a"], (10.0, 60.0))
    step = type("Step", (), {"device": "a", "key": "k", "number": 0})()
    for now_s, rest_s in ((0.0, 10.0), (100.0, 60.0)):
        devices.begun(step, now_s)
        devices.lost("a", 0, "why", now_s, begun=False)
        assert devices.idle(now_s) == []
        assert devices.rest_s(now_s) == rest_s
        assert devices.idle(now_s + rest_s) == ["a"]
        assert devices.of("a").waits == "why"


def ticking() -> Callable[[], float]:
    """A clock that moves by a tenth of a second whenever somebody looks at it."""
    ticks = itertools.count()
    return lambda: 0.1 * next(ticks)


@pytest.mark.parametrize(("took_s", "most"), [(1.0, 3), (4.0, 2), (100.0, 1)])
def test_a_device_is_given_trials_ahead_where_it_would_wait_for_what_is_decided(
    bench: Bench, took_s: float, most: int
) -> None:
    """Two where to decide takes about as long as a trial, or half as long."""
    pool = Scripted({"a": [], "b": []}, took_s)
    study, _ = search(bench, pool, clock=ticking())
    assert pool.most_waiting == most
    assert phases(study).count("search") == len({m.configuration for m in study.measurements}) == 18


def test_a_device_is_given_no_trial_ahead_at_the_end_of_the_budget(bench: Bench) -> None:
    pool = Scripted({"a": [], "b": []}, 10.0)
    search(bench, pool, Budget(time_s=20.0), clock=ticking())
    assert pool.log
    assert pool.most_waiting == 1


def test_a_device_that_goes_away_with_several_trials_is_lost_once(bench: Bench) -> None:
    pool = Scripted({"a": ["", "", "", "", "lost", "lost", "lost"], "b": []}, 1e-6)
    study, progress = search(bench, pool, rests_s=(0.05,))
    assert pool.most_waiting == 3
    assert {each.name: each.lost for each in progress.devices} == {"a": 1, "b": 0}
    assert phases(study).count("search") == 18
    assert not [m for m in study.measurements if m.failed]


def test_what_a_device_was_given_ahead_shows_when_it_runs() -> None:
    devices, steps = Devices(["a"]), [type("Step", (), {"device": "a", "key": "k", "number": n})() for n in range(3)]
    devices.begun(steps[0], 1.0)
    devices.done("a", 0, 2.0)
    assert devices.idle(2.0, ahead=1) == ["a"]
    devices.begun(steps[1], 2.0)
    devices.begun(steps[2], 2.5)
    assert devices.idle(3.0, ahead=1) == []
    assert devices.idle(3.0, ahead=2) == ["a"]
    assert devices.of("a").step is steps[1]
    assert devices.done("a", 1, 4.0) == (steps[1], 2.0)
    assert (devices.of("a").step, devices.of("a").began_s) == (steps[2], 4.0)
    assert devices.idle(4.0) == []
    devices.held("a", 2, "somebody else has it", 5.0)
    assert not devices.busy


def test_whoever_has_least_to_do_is_given_a_trial_first_then_whoever_ends_first() -> None:
    devices = Devices(["a", "b", "c"])
    steps = {name: [type("Step", (), {"device": name, "key": name, "number": n})() for n in range(3)] for name in "abc"}
    for now_s, name in enumerate("bac", 1):
        devices.begun(steps[name][0], now_s)
        devices.done(name, 0, now_s)
        devices.begun(steps[name][1], now_s)
    devices.begun(steps["b"][2], 4.0)
    assert devices.idle(5.0, ahead=2) == ["a", "c", "b"]


def test_a_backend_alone_is_a_pool_of_one(bench: Bench) -> None:
    pool = BackendPool(device())
    assert isinstance(pool, Pool)
    assert not isinstance(device(), Pool)
    assert isinstance(device(), FakeDevice)
    assert pool.devices == ("",)
    assert list(pool.ended(0.0)) == []


def test_a_pool_needs_a_device() -> None:
    with pytest.raises(ValueError, match="found no backend"):
        ThreadPool({})


def test_threads_end_with_their_pool(bench: Bench) -> None:
    before = threading.active_count()
    search(bench, boards(Spans())[0], Budget(trials=2))
    assert threading.active_count() == before
