"""``dse trials`` and ``dse studies``: what was run, what became of it, and which studies there are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dse_harness.protocol import Failure, Request, Response

from dse.study import Study
from dse.study.writer import StudyWriter
from tests.recording import RecordedHarness, answer, make_space, run_study


@pytest.fixture
def mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a study in which three threads fail and two were throttled."""
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def respond(request: Request) -> Response:
        response = answer(request)
        if request.runtime.threads == 3:
            return Response(failure=Failure("delegate_refused", "no \x1b[31mplan"))
        if request.runtime.threads == 2 and response.device_before:
            return replace(response, device_before=replace(response.device_before, throttled=("under-voltage",)))
        return response

    run_study(tmp_path / "studies" / "s", make_space(tmp_path), RecordedHarness(respond))
    return tmp_path


def test_every_trial_has_a_line_with_its_figures_or_why_not(mixed: Path, dse: Any) -> None:
    done = dse("trials", "s")
    study = Study.read(mixed / "studies" / "s")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].split()[:2] == ["trial", "phase"]
    shown = [line.split()[0] for line in lines[2:] if line.split()[0].isdecimal()]
    assert shown == [str(m.trial) for m in study.measurements]
    assert "failed: delegate_refused: no " in done.out
    assert "excluded: under-voltage: the device says: under-voltage" in done.out
    assert "\x1b" not in done.out
    assert "2 failed" in done.err


@pytest.mark.parametrize(("option", "threads"), [("--failed", {3}), ("--excluded", {2})])
def test_only_those_that_failed_or_were_excluded(mixed: Path, dse: Any, option: str, threads: set[int]) -> None:
    document = json.loads(dse("trials", "s", option, "--json").out)
    assert document["schema"] == 1
    assert {trial["config"]["threads"] for trial in document["trials"]} == threads
    for trial in document["trials"]:
        assert trial["state"] == option.removeprefix("--")
        assert (trial["failure"] is None) == (option == "--excluded")
        assert bool(trial["excluded"]) == (option == "--excluded")
        assert (Path(trial["logs"]) / "response.json").exists()
    done = dse("trials", "s", option)
    number = document["trials"][0]["trial"]
    assert f"next: dse explain s {number}" in done.err
    assert f"s: {len(document['trials'])} of " in done.err


def test_json_has_every_trial_once_and_states_add_up(mixed: Path, dse: Any) -> None:
    trials = json.loads(dse("trials", "s", "--json").out)["trials"]
    counts = json.loads(dse("front", "s", "--json").out)["counts"]["trials"]
    states = [trial["state"] for trial in trials]
    assert len(trials) == counts["total"]
    assert states.count("counts") == counts["counting"]
    assert states.count("excluded") == counts["excluded"]
    assert states.count("failed") == counts["failed"]


def test_studies_are_listed_with_their_state(mixed: Path, dse: Any) -> None:
    (mixed / "studies" / "broken").mkdir()
    (mixed / "studies" / "broken" / "study.yaml").write_text("- no study\n")
    (mixed / "studies" / "no_study").mkdir()
    done = dse("studies")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines() if line.strip()][2:] == ["broken", "s"]
    assert "broken: " in done.err
    found = {entry["study"]: entry for entry in json.loads(dse("studies", "--json").out)["studies"]}
    assert found["broken"]["state"] == "damaged"
    assert found["s"]["state"] == "explored"
    assert found["s"]["space"] == "small_study"
    assert found["s"]["trials"] == len(Study.read(mixed / "studies" / "s").measurements)
    assert found["s"]["front"] == len(json.loads(dse("front", "s", "--json").out)["points"])
    assert found["s"]["last_trial_utc"] == "2026-01-01T00:00:01+00:00"
    space = make_space(mixed)
    with StudyWriter(mixed / "studies" / "s", space, None, {}):
        running = json.loads(dse("studies", "--json").out)["studies"]
    assert [entry["state"] for entry in running] == ["damaged", "running"]


def test_no_studies_and_no_folder(mixed: Path, dse: Any) -> None:
    (mixed / "empty").mkdir()
    done = dse("studies", "--studies", "empty")
    assert (done.code, done.out) == (0, "")
    assert "no study in empty" in done.err
    missing = dse("studies", "--studies", "nowhere")
    assert missing.code == 3
    assert "no such folder" in missing.err
