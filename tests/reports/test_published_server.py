"""The page of published results over HTTP: this machine alone, one address, and always what is there now."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dse.errors import ResultsError, UsageError
from dse.reports.published.server import PageServer, is_loopback


@contextmanager
def _served(server: PageServer) -> Iterator[PageServer]:
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def _ask(
    server: PageServer, path: str = "/", method: str = "GET", **headers: str
) -> tuple[int, http.client.HTTPMessage, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    found = answer.status, answer.headers, answer.read().decode()
    connection.close()
    return found


def test_it_is_at_one_address_and_made_again_once_something_is_new() -> None:
    made: list[int] = []
    state = [1]

    def make() -> str:
        made.append(state[0])
        return f"<p>ä {state[0]}</p>"

    with _served(PageServer("127.0.0.1", 0, make, lambda: tuple(state))) as server:
        for _ in range(2):
            code, headers, page = _ask(server, "/?a=b")
            assert (code, page, headers["Content-Type"]) == (200, "<p>ä 1</p>", "text/html; charset=utf-8")
        assert headers["Content-Length"] == str(len(page.encode()))
        assert _ask(server, method="HEAD")[::2] == (200, "")
        state[0] = 2
        assert _ask(server)[2] == "<p>ä 2</p>"
        assert made == [1, 2]
        assert _ask(server, "/../etc/passwd")[0] == 404
        assert _ask(server, method="POST")[0] == 501
        assert server.url == f"http://127.0.0.1:{server.server_port}/"


@pytest.mark.parametrize("host", ["elsewhere.example", "", "127.0.0.1", "localhost:1"])
def test_a_name_that_is_not_this_machines_gets_nothing(host: str) -> None:
    with _served(PageServer("127.0.0.1", 0, lambda: "secret", lambda: 0)) as server:
        assert _ask(server, Host=host)[::2] == (403, "these results are for 127.0.0.1 and localhost only\n")
        assert _ask(server, Host=f"LOCALHOST:{server.server_port}")[2] == "secret"


def test_what_cannot_be_shown_now_is_said_without_a_folder_and_the_next_request_may_find_it() -> None:
    broken = [True]

    def make() -> str:
        if broken.pop() if broken else False:
            raise ResultsError("is being written", path=Path("/home/somebody/r.duckdb"))
        return "page"

    with _served(PageServer("127.0.0.1", 0, make, lambda: 0)) as server:
        assert _ask(server)[::2] == (503, "the results cannot be shown now: is being written\n")
        assert _ask(server)[::2] == (200, "page")


def test_a_port_that_is_taken_and_an_address_of_nobody_are_refused() -> None:
    with (
        PageServer("127.0.0.1", 0, lambda: "", lambda: 0) as server,
        pytest.raises(UsageError, match=r"cannot listen on 127\.0\.0\.1:"),
    ):
        PageServer("127.0.0.1", server.server_port, lambda: "", lambda: 0)
    with pytest.raises(UsageError, match=r"cannot listen on 192\.0\.2\.1:0"):
        PageServer("192.0.2.1", 0, lambda: "", lambda: 0)


def test_only_loopback_addresses_are_this_machines_alone() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.1.2.3", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.2", "example.org", "")))
