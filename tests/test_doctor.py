"""`dse doctor`'s findings on machines that show more or less of themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from dse_harness.engines import ENGINES, installed_version
from dse_harness.protocol import Failure

import dse
from dse.doctor import examine, measure_noise
from dse.errors import MachineError, NothingMeasuredError
from dse.finding import Finding
from dse.models.precisions import QUANTIZERS, Quantizer
from dse.samplers.registry import SAMPLERS
from tests.harness.distributions import install


def _findings(root: Path) -> dict[str, Finding]:
    return {finding.name: finding for finding in islice(examine(root), 12)}  # all but the measurement


def _governor(root: Path, core: int, governor: str | None) -> None:
    file = root / f"sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor"
    file.parent.mkdir(parents=True)
    if governor is None:
        file.mkdir()  # as an offline core's: there, and not to be read
    else:
        file.write_text(f"{governor}\n")


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))


def test_a_machine_that_shows_nothing_is_no_error(tmp_path: Path) -> None:
    found = _findings(tmp_path / "root")
    for name in ("governor", "load", "memory"):
        assert (found[name].verdict, found[name].found) == ("ok", "this machine shows none")


def test_a_core_that_is_offline_is_passed_over(tmp_path: Path) -> None:
    _governor(tmp_path, 0, "performance")
    _governor(tmp_path, 1, None)
    assert _findings(tmp_path)["governor"] == Finding("governor", "ok", "performance")


def test_what_makes_latencies_noisy_is_advice(tmp_path: Path) -> None:
    _governor(tmp_path, 0, "powersave")
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/loadavg").write_text("999.5 1 1 1/1 1\n")
    (tmp_path / "proc/meminfo").write_text("MemTotal: 4096 kB\nMemAvailable: 1024 kB\n")
    found = _findings(tmp_path)
    assert {name for name in ("governor", "load", "memory") if found[name].verdict == "advice" and found[name].fix} == {
        "governor",
        "load",
        "memory",
    }


def test_each_engine_is_told_with_its_version_or_what_installs_it(tmp_path: Path) -> None:
    found = _findings(tmp_path)["engines"]
    assert found.verdict == "ok"
    for name in ENGINES:
        engine = ENGINES.get(name)
        if name != "litert":
            version = installed_version(engine)
            assert f"{name} {version or 'is not installed'}" in found.found
            assert (f"{engine.title}: pip install {engine.packages[0]}" in (found.fix or "")) == (version is None)


def test_what_quantizes_is_told_or_what_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = _findings(tmp_path)["quantizers"]
    assert found.found.startswith(".tflite: ai-edge-quantizer 0.")
    assert (found.verdict, found.fix) == ("ok", None)
    monkeypatch.setitem(QUANTIZERS, ".onnx", Quantizer(("float32",), ("no-such",), "onnxruntime,quantize"))
    lacking = _findings(tmp_path)["quantizers"]
    assert lacking.found.endswith("; .onnx: none")
    assert lacking.fix == "to make precisions of .onnx: pip install 'dse[onnxruntime,quantize]'"


def test_samplers_and_what_they_lack_are_told(tmp_path: Path) -> None:
    found = _findings(tmp_path)["samplers"]
    assert found.verdict == "ok"
    assert found.found.startswith("auto, ehvi, ")
    assert ("gp needs" in found.found) == bool(SAMPLERS.get("gp").missing)


def test_what_other_distributions_add_is_loaded(tmp_path: Path) -> None:
    assert _findings(tmp_path)["additions"] == Finding("additions", "ok", "no other distribution adds to dse")


@pytest.mark.parametrize(
    ("value", "verdict", "found"),
    [
        ("dse.backends.fake:FakeDevice", "ok", "ours of dse.backends"),
        (
            "no_such_module:Thing",
            "missing",
            "dse.backends: 'ours' (no_such_module:Thing) from toys 1.0: cannot be loaded",
        ),
    ],
)
def test_a_broken_addition_is_told(tmp_path: Path, value: str, verdict: str, found: str) -> None:
    install(tmp_path / "site", "toys", "dse.backends", {"ours": value})
    program = "import dse.doctor; found = dse.doctor._additions(); print(found.verdict); print(found.found)"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{verdict}\n{found}")


def test_a_broken_round_is_told(tmp_path: Path) -> None:
    install(tmp_path / "site", "toys", "dse.rounds", {"v9.0": "no_such_module:Round"})
    program = "import dse.doctor; found = dse.doctor._additions(); print(found.verdict, found.found)"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("missing dse.rounds: 'v9.0' (no_such_module:Round) from toys 1.0: cannot be loaded")


def test_the_noise_of_the_machine_is_that_of_its_first_configuration_that_works() -> None:
    device = dse.FakeDevice(
        latency_ns=lambda _: 1e6,
        accuracy=lambda _: 0.8,
        failure=lambda r: Failure("delegate_refused", "no") if r.runtime.delegate == "xnnpack" else None,
        noise=0.01,
    )
    ran: list[int] = []
    found = measure_noise(dse.load_space("mobilenet_v3"), device, ran.append)
    assert ran == list(range(1, 21))
    assert (found.runs, found.space, found.config["delegate"]) == (20, "mobilenet_v3", "builtin")
    assert found.metrics["latency_p90_ns"].sd == pytest.approx(0.01, rel=0.5)
    assert found.metrics["latency_p90_ns"].difference == pytest.approx(
        2.96 * found.metrics["latency_p90_ns"].sd, rel=0.05
    )
    assert "accuracy" not in found.metrics
    assert "model_memory_bytes" not in found.metrics  # all of them are equal


def test_noise_is_not_told_of_runs_without_a_processor_or_without_figures() -> None:
    space = dse.load_space("mobilenet_v3")
    busy = dse.FakeDevice(latency_ns=lambda _: 1e6, accuracy=lambda _: 0.8, useful_threads=0)
    with pytest.raises(MachineError, match="20 of 20 runs did not get the processor"):
        measure_noise(space, busy)
    hot = dse.FakeDevice(latency_ns=lambda _: 1e6, accuracy=lambda _: 0.9, throttled=lambda now_s: now_s > 5)
    with pytest.raises(MachineError, match=r"^2 of 20 runs count, a quarter is wanted; the others: throttled$"):
        measure_noise(space, hot)
    broken = dse.FakeDevice(
        latency_ns=lambda _: 1e6, accuracy=lambda _: 0.8, failure=lambda _: Failure("crashed", "no")
    )
    with pytest.raises(NothingMeasuredError, match="none of the first 10 configurations"):
        measure_noise(space, broken)
