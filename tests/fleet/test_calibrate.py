"""Boards share a study after paired runs have shown that they are the same; else they are refused, with the figures."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dse_harness.protocol import Failure, Request, Response

import dse
from dse.core.calibration import LOOKS
from dse.errors import DeviceLostError, InputError, MachineError, NothingMeasuredError, Remedy, UsageError
from dse.fleet.calibrate import CONFIGURATIONS, Progress, calibrate, chosen, metrics_of
from dse.fleet.calibration import (
    BoardFacts,
    Calibration,
    calibration_path,
    comparison_document,
    keep_calibration,
    limits_of,
    read_calibrations,
    sharing,
)
from dse.search.pool import ThreadPool

P90 = "latency_p90_ns"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
FACTS = {"pi1": BoardFacts("boot1", "aarch64"), "pi2": BoardFacts("boot2", "aarch64")}
_Factor = Callable[[Request], float]


class Quick(dse.FakeDevice):
    """Leaves no files: nobody reads them here."""

    def run(self, request: Request, folder: Path, timeout_s: float, *, python: str | None = None) -> Response:
        return self.answer(request)


def board(factor: _Factor = lambda _: 1.0, seed: int = 1, **settings: object) -> dse.FakeDevice:
    given: dict[str, object] = {"noise": 0.01, **settings}
    return Quick(lambda r: 1e6 * factor(r) / r.runtime.threads, lambda _: 0.8, seed=seed, **given)  # type: ignore[arg-type]


def calibrated(second: dse.FakeDevice, said: list[Progress] | None = None, *, at_once: bool = True) -> Calibration:
    return calibrate(
        "rpi4",
        ThreadPool({"pi1": board(), "pi2": second}),
        dse.load_space("mobilenet_v3"),
        facts=FACTS,
        at_once=at_once,
        on_progress=(said if said is not None else []).append,
        now=lambda: NOW,
    )


def limits() -> dict[str, float]:
    space = dse.load_space("mobilenet_v3")
    return limits_of(metrics_of(space), space.indifference)


@pytest.mark.parametrize("at_once", [True, False])
def test_the_same_boards_share_a_study(tmp_path: Path, *, at_once: bool) -> None:
    said: list[Progress] = []
    path = calibration_path(tmp_path / "devices.yaml")
    keep_calibration(path, calibrated(board(seed=2), said, at_once=at_once))
    assert path.name == "devices.calibrations.json"
    found = read_calibrations(path)["rpi4"]
    assert found.compared(limits()).verdict == "same"
    assert said[-1].compared
    assert said[-1].compared.verdict == "same"
    assert said[-1].runs == said[-1].round * CONFIGURATIONS * 2 == len(found.runs)
    shared = sharing(found, "rpi4", FACTS, limits(), correct=False, now=NOW)
    assert shared.corrections == {}
    assert any("pi2 against pi1: p90 latency" in sentence and "the same" in sentence for sentence in shared.sentences)


def test_a_known_ratio_is_corrected_for_on_request_alone() -> None:
    found = calibrated(board(lambda _: 1.05, seed=2))
    with pytest.raises(MachineError, match=r"differ by a ratio: pi2 against pi1: p90 latency \+[45]\.") as refused:
        sharing(found, "rpi4", FACTS, limits(), correct=False, now=NOW)
    assert refused.value.remedy is Remedy.CORRECT_RATIO
    shared = sharing(found, "rpi4", FACTS, limits(), correct=True, now=NOW)
    assert shared.corrections["pi2"][P90] == pytest.approx(1.05, rel=0.01)
    assert "model_memory_bytes" not in shared.corrections["pi2"]
    assert "figures of pi2 are corrected by a known ratio: p90 latency / 1.0" in "; ".join(shared.sentences)


def test_boards_that_differ_by_more_than_a_ratio_are_refused_with_the_figures() -> None:
    found = calibrated(board(lambda r: 1.2 if r.runtime.threads > 1 else 1.0, seed=2))
    for correct in (False, True):
        with pytest.raises(MachineError, match=r"not shown to be the same: .*not by one ratio") as refused:
            sharing(found, "rpi4", FACTS, limits(), correct=correct, now=NOW)
        assert refused.value.remedy is Remedy.OTHER_BOARDS


def test_noisy_boards_are_not_shown_to_be_the_same() -> None:
    found = calibrated(board(seed=2, noise=0.3))
    with pytest.raises(MachineError, match="not shown to be the same"):
        sharing(found, "rpi4", FACTS, limits(), correct=True, now=NOW)


def test_a_study_that_minds_less_is_answered_from_the_same_runs() -> None:
    found = calibrated(board(lambda _: 1.05, seed=2))
    assert found.compared({P90: 0.03}).verdict == "ratio"
    assert found.compared({P90: 0.1}).verdict == "same"


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (board(seed=2, answers=lambda _: "other"), "pi2 answers otherwise than pi1"),
        (
            board(seed=2, failure=lambda r: Failure("crashed", "illegal") if r.runtime.threads > 1 else None),
            "fails on pi2: illegal",
        ),
    ],
)
def test_what_is_no_figure_sets_boards_apart_after_one_round(second: dse.FakeDevice, said: str) -> None:
    progress: list[Progress] = []
    found = calibrated(second, progress)
    assert len(progress) == 1
    with pytest.raises(MachineError, match=said):
        sharing(found, "rpi4", FACTS, limits(), correct=True, now=NOW)


def test_configurations_that_work_nowhere_are_left_out() -> None:
    def broken(request: Request) -> Failure | None:
        return Failure("delegate_refused", "no") if request.runtime.delegate == "xnnpack" else None

    boards = {"pi1": board(failure=broken), "pi2": board(seed=2, failure=broken)}
    found = calibrate("rpi4", ThreadPool(boards), dse.load_space("mobilenet_v3"))
    assert {each["delegate"] for each in found.configurations} == {"builtin"}
    dead = board(failure=lambda _: Failure("crashed", "no"))
    with pytest.raises(NothingMeasuredError, match="no configuration of mobilenet_v3 works"):
        calibrate("rpi4", ThreadPool({"pi1": dead, "pi2": dead}), dse.load_space("mobilenet_v3"))
    with pytest.raises(UsageError, match="found 1 board, two at least"):
        calibrate("rpi4", ThreadPool({"pi1": board()}), dse.load_space("mobilenet_v3"))


def test_a_board_that_is_lost_is_named() -> None:
    class Gone(Quick):
        def run(self, request: Request, folder: Path, timeout_s: float, *, python: str | None = None) -> Response:
            raise DeviceLostError("its connection is lost", device="pi2")

    with pytest.raises(DeviceLostError, match=r"^pi2: its connection is lost"):
        calibrated(Gone(lambda _: 1e6, lambda _: 0.8))


def test_a_board_that_is_disturbed_is_mended_first() -> None:
    with pytest.raises(MachineError, match=r"pi2: \d+ of \d+ runs do not count: throttled"):
        calibrated(board(seed=2, throttled=lambda now_s: now_s > 3))


def test_a_disturbance_that_passes_makes_a_calibration_longer() -> None:
    said: list[Progress] = []
    found = calibrated(board(seed=2, throttled=lambda now_s: now_s < 40), said)
    assert [each.round for each in said if "do not count: throttled" in each.disturbed] == [LOOKS[0]]
    assert said[-1].compared
    assert said[-1].compared.verdict == found.compared(limits()).verdict == "same"
    assert {run.round for run in found.runs if run.board == "pi2"} < {run.round for run in found.runs}


def test_configurations_differ_in_how_the_harness_runs_them() -> None:
    found = list(chosen(dse.load_space("mobilenet_v3")))[:CONFIGURATIONS]
    for name in ("threads", "delegate", "family"):
        assert len({each[name] for each in found}) > 1, name


@pytest.mark.parametrize(
    ("now", "facts", "said"),
    [
        (NOW, {"pi2": BoardFacts("boot3", "aarch64")}, "pi2: it has started anew since"),
        (NOW, {"pi2": BoardFacts("boot2", "riscv64")}, "machine aarch64 is now riscv64"),
        (NOW, {"pi3": BoardFacts()}, "pi3 was not among the boards"),
        (NOW + timedelta(days=40), {}, "it is 40 days old"),
        (NOW, {"pi2": BoardFacts(versions={"numpy": "2"})}, "pi2: numpy 1 is now 2"),
        (NOW, {"pi2": BoardFacts(governors=("powersave",))}, "governor performance is now powersave"),
    ],
)
def test_a_calibration_that_is_out_of_date_says_why(now: datetime, facts: dict[str, BoardFacts], said: str) -> None:
    before = {
        name: dataclasses.replace(found, versions={"numpy": "1"}, governors=("performance",))
        for name, found in FACTS.items()
    }
    found = Calibration("rpi4", NOW.isoformat(), "s", {}, before, (), ())
    assert found.out_of_date(FACTS, NOW) == []
    with pytest.raises(MachineError, match=f"of 2026-06-01 is out of date: .*{said}") as refused:
        sharing(found, "rpi4", {**FACTS, **facts}, limits(), correct=True, now=now)
    assert refused.value.remedy is Remedy.CALIBRATE


def test_boards_that_nobody_calibrated_share_nothing_and_one_alone_needs_none() -> None:
    with pytest.raises(MachineError, match="pi1, pi2 of rpi4 share one study only after") as refused:
        sharing(None, "rpi4", FACTS, limits(), correct=True, now=NOW)
    assert refused.value.remedy is Remedy.CALIBRATE
    assert not sharing(None, "rpi4", {"pi1": FACTS["pi1"]}, limits(), correct=False, now=NOW).corrections


@pytest.mark.parametrize(
    "written",
    [
        "{",
        "[]",
        '{"schema": 2, "systems": {}}',
        '{"schema": 1, "systems": []}',
        '{"schema": 1, "systems": {"a": {"system": "a", "measured_utc": "2026-06-01T00:00:00+00:00", "space": "s", '
        '"indifference": {}, "boards": {}, "configurations": [], '
        '"runs": [{"board": "x", "round": 1, "configuration": 0, "values": {}}]}}}',
    ],
)
def test_a_damaged_file_is_told_and_never_taken(tmp_path: Path, written: str) -> None:
    path = tmp_path / "devices.calibrations.json"
    path.write_text(written)
    with pytest.raises(InputError, match=r"devices\.calibrations\.json: cannot be read: "):
        read_calibrations(path)


def test_each_system_keeps_its_own(tmp_path: Path) -> None:
    path = tmp_path / "devices.calibrations.json"
    assert read_calibrations(path) == {}
    one = Calibration("rpi4", NOW.isoformat(), "s", {}, FACTS, (), ())
    keep_calibration(path, one)
    keep_calibration(path, dataclasses.replace(one, system="rpi5"))
    assert set(read_calibrations(path)) == {"rpi4", "rpi5"}
    assert json.loads(path.read_text())["schema"] == 1


def test_the_document_has_ratios_and_no_infinity() -> None:
    found = calibrated(board(seed=2, answers=lambda _: "other"))
    document = comparison_document(found.compared(limits()))
    assert document["verdict"] == "undecided"
    assert document["pairs"][0]["ratio_low"] is None
    json.dumps(document, allow_nan=False)
