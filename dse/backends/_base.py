from __future__ import annotations

from pathlib import Path
from typing import Protocol

from dse_harness.protocol import Request, Response


class Backend(Protocol):
    """Measures one request. What goes wrong comes back as a response with a failure, never as an exception."""

    def run(self, request: Request, folder: Path, timeout_s: float) -> Response:
        """Measure ``request`` in ``folder``: request.json, response.json, LoadGen's logs, stderr.log."""
