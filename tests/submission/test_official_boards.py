"""``dse validate --devices``: the boards of the study's own system, shown to be the same, and no others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from dse.fleet.fleet import Fleet
from dse.search.pool import ThreadPool
from dse.submission.point import validated_points
from tests.fleet.calibrated import keep_calibrated
from tests.submission.test_validate import RecordedHarness

_REHEARSAL = ("validate", "study", "--duration", "20s")


@pytest.fixture
def boards(study: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of two boards, on which the study was measured; they answer with recorded logs."""
    settings = yaml.safe_load((study / "study.yaml").read_text())
    settings["options"] = {**settings.get("options", {}), "system": "rpi4"}
    (study / "study.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    devices = {name: {"transport": "local", "root": name} for name in ("pi1", "pi2")}
    other = {"x": {"transport": "local", "root": "x"}}
    path = study.parent / "devices.yaml"
    path.write_text(json.dumps({"systems": {"rpi4": {"devices": devices}, "other": {"devices": other}}}))

    @contextmanager
    def pool(fleet: Fleet, name: str) -> Iterator[ThreadPool]:
        assert "-official-" in name
        yield ThreadPool({device.name: RecordedHarness() for device in fleet.devices})

    monkeypatch.setattr(Fleet, "pool", pool)
    monkeypatch.setattr("dse.fleet.fleet.told_by", lambda devices: {each.name: {} for each in devices})
    return path


def test_a_point_names_its_board_and_system(dse: Any, study: Path, boards: Path) -> None:
    keep_calibrated(boards, "rpi4", ("pi1", "pi2"))
    done = dse(*_REHEARSAL, "--devices", boards)
    assert done.returncode == 0, done.stderr
    assert "official runs on boards of rpi4: pi1, pi2" in done.stderr
    assert f"--devices {boards}  does it by the rules" in done.stderr
    (point,) = validated_points(study)
    assert (point.device, point.system) == ("pi1", "rpi4")
    (shown,) = json.loads(dse(*_REHEARSAL, "--devices", boards, "--json").stdout)["points"]
    assert (shown["device"], shown["system"]) == ("pi1", "rpi4")


def test_of_boards_that_differ_by_a_ratio_the_first_alone_runs_them(dse: Any, study: Path, boards: Path) -> None:
    document = json.loads(boards.read_text())
    document["systems"]["rpi4"]["correct"] = True
    boards.write_text(json.dumps(document))
    keep_calibrated(boards, "rpi4", ("pi1", "pi2"), slower=1.1)
    done = dse(*_REHEARSAL, "--devices", boards)
    assert "official figures are never corrected: pi1 alone runs them" in done.stderr
    assert [point.device for point in validated_points(study)] == ["pi1"]


def test_boards_that_nobody_calibrated_are_refused(dse: Any, study: Path, boards: Path) -> None:
    done = dse(*_REHEARSAL, "--devices", boards)
    assert done.returncode == 4
    assert "pi1, pi2 of rpi4 share one study only after" in done.stderr
    assert not (study / "validation").exists()


def test_a_study_is_validated_where_it_was_measured(dse: Any, study: Path, boards: Path) -> None:
    done = dse(*_REHEARSAL)
    assert (done.returncode, "was measured on boards of rpi4" in done.stderr) == (2, True)
    settings = yaml.safe_load((study / "study.yaml").read_text())
    del settings["options"]["system"]
    (study / "study.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    done = dse(*_REHEARSAL, "--devices", boards)
    assert (done.returncode, "was measured on this machine" in done.stderr) == (2, True)
    assert dse(*_REHEARSAL, "--scheduler", "tcp://127.0.0.1:1").returncode == 2


@pytest.mark.parametrize(
    ("boards_told", "evidence", "said"),
    [
        ({"pi1": {"loadgen": "5.1.2"}}, "6.0.17 @ d6147c7eb7", "mlcommons-loadgen 5.1.2"),
        ({"pi1": {}}, "5.0.1 @ 0123456789", "mlcommons-loadgen 5.0.1"),
        ({}, None, None),
    ],
)
def test_the_loadgen_that_is_checked_is_that_of_the_boards(
    dse: Any, study: Path, boards: Path, boards_told: dict[str, Any], evidence: str | None, said: str | None
) -> None:
    settings = yaml.safe_load((study / "study.yaml").read_text())
    settings |= {"schema": 3, "boards": boards_told}
    (study / "study.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    path = study / "trials/7/response.json"
    response = json.loads(path.read_text())
    found = {"runtime": "litert", "runtime_version": "2", "delegate": "xnnpack"} | dict.fromkeys(
        ("model_sha256", "data_set_sha256", "preprocessing_sha256"), ""
    )
    response["evidence"] = None if evidence is None else {**found, "loadgen_version": evidence}
    path.write_text(json.dumps(response))
    findings = json.loads(dse("submit", "preflight", "study", "--json").stdout)["findings"]
    named = [each["found"] for each in findings if each["rule"] == "loadgen-version"]
    assert [each.partition(",")[0] for each in named] == ([] if said is None else [said])


def test_boards_with_different_loadgens_are_refused(
    dse: Any, study: Path, boards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {f"pi{n}": {"packages": {"mlcommons-loadgen": f"6.0.1{n}"}, "engines": {}} for n in (1, 2)}
    monkeypatch.setattr("dse.fleet.fleet.told_by", lambda _: told)
    keep_calibrated(boards, "rpi4", ("pi1", "pi2"))
    done = dse(*_REHEARSAL, "--devices", boards)
    assert done.returncode == 4
    assert "boards of rpi4 have different versions: loadgen 6.0.11 on pi1, 6.0.12 on pi2" in done.stderr


def test_a_dry_run_trusts_no_program(dse: Any, study: Path, boards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(study.parent / "user"))
    (study.parent / "config").write_text("")
    document = json.loads(boards.read_text())
    document["systems"]["rpi4"]["devices"]["pi1"] = {"transport": "ssh", "host": "x", "config": "config"}
    boards.write_text(json.dumps(document))
    for _ in range(2):
        done = dse("validate", "study", "--dry-run", "--devices", boards)
        assert (done.returncode, "names a program that would be run" in done.stderr) == (3, True)
