"""What stands before the dashboard: only this machine's own pages get in, and by default only to look."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from dse.log import logger

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from _typeshed import OptExcInfo

_LOG = logger(__name__)
_LOOKING = ("GET", "HEAD")
_KEPT = re.compile(r"/api/(studies(/\d+(/rename)?)?|artifacts(/.*)?)/?")
"""What a browser may not change even where it may edit: the study itself and the files of its trials."""
_FILE = re.compile(r"/artifacts/\d+(?:/\d+)?/([0-9a-fA-F-]+)")
_HEADERS = [
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
]
_PAGE_POLICY = "frame-ancestors 'none'"
_FILE_POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'"
"""A log is text, whatever a database from elsewhere calls it."""


class Guard:
    """A WSGI application before another one, at loopback ``port``.

    A request needs a Host of this machine's, which a page by way of another name (DNS rebinding) does not have, and it
    comes from the dashboard's own pages, from the address line, or from a link. It may only look, unless ``edit`` is
    set; ``how_to_edit`` says how to set it. ``has_file`` says whether the file behind an artifact's id is there.
    """

    def __init__(
        self,
        application: WSGIApplication,
        port: int,
        has_file: Callable[[str], bool],
        *,
        edit: bool = False,
        how_to_edit: str = "",
    ) -> None:
        self._application = application
        self._has_file = has_file
        self._edit = edit
        self._how_to_edit = f"; {how_to_edit}" if how_to_edit else ""
        names = ("127.0.0.1", "localhost", "[::1]")
        self._hosts = {f"{name}:{port}" for name in names} | set(names if port == 80 else ())

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer, or refuse with a status and a JSON object that says why."""
        host, path, method = (
            environ.get("HTTP_HOST", "").lower(),
            environ.get("PATH_INFO", ""),
            environ["REQUEST_METHOD"],
        )
        if host not in self._hosts:
            return _refuse(start_response, "403 Forbidden", "this dashboard is for 127.0.0.1 and localhost only")
        if not self._is_own(environ, host):
            return _refuse(start_response, "403 Forbidden", "this dashboard answers no page from elsewhere")
        if method not in _LOOKING and not self._edit:
            why = f"nothing can be changed here: this dashboard was started to look only{self._how_to_edit}"
            return _refuse(start_response, "405 Method Not Allowed", why)
        if method not in _LOOKING and (method == "DELETE" or _KEPT.fullmatch(path)):
            why = "a study is its folder, and its trials' files do not change: remove or rename the folder itself"
            return _refuse(start_response, "403 Forbidden", why)
        file = _FILE.fullmatch(path)
        if file and not self._has_file(file[1]):
            return _refuse(start_response, "404 Not Found", "the trial has no such file")

        environ.setdefault("HTTP_ACCEPT_ENCODING", "")  # without which the dashboard's own files are an error of it
        environ["wsgi.errors"] = io.StringIO()  # for tracebacks: what could not be answered is said in a line

        def start(
            status: str, headers: list[tuple[str, str]], error: OptExcInfo | None = None
        ) -> Callable[[bytes], object]:
            if status.startswith("5"):
                _LOG.error("the dashboard could not answer %s %r: %s", method, path[:200], status)
            kept = [(name, value) for name, value in headers if not name.lower().startswith("access-control-")]
            policy = ("Content-Security-Policy", _FILE_POLICY if file else _PAGE_POLICY)
            return start_response(status, [*kept, *_HEADERS, policy], error)

        return self._application(environ, start)

    def _is_own(self, environ: WSGIEnvironment, host: str) -> bool:
        """Whether the request comes from the dashboard itself or from no page at all; a link may lead to its pages."""
        origin, site = environ.get("HTTP_ORIGIN"), environ.get("HTTP_SEC_FETCH_SITE", "none")
        if origin is not None and origin.lower() != f"http://{host}":
            return False
        is_link = environ.get("HTTP_SEC_FETCH_MODE") == "navigate" and environ.get("HTTP_SEC_FETCH_DEST") == "document"
        return site in ("same-origin", "none") or (is_link and environ["REQUEST_METHOD"] in _LOOKING)


def _refuse(start_response: StartResponse, status: str, why: str) -> Iterable[bytes]:
    body = json.dumps({"reason": why}).encode()
    allow = [("Allow", ", ".join(_LOOKING))] if status.startswith("405") else []
    start_response(
        status, [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *allow, *_HEADERS]
    )
    return [body]
