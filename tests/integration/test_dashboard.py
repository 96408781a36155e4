"""Optuna Dashboard on a study, over HTTP and in a real browser."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from dse.reports.dashboard import make_dashboard
from dse.study import Study


@pytest.fixture
def address(small_study: Path) -> Iterator[str]:
    with make_dashboard(Study.read(small_study), "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())


def test_the_api_has_every_configuration_and_every_run_with_loadgens_summary(address: str) -> None:
    studies = json.loads(_get(f"{address}/api/studies"))["study_summaries"]
    assert [study["study_name"] for study in studies] == ["small_study", "small_study runs"]
    for study in studies:
        detail = json.loads(_get(f"{address}/api/studies/{study['study_id']}"))
        assert len(detail["trials"]) == 6
        trial = detail["trials"][0]
        attributes = {attribute["key"]: attribute["value"] for attribute in trial["user_attrs"]}
        assert float(attributes["latency_p90_ns"]) == trial["values"][1]
        assert float(attributes["peak_memory_bytes"]) == 64 * 2**20
        summary = next(a for a in trial["artifacts"] if a["filename"] == "mlperf_log_summary.txt")
        text = _get(f"{address}/artifacts/{study['study_id']}/{trial['trial_id']}/{summary['artifact_id']}")
        assert text.startswith(b"90.0th percentile latency")


def test_a_browser_shows_the_study(address: str, tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs chromium: apt-get install chromium")
    quiet = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", *quiet]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=10000", "--dump-dom"]
    done = subprocess.run(
        [*command, f"{address}/dashboard/studies/1"], capture_output=True, text=True, timeout=90, check=True
    )
    assert "small_study (id=1)" in done.stdout
