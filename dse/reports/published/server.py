"""The page of a results database over HTTP: one page at one address, made again when what it shows has changed."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Hashable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6
from threading import Lock
from typing import Any

from dse.errors import DseError, Remedy, UsageError, why

_OWN_NAMES = ("127.0.0.1", "localhost", "[::1]")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class PageServer(ThreadingHTTPServer):
    """Bound to ``host`` and ``port`` (0: a free one), and not yet serving.

    ``make`` makes the page, and again once ``state`` of what it is made of is another. At a loopback address a request
    has to name this machine: a page of somebody else that leads its own name here (DNS rebinding) does not. Raises
    UsageError where it cannot listen there.
    """

    def __init__(self, host: str, port: int, make: Callable[[], str], state: Callable[[], Hashable]) -> None:
        self._make, self._state = make, state
        self._made: tuple[Hashable, bytes] | None = None
        self._making = Lock()
        if ":" in host:
            self.address_family = AF_INET6
        self._name = f"[{host}]" if ":" in host else host
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise UsageError(f"cannot listen on {self._name}:{port}: {why(error)}", remedy=Remedy.OTHER_PORT) from error
        names = (*_OWN_NAMES, self._name)
        self.hosts = {f"{name}:{self.server_port}" for name in names} | set(names if self.server_port == 80 else ())
        self.is_open = not is_loopback(host)

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{self._name}:{self.server_port}/"

    def page(self) -> bytes:
        """The page as it is now. Raises what making it does."""
        with self._making:
            state = self._state()
            if self._made is None or self._made[0] != state:
                self._made = state, self._make().encode()
            return self._made[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went away."""


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    server_version, sys_version = "dse", ""
    timeout = 60

    def do_GET(self) -> None:  # the name is http.server's
        """The page, or why there is none."""
        if not self.server.is_open and self.headers.get("Host", "").lower() not in self.server.hosts:
            self._answer(HTTPStatus.FORBIDDEN, b"these results are for 127.0.0.1 and localhost only\n")
        elif self.path.partition("?")[0] != "/":
            self._answer(HTTPStatus.NOT_FOUND, b"the results are at /\n")
        else:
            try:
                page = self.server.page()
            except (DseError, OSError) as error:  # no folder of this machine is told
                said = error.message if isinstance(error, DseError) else why(error)
                self._answer(HTTPStatus.SERVICE_UNAVAILABLE, f"the results cannot be shown now: {said}\n".encode())
            else:
                self._answer(HTTPStatus.OK, page, "text/html")

    def do_HEAD(self) -> None:
        """What `do_GET` says of itself."""
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is http.server's
        """Say nothing: a line per request helps nobody."""

    def _answer(self, status: HTTPStatus, body: bytes, kind: str = "text/plain") -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": f"{kind}; charset=utf-8",
            "Content-Length": str(len(body)),
            **_HEADERS,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
