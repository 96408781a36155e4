"""What this machine has and lacks for measuring, each finding with the command that mends it."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from importlib import metadata
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from dse_harness.engines import ENGINES, installed_version
from dse_harness.protocol import DataSetSpec, PerformanceSpec, Request, RuntimeSpec
from dse_harness.registry import Registry, RegistryError
from dse_harness.scenarios import SCENARIOS
from dse_harness.tasks import TASKS

from dse import zoo
from dse.backends import BACKENDS, Backend, LocalBackend
from dse.core.exclusions import find_exclusions
from dse.core.measurement import Measurement
from dse.core.metrics import METRICS
from dse.core.repeatability import repeatability
from dse.errors import DseError, MachineError, NothingMeasuredError
from dse.finding import Finding
from dse.fleet.transports import TRANSPORTS
from dse.machine import MachineNoise, Spread, this_machine
from dse.models import MODEL_SOURCES, ZooSource
from dse.models.precisions import QUANTIZERS, versions
from dse.paths import cache_dir, require_cache
from dse.samplers.registry import SAMPLERS, sampler_names
from dse.shipped import shipped
from dse.spaces.data_sets import DATA_SETS
from dse.spaces.space import Space
from dse.submission.rounds import ROUNDS

_LOW_MEMORY_BYTES = 1 << 30
_LOW_DISK_BYTES = 1 << 30
_BUSY = 0.2
NOISE_RUNS = 20
"""Processes of the reference configuration: the standard deviation of so many is known to a sixth."""
_TRIED = 10
"""Configurations that are tried until one works."""
_DEFAULT = ENGINES.get(RuntimeSpec().name)


def examine(root: Path = Path("/")) -> Iterator[Finding]:
    """Look at everything that dse needs, cheapest first. ``root`` replaces ``/`` for /proc and /sys."""
    yield _python()
    yield _package("mlcommons-loadgen", "MLPerf LoadGen")
    for package in _DEFAULT.packages:
        yield _package(package, f"{_DEFAULT.title}, the default engine")
    yield _engines()
    yield _quantizers()
    yield _compiler()
    yield _cache()
    yield _governor(root)
    yield _load(root)
    yield _memory(root)
    yield _samplers()
    yield _additions()
    yield _measurement()


def _python() -> Finding:
    found = f"Python {sys.version.split()[0]}, {sys.executable}"
    return Finding("python", "ok", found)


def _package(name: str, why: str) -> Finding:
    try:
        return Finding(name, "ok", f"{metadata.version(name)}, {why}")
    except metadata.PackageNotFoundError:
        return Finding(name, "missing", f"not installed; it is {why}", f"{sys.executable} -m pip install {name}")


def _engines() -> Finding:
    """The other engines: none of them has to be here, and an interpreter that a space names may have one."""
    found, lacking = [], []
    for name in ENGINES:
        try:
            engine = ENGINES.get(name)
        except RegistryError:  # which `_additions` tells
            continue
        if engine is not _DEFAULT:
            version = installed_version(engine)
            found.append(f"{name} {version or 'is not installed'}")
            lacking += [] if version else [f"{engine.title}: pip install {' '.join(engine.packages)}"]
    return Finding("engines", "ok", ", ".join(found), f"to search with {'; '.join(lacking)}" if lacking else None)


def _quantizers() -> Finding:
    """What makes precisions of a float model of one's own: nothing else needs it."""
    found, lacking = [], []
    for suffix in QUANTIZERS:
        try:
            found.append(f"{suffix}: {', '.join(f'{name} {version}' for name, version in versions(suffix).items())}")
        except MachineError as error:
            found.append(f"{suffix}: none")
            lacking.append(f"{suffix}: {error.hint}")
    fix = f"to make precisions of {'; of '.join(lacking)}" if lacking else None
    return Finding("quantizers", "ok", "; ".join(found), fix)


def _compiler() -> Finding:
    """LoadGen has no wheel for Linux on ARM: pip compiles it there, which takes a compiler and Python's headers."""
    if os.uname().machine == "x86_64":
        return Finding("compiler", "ok", "not needed: LoadGen has a wheel for this machine")
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    headers = Path(sysconfig.get_path("include"), "Python.h").exists()
    if compiler and headers:
        return Finding("compiler", "ok", f"{compiler}, and Python's headers")
    lacking = " and ".join(n for n, there in (("a C++ compiler", compiler), ("Python's headers", headers)) if not there)
    fix = "sudo apt-get install g++ python3-dev"
    return Finding("compiler", "missing", f"no {lacking}; LoadGen has no wheel for {os.uname().machine}", fix)


def _cache() -> Finding:
    try:
        require_cache()
    except MachineError as error:
        return Finding("cache", "missing", str(error), error.advice)
    free = shutil.disk_usage(cache_dir()).free
    found = f"{cache_dir()}, {free / 2**30:.1f} GiB free"
    if free < _LOW_DISK_BYTES:
        return Finding("cache", "advice", found, "free some space, or export DSE_CACHE=/another/folder")
    return Finding("cache", "ok", found)


def _governor(root: Path) -> Finding:
    files = root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor")
    governors = {text.strip() for path in files if (text := _text(path))}
    if not governors:
        return Finding("governor", "ok", "this machine shows none")
    found = ", ".join(sorted(governors))
    if governors <= {"performance"}:
        return Finding("governor", "ok", found)
    return Finding(
        "governor", "advice", f"{found}: clocks change during a run", "sudo cpupower frequency-set -g performance"
    )


def _load(root: Path) -> Finding:
    text = _text(root / "proc/loadavg")
    if not text:
        return Finding("load", "ok", "this machine shows none")
    load = float(text.split()[0])
    found = f"{load:.2f} on {os.cpu_count()} cores"
    if load > _BUSY * (os.cpu_count() or 1):
        return Finding("load", "advice", f"{found}: something else is running", "stop it: latencies will be noisy")
    return Finding("load", "ok", found)


def _memory(root: Path) -> Finding:
    lines = _text(root / "proc/meminfo").splitlines()
    available = next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)
    if available is None:
        return Finding("memory", "ok", "this machine shows none")
    found = f"{available / 2**30:.1f} GiB available"
    if available < _LOW_MEMORY_BYTES:
        return Finding("memory", "advice", found, "close programs, or search with smaller buffer_size levels")
    return Finding("memory", "ok", found)


def _samplers() -> Finding:
    """Which samplers a space may name; one that lacks a package is no trouble until a space does."""
    try:
        entries = {name: SAMPLERS.get(name) for name in SAMPLERS}
    except RegistryError as error:
        return Finding("samplers", "advice", str(error))
    lacking = [f"{name} needs {' and '.join(missing)}" for name, entry in entries.items() if (missing := entry.missing)]
    return Finding("samplers", "ok", "; ".join([", ".join(sampler_names()), *lacking]))


def _text(path: Path) -> str:
    """What the kernel says there; nothing for a core that is offline, or where a container hides it."""
    try:
        return path.read_text()
    except OSError:
        return ""


def _additions() -> Finding:
    """What other distributions add must load: a broken entry would end the first search that meets it.

    Samplers are told apart.
    """
    registries: tuple[Registry[Any], ...] = (
        *(ENGINES, TASKS, SCENARIOS, METRICS),
        *(MODEL_SOURCES, DATA_SETS, BACKENDS, ROUNDS, TRANSPORTS),
    )
    found = []
    for registry in registries:
        try:
            for name in registry.added():
                registry.get(name)
                found.append(f"{name} of {registry.group}")
        except RegistryError as error:
            return Finding("additions", "missing", str(error))
    return Finding("additions", "ok", ", ".join(found) or "no other distribution adds to dse")


def _measurement() -> Finding:
    """The proof: the smallest model of the zoo, for a tenth of a second, in a process of its own."""
    entry = next(iter(zoo.entries().values()))
    variant = {"family": entry.family, "form": entry.form, "width": entry.width, "side": 48, "precision": "float32"}
    try:
        model = ZooSource(cache_dir() / "models").make(
            variant if entry.form == "minimalistic" else {**variant, "hard_swish": "operator"}
        )
    except DseError as error:
        return Finding("measurement", "missing", str(error), error.hint or "export DSE_CACHE=/another/folder")
    images = shipped("fashion_mnist", "validation.npz")
    with tempfile.TemporaryDirectory(prefix="dse-doctor-") as folder:
        request = Request(
            model_path=str(model.path),
            model_sha256=model.sha256,
            data_set=DataSetSpec("fashion_mnist", str(images), "doctor"),
            cache_dir=folder,
            performance=PerformanceSpec(buffer_size=64, min_duration_ms=100),
        )
        response = LocalBackend(fresh=True).run(request, Path(folder), timeout_s=60)
    if response.failure or not response.performance:
        reason = response.failure.message if response.failure else "no performance figures"
        return Finding(
            "measurement",
            "missing",
            reason,
            f"{sys.executable} -m pip install --force-reinstall {' '.join(_DEFAULT.packages)} mlcommons-loadgen",
        )
    queries, p90 = response.performance.query_count, response.performance.latency_p90_ns
    return Finding("measurement", "ok", f"LoadGen measured {entry.name}: {queries} queries, p90 {p90 / 1e6:.3f} ms")


def measure_noise(
    space: Space, backend: Backend, ran: Callable[[int], object] = lambda _: None, runs: int = NOISE_RUNS
) -> MachineNoise:
    """How far ``runs`` processes of the reference configuration of ``space`` differ: the first one that works.

    ``ran`` is told after each how many there were. Every figure that was timed is in it, and every size that differs.
    A run in which something else shared the processor is left out, as a search leaves it out.
    Raises ModelError; NothingMeasuredError where no configuration works, and MachineError where most runs did not get
    the processor.
    """
    found: list[Measurement] = []
    for configuration in islice(space.tree.configurations(), _TRIED):
        source, experiment = space.source(configuration), space.experiment(configuration)
        model = source.make(space.variant(configuration))
        request = experiment.request(
            model_path=model.path, model_sha256=model.sha256, data_set=space.data_set.spec, cache=cache_dir()
        )
        python = space.runtime(configuration).python
        while len(found) < runs:
            with tempfile.TemporaryDirectory(prefix="dse-noise-") as folder:
                response = backend.run(request, Path(folder), space.fidelity.trial_timeout, python=python)
            if response.failure:
                break
            found.append(Measurement(len(found), configuration, experiment.key(), response))
            ran(len(found))
        if len(found) == runs:
            break
        found.clear()
    else:
        raise NothingMeasuredError(f"none of the first {_TRIED} configurations of {space.name} works", path=space.path)
    exclusions = find_exclusions(found)
    if sentence := exclusions.starved:
        raise MachineError(sentence, hint="stop what else is running, then dse doctor --noise again")
    counting = [run for run in found if exclusions.counts(run)]
    if len(counting) * 4 < len(found):
        reasons = sorted({reason.word for run in found for reason in exclusions.reasons.get(run.trial, ())})
        raise MachineError(
            f"{len(counting)} of {len(found)} runs count, a quarter is wanted; the others: {', '.join(reasons)}",
            hint="stop what else is running, then dse doctor --noise again",
        )
    return _noise_of(space, counting)


def _noise_of(space: Space, runs: list[Measurement]) -> MachineNoise:
    spreads: dict[str, Spread] = {}
    for name in METRICS:
        metric, values = METRICS.get(name), [run.values[name] for run in runs if name in run.values]
        if metric.scale != "ratio" or len(values) < len(runs) or (metric.noise is None and len(set(values)) == 1):
            continue
        found = repeatability([metric.scaled(value) for value in values])
        spreads[name] = Spread(
            found.sd, found.ratio, median(values), min(values), max(values), outliers=len(found.outliers)
        )
    response, configuration = runs[0].response, runs[0].configuration
    engine = space.runtime(configuration).engine
    evidence, before = response.evidence, response.device_before
    return MachineNoise(
        machine=this_machine(),
        engine=engine,
        engine_version=evidence.runtime_version if evidence else space.runtime_versions.get(engine, ""),
        measured_utc=before.time_utc if before else "",
        space=space.name,
        config=dict(configuration),
        runs=len(runs),
        metrics=spreads,
    )
