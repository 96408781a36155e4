"""Servers on the loopback that hang up, never end, lie, redirect elsewhere, or serve what `archives` makes."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import yaml

from tests.fuzz.archives import MODEL, archives, good
from tests.fuzz.damage import ESCAPES, FATAL, ODD, Damage, random_damage
from tests.fuzz.making import Dice, Target, json_text, wrong_documents
from tests.fuzz.running import Input

PORT_FILE = "port"
_SPACE = {
    "schema": 1,
    "name": "by_url",
    "data_set": {"file": "images.npz", "classes": 10},
    "models": {"one": {"url": ""}},
    "parameters": {"threads": [1]},
    "fidelity": {"explore": {"min_duration": "50ms", "accuracy_images": 10, "trial_timeout": "20s"}},
}
_COMMANDS = (("explore", "--space", "url.yaml", "--trials", "1"),)
_WRITES = ("studies", "checksums.json")
Send = Callable[[bytes], None]
Answer = bytes | Callable[[Send], None]


def _response(body: bytes = b"", status: str = "200 OK", *headers: str, length: int | str | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers, "", ""]
    return "\r\n".join(lines).encode("utf-8", "replace") + body


def _slowly(send: Send) -> None:
    send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(200):
        send(b"x")
        time.sleep(0.5)


def _headers_one_by_one(send: Send) -> None:
    send(b"HTTP/1.1 200 OK\r\n")
    for number in range(200):
        send(f"X-{number}: x\r\n".encode())
        time.sleep(0.5)


def _silent(_: Send) -> None:
    time.sleep(100)


def _answers() -> Iterator[tuple[str, Answer]]:
    redirects = (
        *(
            "ftp://127.0.0.1/x",
            "file:///etc/passwd",
            "data:text/plain,x",
            "http://",
            "//",
            "http://[::1",
            "http://127.0.0.1:1/",
        ),
        *(
            "http://127.0.0.1:99999/",
            "gopher://127.0.0.1/x",
            ESCAPES,
            "http://a\x1b[31m/",
            "/again",
            "javascript:1",
            "http://user:pw@/",
        ),
    )
    for number, place in enumerate(redirects):
        yield f"redirect-{number}", _response(b"", "302 Found", f"Location: {place}")
    yield "redirect-without", _response(b"", "302 Found")
    for status in (
        "404 Not Found",
        "500 x",
        f"404 {ESCAPES}",
        "999 x",
        "-1 x",
        "x",
        "",
        "304 Not Modified",
        "206 Partial",
        "204 None",
    ):
        yield f"status-{status[:3]}", _response(b"no", status)
    lengths = (-1, 10**30, "x", "", "0x10", "1e3", 5, 10**6)
    for length in lengths:
        yield f"length-{length}", _response(good(), length=length)
    yield "chunked-nonsense", _response(b"zz\r\nhello\r\n", "200 OK", "Transfer-Encoding: chunked")
    yield "chunked-huge", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx"
    yield "not-http", b"hello\n" * 100
    yield "nothing", b""
    yield "bytes", bytes(range(256)) * 40
    yield "a-long-line", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n"
    yield "many-headers", b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 500 + b"\r\n"
    yield "escaped-headers", _response(MODEL, "200 OK", f"ETag: {ESCAPES}", f"Content-Type: {ESCAPES}")
    yield "ssh", b"SSH-2.0-OpenSSH_9\r\n"
    yield "zipped", _response(b"\x1f\x8b\x08\x00", "200 OK", "Content-Encoding: gzip")
    yield "silent", _silent
    yield "slow", _slowly
    yield "slow-headers", _headers_one_by_one


def _serve(data: bytes | Callable[[], bytes], send: Send) -> None:
    send(_response(data() if callable(data) else data))


def answers(dice: Dice) -> Iterator[tuple[str, Answer]]:
    """What the server says, by name."""
    yield from _answers()
    for name, data in archives():
        yield name, partial(_serve, data)
    for number in range(dice.count):
        yield f"random-{number}", _response(random_damage(dice.rng, good()))


def inputs(dice: Dice) -> Iterator[Input]:
    """A space whose model lies on the server, and the files that remember its checksum."""
    for name, answer in answers(dice):
        yield Input(
            f"{name}",
            "url",
            _visits(answer, f"model-{len(name)}.tgz"),
            _COMMANDS,
            ("http://127.0.0.1", "url.yaml"),
            writes=_WRITES,
            limit_s=60.0 if name[:1] == "s" else 20.0,
        )
    look = (("space", "check", "url.yaml"), *_COMMANDS)
    record = Target("url", "checksums.json", look, ("checksums.json",), _WRITES, near=("http://127.0.0.1",))
    served = _response(good())
    for name, damage in (FATAL | ODD).items():
        yield _with(record.input(dice, name, damage), served)
    document = {"schema": 1, "sha256": {"http://127.0.0.1:1/x": "ab" * 32}}
    for given in wrong_documents(dice, record, document, json_text):
        yield _with(given, served)


def _with(given: Input, answer: Answer) -> Input:
    from dataclasses import replace

    inner, visit = given.damage, _visits(answer, "model.tgz")

    def damage(folder: Path) -> None:
        visit(folder)
        (folder / "checksums.json").write_text('{"schema": 1, "sha256": {}}')
        inner(folder)

    return replace(given, name=f"checksums-{given.name}", damage=damage, limit_s=20.0)


def _visits(answer: Answer, name: str) -> Damage:
    def damage(folder: Path) -> None:
        SERVER.answer = answer
        space = {**_SPACE, "models": {"one": {"url": f"http://127.0.0.1:{SERVER.port}/{name}"}}}
        (folder / "url.yaml").write_text(yaml.safe_dump(space, sort_keys=False))

    return damage


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with suppress(OSError):
            self.request.settimeout(5)
            self.request.recv(65_536)
            answer = SERVER.answer
            if callable(answer):
                answer(self.request.sendall)
            else:
                self.request.sendall(answer)


class HostileServer:
    """Says `answer` to whoever connects, from a port of the loopback; started with the first question for its port."""

    def __init__(self) -> None:
        self.answer: Answer = b""
        self._server: socketserver.ThreadingTCPServer | None = None

    @property
    def port(self) -> int:
        if self._server is None:
            socketserver.ThreadingTCPServer.daemon_threads = True
            self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler)
            threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return int(self._server.server_address[1])

    @contextmanager
    def running(self) -> Iterator[None]:
        """End the server, if it was started, at the end."""
        yield
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


SERVER = HostileServer()
