"""The real harness: a process for each request, killed with all that it started when its time is over."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from dse_harness import boot, protocol
from dse_harness.decode import ProtocolError
from dse_harness.protocol import ErrorClass, Failure, Request, Response

from dse import processes
from dse.backends.resident import Resident
from dse.errors import why
from dse.processes import Ended


@dataclass(frozen=True)
class LocalBackend:
    """Runs the harness in a process of its own for each request; one request at a time.

    The process is a fork of one that has imported the request's engine, a `Resident` for each interpreter and engine;
    with ``fresh``, and for official runs, it is started anew. Both say the same. `close` ends what is forked from.
    """

    fresh: bool = False
    _residents: dict[tuple[str, str], Resident] = field(default_factory=dict, init=False, repr=False, compare=False)

    is_deterministic = False
    provenance = None

    def run(self, request: Request, folder: Path, timeout_s: float, *, python: str | None = None) -> Response:
        """Write request.json, run the process, return response.json, which exists afterwards whatever happened."""
        response_path, python = folder / "response.json", python or sys.executable
        for resident in self._residents.values():  # one at a time, also where the next one is another engine's
            resident.finish()
        protocol.write(request, folder / "request.json", durable=False)  # the response is what cannot be made again
        response_path.unlink(missing_ok=True)  # if the process crashes, no older one must be taken for its own
        try:
            if self.fresh or _is_official(request):
                ended = _run_fresh(folder, timeout_s, python)
            else:
                ended = self._resident(python, request.runtime.name).run(folder, folder / "stderr.log", timeout_s)
        except OSError as error:
            return _failed(response_path, "runtime_missing", f"{python} does not start: {why(error)}")
        if ended.timed_out:
            return _failed(response_path, "timeout", f"killed after {timeout_s:g} s without an answer")
        try:
            return protocol.read(Response, response_path)
        except FileNotFoundError:
            said = ended.last_words
            return _failed(response_path, "crashed", f"{ended.reason}{': ' + said if said else ''}")
        except (OSError, ProtocolError) as error:
            return _failed(response_path, "internal", f"no response that this version reads: {error}")

    def close(self) -> None:
        """End the processes to fork from; a later `run` starts them again."""
        while self._residents:
            self._residents.popitem()[1].close()

    def _resident(self, python: str, engine: str) -> Resident:
        key = (python, engine)
        if key not in self._residents:
            self._residents[key] = Resident([*boot.command(python), "resident", engine])
        return self._residents[key]


def _is_official(request: Request) -> bool:
    return any(spec and spec.user_conf for spec in (request.performance, request.accuracy))


def _run_fresh(folder: Path, timeout_s: float, python: str) -> Ended:
    return processes.run(
        [*boot.command(python), "run", str(folder / "request.json")],
        folder=folder,
        log=folder / "stderr.log",
        timeout_s=timeout_s,
        environment={"DSE_PARENT": str(os.getpid())},
    )


def _failed(path: Path, error: ErrorClass, message: str) -> Response:
    response = Response(failure=Failure(error, message))
    protocol.write(response, path)
    return response
