"""A local HTTP server that misbehaves by request: ``server.url("name")`` is an address that does what ``name`` says.

Each way is a function of the connection; ``WAYS`` has them all by name, ``GOOD`` those with which dse ends well.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

MODEL = b"\x1c\0\0\0TFL3" + bytes(range(256)) * 40
_STEP_S = 0.02
"""Between bytes of a slow server; a test shortens the time that dse gives it."""

Way = Callable[["Exchange"], None]


@dataclass
class Exchange:
    """One request, and how to answer it."""

    connection: socket.socket
    port: int
    head: bytes
    ended: threading.Event

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def answer(self, body: bytes = b"", status: str = "200 OK", **headers: object) -> None:
        lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def go_on(self) -> bool:
        """Whether the test still runs; False at once when it ended."""
        return not self.ended.wait(_STEP_S)


def _leads_to(target: str) -> Way:
    return lambda exchange: exchange.answer(status="302 Found", Location=target, Content_Length=0)


def _silent(exchange: Exchange) -> None:
    exchange.ended.wait()


def _slow_status(exchange: Exchange) -> None:
    for byte in b"HTTP/1.1 200 OK\r\n" * 10_000:
        exchange.send(bytes([byte]))
        if not exchange.go_on():
            return


def _slow_headers(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\n")
    number = 0
    while exchange.go_on():
        number += 1
        exchange.send(b"X: %d\r\n" % number)


def _slow_body(exchange: Exchange) -> None:
    exchange.answer(Content_Length=len(MODEL), ETag='"1"')
    for byte in MODEL:
        exchange.send(bytes([byte]))
        if not exchange.go_on():
            return


def _slow_chunks(exchange: Exchange) -> None:
    exchange.answer(Transfer_Encoding="chunked")
    while exchange.go_on():
        exchange.send(b"1\r\nx\r\n")


def _silent_body(exchange: Exchange) -> None:
    exchange.answer(MODEL[:100], Content_Length=len(MODEL), ETag='"1"')
    exchange.ended.wait()


def _forever(part: bytes) -> Way:
    def way(exchange: Exchange) -> None:
        while not exchange.ended.is_set():
            exchange.send(part)

    return way


def _endless_body(exchange: Exchange) -> None:
    exchange.answer(ETag='"1"')
    _forever(bytes(1 << 16))(exchange)


def _endless_trailers(exchange: Exchange) -> None:
    exchange.answer(b"0\r\n", Transfer_Encoding="chunked")
    _forever(b"X: y\r\n" * 1000)(exchange)


def _endless_redirect_body(exchange: Exchange) -> None:
    exchange.answer(status="302 Found", Location="/model")
    _forever(bytes(1 << 16))(exchange)


def _round(exchange: Exchange) -> None:
    exchange.answer(status="302 Found", Location="/round", Content_Length=0)


WAYS: Mapping[str, Way] = {
    "model": lambda exchange: exchange.answer(MODEL, Content_Length=len(MODEL)),
    "chunked": lambda exchange: exchange.answer(
        b"%x\r\n%s\r\n0\r\n\r\n" % (len(MODEL), MODEL), Transfer_Encoding="chunked"
    ),
    "no_length": lambda exchange: exchange.answer(MODEL),
    "kept_open": lambda exchange: (
        exchange.answer(MODEL, Content_Length=len(MODEL), Connection="keep-alive"),
        exchange.ended.wait(),
    )[0],
    "moved": lambda exchange: exchange.answer(status="301 Moved", Location="/model"),
    "other_host": lambda exchange: exchange.answer(
        status="307 Temporary", Location=f"http://localhost:{exchange.port}/model"
    ),
    "ftp": _leads_to("ftp://127.0.0.1/"),
    "file": _leads_to("file:///etc/passwd"),
    "data": _leads_to("data:text/plain,hello"),
    "nowhere": lambda exchange: exchange.answer(status="302 Found"),
    "no_address": _leads_to("http://[::1"),
    "controls": _leads_to("http://127.0.0.1/\x1b[31m"),
    "round": _round,
    "silent": _silent,
    "slow_status": _slow_status,
    "slow_headers": _slow_headers,
    "slow_body": _slow_body,
    "slow_chunks": _slow_chunks,
    "silent_body": _silent_body,
    "endless_status": _forever(b"HTTP/1.1 200 "),
    "endless_continue": _forever(b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "endless_headers": lambda exchange: (exchange.send(b"HTTP/1.1 200 OK\r\n"), _forever(b"X: y\r\n" * 100)(exchange))[
        0
    ],
    "endless_body": _endless_body,
    "endless_trailers": _endless_trailers,
    "endless_redirect_body": _endless_redirect_body,
    "huge_length": lambda exchange: exchange.answer(MODEL, Content_Length=10**15),
    "huger_length": lambda exchange: exchange.answer(MODEL, Content_Length="9" * 5000),
    "negative_length": lambda exchange: exchange.answer(MODEL, Content_Length=-5),
    "odd_length": lambda exchange: exchange.answer(MODEL, Content_Length="many"),
    "short": lambda exchange: exchange.answer(MODEL[:100], Content_Length=len(MODEL)),
    "odd_chunks": lambda exchange: exchange.answer(b"zz\r\nhello\r\n", Transfer_Encoding="chunked"),
    "negative_chunk": lambda exchange: exchange.answer(b"-5\r\nhello\r\n", Transfer_Encoding="chunked"),
    "part": lambda exchange: exchange.answer(
        MODEL[5:], status="206 Partial", Content_Range=f"bytes 5-{len(MODEL) - 1}/{len(MODEL)}"
    ),
    "not_satisfiable": lambda exchange: exchange.answer(status="416 No", Content_Length=0),
    "empty": lambda exchange: exchange.answer(Content_Length=0),
    "nothing": lambda _: None,
    "noise": lambda exchange: exchange.send(bytes(range(256)) * 10),
    "login": lambda exchange: exchange.answer(b"<html>Please log in</html>", Content_Length=26),
    "escape_codes": lambda exchange: exchange.answer(status="404 \x1b[31mred\x1b]0;x\x07", Content_Length=0),
    "unauthorized": lambda exchange: exchange.answer(
        status="401 No", WWW_Authenticate='Basic realm="x"', Content_Length=0
    ),
    "no_status": lambda exchange: exchange.send(b"HTTP/1.1 \r\n\r\n"),
    "odd_status": lambda exchange: exchange.send(b"HTTP/1.1 99999999 x\r\n\r\n"),
    "old": lambda exchange: exchange.send(MODEL),
}
GOOD = (
    *("model", "chunked", "no_length", "kept_open", "moved", "other_host", "endless_redirect_body"),
    *("huger_length", "negative_length", "odd_length"),
)
"""The ways with which a download ends well; every other one ends in a ModelError."""


@dataclass
class HostileServer:
    """``asked`` has the head of every request."""

    port: int
    asked: list[bytes] = field(default_factory=list)

    def url(self, way: str) -> str:
        return f"http://127.0.0.1:{self.port}/{way}"


@contextmanager
def hostile_server() -> Iterator[HostileServer]:
    """The server, as long as the context lasts."""
    ended = threading.Event()
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        server = HostileServer(listening.getsockname()[1])

        def serve(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                connection.settimeout(5)
                head = b""
                while b"\r\n\r\n" not in head and (part := connection.recv(1 << 16)):
                    head += part
                server.asked.append(head)
                way = head.split(b" ")[1].split(b"?")[0].strip(b"/").decode() if b" " in head else "nothing"
                WAYS.get(way, WAYS["nothing"])(Exchange(connection, server.port, head, ended))

        def accept() -> None:
            while not ended.is_set():
                with suppress(TimeoutError):
                    threads.append(threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True))
                    threads[-1].start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield server
        finally:
            ended.set()
            accepting.join()
            for thread in threads:
                thread.join(6)
