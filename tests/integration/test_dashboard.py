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

from dse.harnesses import Harness
from dse.reports.dashboard import make_dashboard
from dse.search.explore import Budget, explore, make_plan
from dse.spaces.load import load_space
from dse.study import Study, StudyWriter
from harness import protocol
from harness.protocol import Accuracy, Performance, Request, Response

_SPACE = """
schema: 1
name: seen
data_set: {embedded: fashion_mnist}
models: {zoo: {zoo: mobilenet_v3}}
parameters:
  family: [small]
  form: [minimalistic]
  width: [0.35]
  side: [48]
  precision: [float32]
  threads: [1, 2, 3]
"""


class _Recorded:
    """A harness that answers from a formula and leaves the one log that the dashboard offers."""

    def run(self, request: Request, folder: Path, timeout_s: float) -> Response:
        latency_ns = 1_000_000 * request.runtime.threads
        (folder / "performance").mkdir()
        summary = f"90.0th percentile latency (ns) : {latency_ns}\n"
        (folder / "performance" / "mlperf_log_summary.txt").write_text(summary)
        response = Response(
            performance=Performance(*[latency_ns] * 8, latency_ns, 500, 10**9, True, True, True, True),
            accuracy=Accuracy(9, 10, "0" * 64),
            peak_memory_bytes=2**26,
        )
        protocol.write(response, folder / "response.json")
        return response


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "seen.yaml").write_text(_SPACE)
    space = load_space(tmp_path / "seen.yaml")

    def recorded(python: str | None) -> Harness:
        return _Recorded()

    with StudyWriter(tmp_path / "seen", space, None, {}) as writer:
        plan = make_plan(space, writer.study.measurements, Budget())
        explore(writer, space, recorded, plan, 0, lambda _: None, lambda: False)
    with make_dashboard(Study.read(tmp_path / "seen"), "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())


def test_the_api_has_every_trial_with_units_and_loadgens_summary(address: str) -> None:
    (study,) = json.loads(_get(f"{address}/api/studies"))["study_summaries"]
    assert study["study_name"] == "seen"
    detail = json.loads(_get(f"{address}/api/studies/{study['study_id']}"))
    assert len(detail["trials"]) == 3
    trial = detail["trials"][0]
    attributes = {attribute["key"]: attribute["value"] for attribute in trial["user_attrs"]}
    assert attributes["p90 latency"].strip('"').endswith(" ms")
    assert attributes["peak memory"].strip('"') == "64.0 MiB"
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
    assert "seen (id=1)" in done.stdout
