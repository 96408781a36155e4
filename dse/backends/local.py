"""The real harness: a fresh process for each request, killed with all that it started when its time is over."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from dse_harness import boot, protocol
from dse_harness.decode import ProtocolError
from dse_harness.protocol import ErrorClass, Failure, Request, Response

from dse import processes
from dse.errors import why


@dataclass(frozen=True)
class LocalBackend:
    """Runs the harness in a process of its own for each request."""

    is_deterministic = False
    provenance = None

    def run(self, request: Request, folder: Path, timeout_s: float, *, python: str | None = None) -> Response:
        """Write request.json, run the process, return response.json, which exists afterwards whatever happened."""
        response_path, python = folder / "response.json", python or sys.executable
        protocol.write(request, folder / "request.json")
        response_path.unlink(missing_ok=True)  # if the process crashes, no older one must be taken for its own
        try:
            ended = processes.run(
                [*boot.command(python), "run", str(folder / "request.json")],
                folder=folder,
                log=folder / "stderr.log",
                timeout_s=timeout_s,
                environment={"DSE_PARENT": str(os.getpid())},
            )
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


def _failed(path: Path, error: ErrorClass, message: str) -> Response:
    response = Response(failure=Failure(error, message))
    protocol.write(response, path)
    return response
