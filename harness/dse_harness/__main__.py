"""The command line: ``run`` a request, ``describe`` a model, list ``engines``.

``preprocess`` is what a run starts that lacks pixels, ``compile`` what one starts that lacks a compiled model, and
``resident`` what dse starts to fork its runs from. ``launch``, ``store`` and ``facts`` are a device's side of a fleet.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from dse_harness import process

if TYPE_CHECKING:
    from collections.abc import Callable

    from dse_harness.protocol import Response

_USAGE = """\
usage: dse-harness run REQUEST.json
       dse-harness describe MODEL [ENGINE]
       dse-harness engines
       dse-harness launch|store|facts ROOT

Without that command: python -m dse_harness ...

run       measures what the request asks for and writes response.json and LoadGen's logs into the request's folder,
          which must not have a response.json
describe  prints what the engine (litert) says about the model, for each delegate, as JSON
engines   prints the engines that a request may name, and the version of each that is installed here, as JSON
launch, store and facts are what `dse explore --devices` uses: a run under the device's lease, files by their SHA-256,
          and what the device says about itself; ROOT is the device's folder
"""


def main(arguments: list[str]) -> int:
    """The exit code: 0 when a response (or description) was written, whatever it says; 2 for a wrong call."""
    if arguments[:1] not in (["launch"], ["store"], ["facts"]):  # who runs a device is at the end of a connection
        process.die_with_parent()
    match arguments:
        case ["launch" | "store" | "facts" as name, root, *machine] if len(machine) < 2:
            return _device(name, Path(root).expanduser(), Path(*machine or "/"))
        case ["run", request]:
            return _run(Path(request))
        case ["describe", model]:
            return _describe(Path(model))
        case ["describe", model, engine]:
            return _describe(Path(model), engine)
        case ["engines"]:
            return _engines()
        case ["preprocess", request, side, cache, *shards]:
            return _preprocess(Path(request), int(side), Path(cache), list(map(int, shards)))
        case ["compile", request, target]:
            return _compile(Path(request), Path(target))
        case ["resident", engine]:
            from dse_harness.resident import serve

            return serve(engine, _run)
    print(_USAGE, end="", file=sys.stderr)
    return 2


def console() -> int:
    """The command ``dse-harness``."""
    return main(sys.argv[1:])


def _device(name: str, root: Path, machine: Path) -> int:
    if name == "launch":
        from dse_harness.launch import launch

        return launch(root, machine)
    if name == "store":
        from dse_harness.store import store

        return store(root)
    from dse_harness.facts import facts

    return facts(root, machine)


def _run(request_path: Path, engine_bytes: int = 0, answered: Callable[[], object] | None = None) -> int:
    """``engine_bytes`` of the resident set are an engine that this process had imported before it was forked.

    Who waits to hear that it has ``answered`` does not wait for the disk.
    """
    from dse_harness.protocol import sync, write

    response_path = request_path.with_name("response.json")
    if not request_path.is_file():
        print(f"{request_path}: no such file", file=sys.stderr)
        return 2
    if os.path.lexists(response_path):  # a measurement of somebody's; if this process crashes, not its own either
        print(
            f"{response_path}: exists, and a response is never written over: copy request.json into a new folder and "
            "run it there",
            file=sys.stderr,
        )
        return 2
    is_there = False

    def answer(response: Response) -> None:
        nonlocal is_there
        write(response, response_path, durable=answered is None)
        is_there = True
        if response.failure:
            print(f"{response.failure.error}: {response.failure.message}", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        if answered is not None:
            answered()

    response = _response(request_path, engine_bytes, answer)
    if not is_there:
        answer(response)
    if answered is not None:
        sync(response_path)
    # Without the teardown of the runtimes' and LoadGen's threads and libraries: it takes time, and may crash.
    os._exit(0)


def _response(request_path: Path, engine_bytes: int, found: Callable[[Response], object]) -> Response:
    """``found`` as of `dse_harness.measure.measure`."""
    from dse_harness.decode import ProtocolError
    from dse_harness.protocol import Failure, Request, Response, read

    try:
        request = read(Request, request_path)
    except ProtocolError as error:
        return Response(Failure("bad_request", str(error)))
    try:
        from dse_harness.measure import measure
    except ImportError as error:
        return Response(Failure("runtime_missing", f"{error}: {sys.executable} -m pip install numpy mlcommons-loadgen"))
    return measure(request, request_path, engine_bytes, found)


def _describe(model: Path, name: str | None = None) -> int:
    from dse_harness.describe import describe
    from dse_harness.engines import engine_named
    from dse_harness.errors import HarnessError
    from dse_harness.protocol import Request, RuntimeSpec
    from dse_harness.tasks import task_of

    name, described = name or RuntimeSpec().name, {}
    try:
        task, engine = task_of(Request.task), engine_named(name)
    except HarnessError as error:
        print(error.failure.message, file=sys.stderr)
        return 2
    for delegate in engine.delegates:
        try:
            session = engine(RuntimeSpec(name, 1, delegate)).load(model)
            described[delegate] = asdict(describe(session, model, task(session.outputs, None)))
        except HarnessError as error:
            described[delegate] = asdict(error.failure)
    print(json.dumps(described, indent=2))
    return 0


def _engines() -> int:
    from dse_harness.engines import ENGINES, installed_version

    found = {}
    for name in ENGINES:
        engine = ENGINES.get(name)
        packages, version = list(engine.packages), installed_version(engine)
        found[name] = {"title": engine.title, "packages": packages, "installed": version}
    print(json.dumps(found, indent=2))
    return 0


def _preprocess(request_path: Path, side: int, cache: Path, shards: list[int]) -> int:
    """Errors go to stdout as a Failure, for the run that waits for the pixels."""
    from dse_harness.errors import HarnessError
    from dse_harness.preprocessing import build
    from dse_harness.protocol import Failure, Request, read

    request = read(Request, request_path)
    try:
        build(request.data_set, request_path.parent, request.preprocessing, side, cache, shards)
    except HarnessError as error:
        print(json.dumps(asdict(error.failure)))
        return 1
    except OSError as error:
        print(json.dumps(asdict(Failure("data_set", f"{cache}: pixels cannot be kept: {error}"))))
        return 1
    except MemoryError:
        print(json.dumps(asdict(Failure("out_of_memory", f"no memory left to preprocess images for a side of {side}"))))
        return 1
    return 0


def _compile(request_path: Path, target: Path) -> int:
    """Errors go to stdout as a Failure, for the run that waits for the model."""
    from dse_harness.compiled import make
    from dse_harness.errors import HarnessError
    from dse_harness.protocol import Failure, Request, read

    try:
        make(request_path, read(Request, request_path), target)
    except HarnessError as error:
        failure = error.failure
    except OSError as error:
        failure = Failure("internal", f"{target}: a compiled model cannot be kept: {error}")
    except MemoryError:
        failure = Failure("out_of_memory", "no memory left to compile the model")
    else:
        return 0
    print(json.dumps(asdict(failure)))
    return 1


if __name__ == "__main__":
    sys.exit(console())
