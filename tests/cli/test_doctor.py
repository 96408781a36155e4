"""``dse doctor`` where something is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dse.cli.doctor import noise_lines
from tests.test_machine import NOISE


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dse: Any) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "file" / "cache"))
    done = dse("doctor", "--json")
    assert done.code == 4
    missing = {finding["name"] for finding in json.loads(done.out)["findings"] if finding["verdict"] == "missing"}
    assert missing >= {"cache", "measurement"}


def test_what_looking_for_noise_would_spend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dse: Any) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    done = dse("doctor", "--noise", "--dry-run", "--json")
    assert (done.code, json.loads(done.out)["runs"]) == (0, 20)
    assert json.loads(done.out)["kept"] == str(tmp_path / "cache/noise.json")
    assert "20 runs of mobilenet_v3, small minimalistic" in done.err
    assert not (tmp_path / "cache/noise.json").exists()


def test_options_of_noise_go_with_it(dse: Any) -> None:
    for words, option in ((("--dry-run",), "--dry-run"), (("--space", "mobilenet_v3"), "--space")):
        done = dse("doctor", *words)
        assert (done.code, f"{option} goes with --noise" in done.err) == (2, True)


def test_which_differences_mean_nothing() -> None:
    assert list(noise_lines(NOISE)) == [
        "p90 latency: 1.000 ms, 0.980 ms to 1.030 ms, standard deviation 0.9 %, 1 of 20 outliers left out of it",
        "Differences under 2.4 % of latency_p90_ns mean nothing here.",
    ]
