"""The search as people watch it: everything fits the terminal, a log gets whole lines."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from dse_harness.protocol import Request, Response
from rich.console import Console

from dse.backends import FakeDevice
from dse.cli.live import LiveProgress, device_line
from dse.cli.live_systems import LiveSystems
from dse.cli.render import by_reason
from dse.core.budget import Budget
from dse.core.configuration import Configuration
from dse.core.policy import Step
from dse.search.devices import DeviceProgress
from dse.search.explore import explore
from dse.search.plan import make_plan
from dse.search.progress import Progress
from dse.study.writer import StudyWriter
from tests.recording import RecordedHarness, answer, fails, make_space, run_study


def _some_fail(request: Request) -> Response:
    return fails("delegate_refused")(request) if request.runtime.threads == 3 else answer(request)


def _busy(request: Request) -> Response:
    response = answer(request)
    assert response.device_before is not None
    assert response.device_after is not None
    before, after = (
        replace(response.device_before, foreign_cpu_s=0.0),
        replace(response.device_after, foreign_cpu_s=1.5),
    )
    return replace(response, device_before=before, device_after=after)


def _watch(folder: Path, console: Console, respond: Callable[[Request], Response] = _some_fail) -> None:
    space = make_space(folder)
    with StudyWriter(folder / "s", space, None, {}) as writer, LiveProgress(space.objectives, console, 0.0) as live:
        plan = make_plan(space, writer.study.measurements, Budget())
        explore(writer, space, RecordedHarness(respond), plan, 0, live, lambda: False)
        live.note("a note about [1, 2]")


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))


def test_a_log_has_whole_lines_with_failures_by_reason(tmp_path: Path) -> None:
    output = io.StringIO()
    _watch(tmp_path, Console(file=output, width=80, markup=False, soft_wrap=True))
    lines = output.getvalue().splitlines()
    assert lines[-1] == "a note about [1, 2]"
    assert "s: 6 of 6 configurations, 0.0 s left; front: " in lines[-2]
    assert lines[-2].endswith("failed: 2 trials (delegate_refused)")
    counts = [line.partition(": ")[2].partition(",")[0] for line in lines[:-1]]
    assert counts == [f"{n} of 6 configurations" for n in range(1, 7)]
    assert "\x1b" not in output.getvalue()


def test_a_busy_machine_is_said_at_once(tmp_path: Path) -> None:
    output = io.StringIO()
    _watch(tmp_path, Console(file=output, width=80, markup=False, soft_wrap=True), _busy)
    first, *_ = output.getvalue().splitlines()
    assert first.endswith("; other processes use 1.5 cores: stop them, or latencies stay noisy")


def test_a_log_says_first_and_then_by_the_minute_where_the_search_stands(tmp_path: Path) -> None:
    output, space = io.StringIO(), make_space(tmp_path)
    console = Console(file=output, width=80, markup=False, soft_wrap=True)
    with StudyWriter(tmp_path / "s", space, None, {}) as writer, LiveProgress(space.objectives, console, 1e9) as live:
        explore(writer, space, RecordedHarness(), make_plan(space, (), Budget()), 0, live, lambda: False)
    first, last = output.getvalue().splitlines()  # what ends the search is told whatever the minute
    assert "1 of 6 configurations" in first
    assert "6 of 6 configurations" in last


def test_what_is_undecided_stands_beside_the_front(tmp_path: Path) -> None:
    output, space = io.StringIO(), make_space(tmp_path)
    console = Console(file=output, width=80, markup=False, soft_wrap=True)
    seen = []
    device = FakeDevice(latency_ns=lambda _: 1e6, accuracy=lambda _: 0.9, noise=0.1)  # all the same: nobody can tell
    with StudyWriter(tmp_path / "s", space, None, {}) as writer, LiveProgress(space.objectives, console, 0.0) as live:

        def watch(progress: Progress) -> None:
            seen.append(progress)
            live(progress)

        plan = make_plan(space, (), Budget(trials=6))
        explore(writer, space, device, plan, 0, watch, lambda: len(seen) > 30, confirm=True)
    undecided = [f"; {progress.undecided} undecided" for progress in seen if progress.undecided]
    assert undecided
    assert undecided[0] in output.getvalue()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (60, 10), (200, 50)])
def test_a_terminal_shows_what_fits(tmp_path: Path, width: int, height: int) -> None:
    output = io.StringIO()
    console = Console(file=output, width=width, height=height, force_terminal=True, color_system=None, markup=False)
    _watch(tmp_path, console)
    shown = output.getvalue()
    assert "6 of 6 configurations" in shown
    assert "failed: 2 trials (delegate_refused)" in shown
    assert "front: " in shown


def test_a_search_that_goes_on_counts_what_was_known(tmp_path: Path) -> None:
    space = make_space(tmp_path)
    run_study(tmp_path / "s", space, trials=4)
    output = io.StringIO()
    _watch(tmp_path, Console(file=output, width=80, markup=False, soft_wrap=True))
    counts = [
        line.partition(";")[0].partition(": ")[2].rpartition(", ")[0] for line in output.getvalue().splitlines()[:-1]
    ]
    assert counts[0] == "4 of 6 configurations, 1 repeat"  # the drift check of a search that goes on
    assert counts[-1] == "6 of 6 configurations, 1 repeat"


def test_excluded_trials_are_counted_once_by_their_reason() -> None:
    counts = {"foreign load": 5, "drift": 20}
    assert by_reason("excluded", counts) == "excluded: 20 trials (drift), 5 (foreign load)"
    assert by_reason("failed", {"timeout": 1}) == "failed: 1 trial (timeout)"


def _step(**configuration: object) -> Step:
    return Step(
        Configuration(configuration),
        "search",
        number=0,
        key="k",
        accuracy_key=None,
        accuracy_from=0,
        spot_check=False,
    )


@pytest.mark.parametrize(
    ("device", "line"),
    [
        (DeviceProgress("pi1"), "pi1, 0 done: idle"),
        (DeviceProgress("pi1", _step(threads=2), 7.0, 12), "pi1, 12 done: 3.0 s: threads=2"),
        (DeviceProgress("pi1", lost=1, waits="no route"), "pi1, 0 done, lost once: waits: no route"),
        (DeviceProgress("pi1", lost=3, retired="lost"), "pi1, 0 done, lost 3 times: not asked any more: lost"),
    ],
)
def test_a_device_has_a_line(device: DeviceProgress, line: str) -> None:
    assert device_line(device, 10.0) == line


@pytest.mark.parametrize(("height", "lines"), [(24, 7), (10, 2), (60, 19)])
def test_of_many_devices_those_in_trouble_are_shown_and_the_others_counted(
    tmp_path: Path, height: int, lines: int
) -> None:
    output = io.StringIO()
    console = Console(file=output, width=80, height=height, force_terminal=True, color_system=None, markup=False)
    live = LiveProgress(make_space(tmp_path).objectives, console)
    many = [DeviceProgress(f"pi{n}", _step(threads=n)) for n in range(30)]
    many[20] = replace(many[20], step=None, retired="lost")
    progress = replace(_progress(tmp_path), devices=many)
    shown = live._devices(progress)
    assert shown[0] == "pi20, 0 done: not asked any more: lost"
    assert len(shown) == lines + 1
    assert shown[-1] == f"and {30 - lines} devices: {30 - lines} measure"


def _progress(folder: Path) -> Progress:
    """Of a search that has measured all."""
    seen: list[Progress] = []
    space = make_space(folder)
    with StudyWriter(folder / "p", space, None, {}) as writer:
        explore(writer, space, RecordedHarness(), make_plan(space, (), Budget()), 0, seen.append, lambda: False)
    return seen[-1]


def test_a_log_tells_of_devices_where_they_have_names(tmp_path: Path) -> None:
    output = io.StringIO()
    console = Console(file=output, width=80, markup=False, soft_wrap=True)
    progress = _progress(tmp_path)
    live = LiveProgress(make_space(tmp_path).objectives, console, 0.0)
    live(progress)
    live(replace(progress, devices=[DeviceProgress("a", _step(threads=1)), DeviceProgress("b", waits="why")]))
    first, second = output.getvalue().splitlines()
    assert "device" not in first
    assert "; 2 devices: 1 measure, 1 waiting" in second


@pytest.mark.parametrize(("height", "boards"), [(24, 3), (10, 3), (24, 30), (5, 3)])
def test_several_systems_share_a_screen(tmp_path: Path, height: int, boards: int) -> None:
    output = io.StringIO()
    console = Console(file=output, width=80, height=height, force_terminal=True, color_system=None, markup=False)
    objectives = make_space(tmp_path).objectives
    live = LiveSystems({"raspberry-pi-4": objectives, "rk3588": objectives}, console)
    devices = [DeviceProgress(f"pi{n}", _step(threads=n, form="minimalistic " * 9), 1.0, 12) for n in range(boards)]
    progress = replace(_progress(tmp_path), devices=devices)
    with live:
        live.part("raspberry-pi-4")(progress)
        lines = console.render_lines(live._screen(), pad=False)
        shown = ["".join(segment.text for segment in line).rstrip() for line in lines]
        live.part("rk3588").note("a note")
    assert len(shown) <= height
    assert max(map(len, shown)) <= 80
    assert shown[0].startswith("raspberry-pi-4 ")
    assert "6 of 6 configurations" in shown[0]
    assert shown[1].startswith("  front: ")
    if height == 24:
        assert shown[2].startswith("  pi0, 12 done: ")
    else:
        assert f"; {boards} devices: {boards} measure" in shown[1] or height == 10
    assert shown[-1] == "rk3588: begins"
    assert "rk3588: a note" in output.getvalue()


def test_the_log_of_several_systems_says_whose_each_line_is(tmp_path: Path) -> None:
    output = io.StringIO()
    console = Console(file=output, width=80, markup=False, soft_wrap=True)
    objectives = make_space(tmp_path).objectives
    devices = [DeviceProgress("pi1", _step(threads=1))]
    progress = replace(_progress(tmp_path), devices=devices)
    with LiveSystems({"a": objectives, "b": objectives}, console, 0.0) as live:
        for system in ("a", "b"):
            with live.part(system) as part:
                part(progress)
    lines = output.getvalue().splitlines()
    assert [line[:3] for line in lines] == ["a: ", "a: ", "b: ", "b: "]
    assert lines[0].endswith("; 1 device: 1 measure")
    assert lines[1].startswith("a: ended; front: ")
