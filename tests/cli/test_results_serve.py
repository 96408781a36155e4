"""``dse results serve``: the page at this machine's own address, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import urllib.request
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.published import write_tree


@pytest.fixture
def database(tmp_path: Path, dse: Any) -> Path:
    path = tmp_path / "r.duckdb"
    assert dse("results", "import", write_tree(tmp_path / "tree"), "--db", path).code == 0
    return path


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C arrives, also where the tests run in the background of a shell that ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_a_browser_is_opened_and_ctrl_c_ends_it(database: Path, dse: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def browse(url: str) -> bool:
        try:
            seen.append((url, urllib.request.urlopen(url, timeout=10).read().decode()))
        finally:
            os.kill(os.getpid(), signal.SIGINT)
        return True

    monkeypatch.setattr(webbrowser, "open", browse)
    done = dse("results", "serve", "--db", database, "--port", "0", "--open")
    assert (done.code, done.out) == (0, "")
    ((url, page),) = seen
    assert url.startswith("http://127.0.0.1:")
    assert f"{database}: {url}  (Ctrl-C ends it)" in done.err
    assert done.err.endswith("ended\n")
    assert "Traceback" not in done.err
    assert "<b>4</b> published results" in page


def test_what_is_not_there_is_refused_before_anything_is_served(database: Path, dse: Any) -> None:
    assert dse("results", "serve", "--db", database.with_name("none"), "--port", "0").code == 3
    assert dse("results", "serve", "--db", database, "--where", "good > 1000", "--port", "0").code == 2
    assert dse("results", "serve", "--db", database, "--study", "nowhere", "--port", "0").code == 3
    done = dse("results", "serve", "--db", database, "--port", "0", "--host", "192.0.2.1")
    assert done.code == 2
    assert "cannot listen on 192.0.2.1:0" in done.err
