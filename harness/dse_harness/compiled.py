"""Models as an engine compiled them, kept by content: compiling takes longer than a measurement.

A model is compiled in a process of its own, and always loaded from what was kept: time and memory of a trial are the
same whether it is the first of its model or not.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path

from dse_harness import children
from dse_harness.engines import CompilingEngine, Engine, Session, engine_of
from dse_harness.errors import HarnessError
from dse_harness.protocol import Request
from dse_harness.pruning import prune

FOLDER = "compiled"
_SCHEMA = 1
_CPUINFO_BYTES = 1 << 14
"""Of /proc/cpuinfo, which has a paragraph for each processor: the first one is in these."""


def load(engine: Engine, request: Request, request_path: Path) -> Session:
    """The request's model: compiled, where the engine compiles, on first use. Raises HarnessError."""
    model = request_path.parent / request.model_path
    if not isinstance(engine, CompilingEngine):
        return engine.load(model)
    folder = request_path.parent / request.cache_dir / FOLDER
    name = _name(engine, request)
    contents = _kept(folder, name)
    if contents is None:
        children.run(("compile", str(request_path), str(folder / name)), "compiling")
        contents = _kept(folder, name)
    if contents is None:
        raise HarnessError("internal", f"{folder / name}: compiled, and not there")
    try:
        return engine.load_compiled(contents)
    except (RuntimeError, ValueError) as error:
        raise HarnessError("internal", f"{folder / name}: {' '.join(str(error).split())}; delete it") from error


def make(request_path: Path, request: Request, target: Path) -> None:
    """Compile the request's model and keep it as ``target`` and its SHA-256. Raises HarnessError, OSError."""
    model = request_path.parent / request.model_path
    engine = engine_of(request.runtime)(request.runtime)
    assert isinstance(engine, CompilingEngine)
    contents = engine.compile(model)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(contents)
        temporary.replace(target.with_name(f"{target.name}-{hashlib.sha256(contents).hexdigest()}"))
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    prune(target.parent)


def _kept(folder: Path, name: str) -> bytes | None:
    """What was kept under this name and is whole."""
    for path in sorted(folder.glob(f"{name}-*")):
        contents = path.read_bytes()
        if path.name == f"{name}-{hashlib.sha256(contents).hexdigest()}":
            return contents
    return None


def _name(engine: CompilingEngine, request: Request) -> str:
    """What the compiled model depends on: the file, the engine, how it is to run, and on which kind of processor."""
    runtime = {name: value for name, value in asdict(request.runtime).items() if name != "cpu_affinity"}
    if runtime["batch_size"] == 1:  # as it was called before there were others
        del runtime["batch_size"]
    content = {
        "schema": _SCHEMA,
        "model": request.model_sha256,
        "runtime": runtime,
        "version": engine.version,
        "processor": _processor(),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _processor() -> str:
    """Its instruction sets, as far as Linux tells."""
    try:
        with open("/proc/cpuinfo", "rb") as file:  # noqa: PTH123
            text = file.read(_CPUINFO_BYTES).decode(errors="replace")
    except OSError:
        text = ""
    lines = (line for line in text.splitlines() if line.partition(":")[0].strip() in ("flags", "Features"))
    return f"{os.uname().machine} {next(lines, '').partition(':')[2].strip()}"
