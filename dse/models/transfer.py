"""HTTP as dse downloads with it: http and https alone, redirects that are looked at, servers that have to keep on.

A server may be anybody's: it may send a byte a second, headers without end, or lead to a file of this machine.
Redirects to other hosts are followed, as every large host sends one to where its files lie: without user and password,
and never from https to http.
"""

from __future__ import annotations

import http.client
import io
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from email.message import Message
from functools import partial
from typing import IO, Any

from dse.address import authorization, escaped, shown
from dse.durations import parse_duration
from dse.errors import ModelError, UsageError, why

AGAIN = "run the command again: it goes on from there"
_TIMEOUT = "DSE_DOWNLOAD_TIMEOUT"
_TIMEOUT_S = 6.0
_SLOWEST_BYTES_PER_S = 1024
_TOTAL_S = 3600.0
_MOST_HOPS = 10
_MOST_AROUND = 2**23
"""Bytes of headers and the like, not of the body: Python takes 100 lines of 64 KB, and any number behind a body."""
_BROKEN_OFF = (OSError, http.client.HTTPException, ValueError)
"""What the standard library raises for a server that hangs up, is silent or talks nonsense."""


def ask(url: str, headers: Mapping[str, str]) -> Answer | None:
    """What the server answers; None when everything came the last time. Raises ModelError, UsageError."""
    timeout_s = _timeout_s()
    request = _Request(escaped(url), headers=dict(headers))
    if words := authorization(url):
        request.add_unredirected_header("Authorization", words)  # for this server alone
    opener = urllib.request.OpenerDirector()
    clock = _Clock(timeout_s)
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        _Http(clock),
        _Https(clock),
        _Redirects(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    try:
        response: Answer = opener.open(request, timeout=timeout_s)
    except _RefusedError as error:
        raise ModelError(str(error), path=shown(url), hint="check the address") from None
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and headers:
            return None
        said = f"the server says {error.code} {str(error.reason)[:200]}"
        raise ModelError(said, path=shown(url), hint="check the address") from error
    except urllib.error.URLError as error:
        hint = "check the address and the network"
        raise ModelError(f"cannot be reached: {why(error.reason)}", path=shown(url), hint=hint) from error
    except _BROKEN_OFF as error:
        raise _broken_off(url, error) from error
    return response


def read_part(response: Answer, most_bytes: int, url: str) -> bytes:
    """What came of the body since the last call; nothing at its end. Raises ModelError."""
    response.clock.allow(most_bytes + _MOST_AROUND)
    try:
        return response.read1(most_bytes)
    except _BROKEN_OFF as error:
        raise _broken_off(url, error) from error


def _broken_off(url: str, error: BaseException) -> ModelError:
    slow = isinstance(error, TimeoutError)
    hint = f"{AGAIN}; {_TIMEOUT}=60s gives the server longer" if slow else AGAIN
    return ModelError(f"broken off: {str(error)[:200]}", path=shown(url), hint=hint)


def _timeout_s() -> float:
    written = os.environ.get(_TIMEOUT)
    try:
        seconds = parse_duration(written) if written else _TIMEOUT_S
    except ValueError as error:
        raise UsageError(f"{_TIMEOUT}: {error}") from None
    if not 0 < seconds <= _TOTAL_S:
        raise UsageError(f"{_TIMEOUT}: found {written!r}, allowed: more than nothing, up to an hour")
    return seconds


class _RefusedError(Exception):
    """A redirect that dse does not follow."""


class _Request(urllib.request.Request):
    hops = 0


class _Clock:
    """How long a server may let wait: ``timeout_s`` for anything and for 1 KB for each second of it, an hour in all.

    Only waiting counts: a slow disk of ours is no slow server.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._least = int(timeout_s * _SLOWEST_BYTES_PER_S)
        self._silent_s = self._window_s = self._all_s = 0.0
        self._bytes = 0
        self._allowed = _MOST_AROUND

    @property
    def left_s(self) -> float:
        """Seconds until `count` has to be told of something."""
        return max(self._timeout_s - max(self._silent_s, self._window_s), 0.001)

    def allow(self, most_bytes: int) -> None:
        """How much may come from now on."""
        self._allowed = most_bytes

    def count(self, waited_s: float, received: int) -> None:
        """So much came in that time. Raises TimeoutError for a server that is too slow, HTTPException for too much."""
        self._silent_s = 0.0 if received else self._silent_s + waited_s
        self._window_s += waited_s
        self._all_s += waited_s
        self._bytes += received
        self._allowed -= received
        if self._allowed < 0:
            raise http.client.HTTPException("headers without end")
        if self._all_s > _TOTAL_S:
            raise TimeoutError(f"it took more than {_TOTAL_S / 3600:g} h")
        if self._silent_s >= self._timeout_s:
            raise TimeoutError(f"nothing came for {self._timeout_s:g} s")
        if self._window_s >= self._timeout_s:
            if self._bytes < self._least:
                raise TimeoutError(f"{self._bytes} bytes in {self._timeout_s:g} s, expected at least {self._least}")
            self._window_s, self._bytes = 0.0, 0


class _Timed(io.RawIOBase):
    """A socket's stream, of which each reading waits for no longer than the clock says."""

    def __init__(self, raw: io.RawIOBase, sock: Any, clock: _Clock) -> None:
        self._raw, self._sock, self._clock = raw, sock, clock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        received = None
        while received is None:
            self._sock.settimeout(self._clock.left_s)
            began = time.monotonic()
            with suppress(TimeoutError):  # which a stream of the socket's own would not read on after
                received = int(self._sock.recv_into(buffer))
            self._clock.count(time.monotonic() - began, received or 0)
        return received

    def close(self) -> None:
        self._raw.close()  # the socket ends with the last stream on it
        super().close()


class Answer(http.client.HTTPResponse):
    """A server's answer, which comes in time or raises."""

    def __init__(self, sock: Any, *arguments: Any, clock: _Clock, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        self.clock = clock
        self.fp = io.BufferedReader(_Timed(self.fp.detach(), sock, clock), 1 << 16)


class _Connection(http.client.HTTPConnection):
    def __init__(self, *arguments: Any, clock: _Clock, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.response_class = partial(Answer, clock=clock)  # type: ignore[assignment] # a class there, called like one


class _SecureConnection(http.client.HTTPSConnection):
    def __init__(self, *arguments: Any, clock: _Clock, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.response_class = partial(Answer, clock=clock)  # type: ignore[assignment] # a class there, called like one


class _Http(urllib.request.HTTPHandler):
    def __init__(self, clock: _Clock) -> None:
        super().__init__()
        self._clock = clock

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_Connection, clock=self._clock), req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, clock: _Clock) -> None:
        super().__init__()
        self._clock = clock

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_SecureConnection, clock=self._clock), req)


class _Redirects(urllib.request.BaseHandler):
    def http_error_302(self, req: _Request, fp: IO[bytes], code: int, _: str, headers: Message) -> Any:
        fp.close()  # unread: it may have no end
        target = urllib.parse.urljoin(req.full_url, headers.get("Location") or "")
        scheme = target.partition(":")[0].lower()
        if scheme not in ("http", "https"):
            raise _RefusedError(f"the server leads to a {scheme[:20]}: address, allowed: http, https")
        if req.type == "https" and scheme == "http":
            raise _RefusedError("the server leads from https to http")
        if req.hops == _MOST_HOPS:
            raise _RefusedError(f"the server leads on more than {_MOST_HOPS} times")
        try:
            address = escaped(target)
        except ValueError as error:
            raise _RefusedError(f"the server leads to no address ({code})") from error
        following = _Request(address, headers=dict(req.headers))
        following.hops = req.hops + 1
        return self.parent.open(following, timeout=req.timeout)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302
