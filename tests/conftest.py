"""What tests of several rooms share: a small study measured by a recorded harness, and a local HTTP server."""

from __future__ import annotations

import functools
import gc
import hashlib
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer.main
from hypothesis import settings
from optuna.storages._rdb import storage as rdb
from sqlalchemy import Engine, event
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

from tests.forks import Forks
from tests.recording import make_space, run_study
from tests.skips import NoOtherSkips
from tests.thorough import require_reasons

INTEGRATION = Path(__file__).parent / "integration"

settings.register_profile("fast", deadline=None, max_examples=15)  # no clock: a busy machine is no failure
settings.register_profile("thorough", deadline=None, max_examples=100)
settings.load_profile("fast")


@event.listens_for(Engine, "connect")
def _leave_writing_to_the_system(connection: Any, _: object) -> None:
    """No test cuts the power: what SQLite wrote need not reach the disk, which takes longer than most tests."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


def _compile_statements_once() -> None:
    """SQLAlchemy compiles every statement again for each database: a tenth of the time of a test with a small study."""
    statements: Any = LRUCache(1000)
    SQLiteDialect_pysqlite.__hash__ = lambda self: hash(type(self))  # type: ignore[assignment, method-assign]
    SQLiteDialect_pysqlite.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[assignment, method-assign]

    @event.listens_for(Engine, "engine_connect")
    def share(connection: Any) -> None:
        connection.engine._compiled_cache = statements


_compile_statements_once()


def _read_migrations_once() -> None:
    """Optuna imports its ten migrations again for each storage: an eighth of the time of a test with a small study."""
    found: list[Any] = []
    read = rdb._VersionManager._create_alembic_script

    def once(manager: Any) -> Any:
        if not found:
            found.append(read(manager))
        return found[0]

    rdb._VersionManager._create_alembic_script = once  # type: ignore[assignment, method-assign]


if hasattr(rdb, "_VersionManager"):  # private: another version of Optuna may have none
    _read_migrations_once()

if hasattr(typer.main, "get_params_from_function"):  # asked of every command's function for each line that is tested
    typer.main.get_params_from_function = functools.cache(typer.main.get_params_from_function)


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study of six trials that no clock had a part in; tests copy it, with its space beside it."""
    base = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("DSE_CACHE", str(base / "cache"))
        run_study(base / "small_study", make_space(base))
    return base / "small_study"


@pytest.fixture
def small_study(tmp_path: Path, finished_study: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a finished study of six trials, with its space beside it."""
    monkeypatch.setenv("DSE_CACHE", str(finished_study.parent / "cache"))
    shutil.copy(finished_study.with_suffix(".yaml"), tmp_path)
    return shutil.copytree(finished_study, tmp_path / "small_study")


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """Runs commands of dse, each in a process of its own that need not import anything."""
    running = Forks(tmp_path_factory.mktemp("forks"))
    yield running
    running.close()


@pytest.fixture(scope="session")
def imagenet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ImageNet's 50,000 validation images by name, all empty, and their labels; who changes it puts it back."""
    folder = tmp_path_factory.mktemp("image net")
    images = folder / "val"
    images.mkdir()
    names = [f"ILSVRC2012_val_{number:08}.JPEG" for number in range(1, 50_001)]
    for name in names:
        os.mknod(f"{images}/{name}")
    (folder / "val.txt").write_text("".join(f"{name} {number % 1000}\n" for number, name in enumerate(names, 1)))
    return folder


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of single tests."""
    parser.addoption("--kills", default="2", help="How often a search is killed by the tests of that.")
    parser.addoption("--no-other-skips", action="store_true", help="A skip that tests/skips.py does not list fails.")
    parser.addoption("--fuzz-seed", default="0", help="What tests/fuzz draws its inputs with.")
    parser.addoption("--fuzz-inputs", default="50", help="How many bad inputs tests/fuzz draws; it knows about 4,000.")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--no-other-skips"):
        config.pluginmanager.register(NoOtherSkips())


def pytest_report_header(config: pytest.Config) -> str:
    return f"fuzz: --fuzz-inputs {config.getoption('--fuzz-inputs')} --fuzz-seed {config.getoption('--fuzz-seed')}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs the real LoadGen for seconds is marked by its folder."""
    for item in items:
        if INTEGRATION in item.path.parents:
            item.add_marker("integration")
    require_reasons(items)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Thousands of tests and all of dse stay until the end: Python looks for no garbage among them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@dataclass
class Server:
    """A server of one file that can break off, ignore ranges, or serve something else. ``url`` ends in .tgz."""

    url: str = ""
    contents: bytes = bytes(range(256)) * 40
    ranges: bool = True
    versions: bool = True
    breaks_after: int | None = None
    requests: list[str | None] = field(default_factory=list)
    """The Range header of each request."""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """The path with its query, and the Authorization header, of each request."""


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            state.requests.append(asked)
            state.asked.append((self.path, self.headers.get("Authorization")))
            if self.path == "/absent.tgz":
                self.send_error(404)
                return
            version = f'"{hashlib.sha256(state.contents).hexdigest()}"'
            same = self.headers.get("If-Range") in (None, version)
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and state.ranges and same else 0
            if start >= len(state.contents):
                self.send_error(416)
                return
            body = state.contents[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            if start:
                size = len(state.contents)
                self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
            if state.versions:
                self.send_header("ETag", version)
            self.end_headers()
            self.wfile.write(body if state.breaks_after is None else body[: state.breaks_after])

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http_server:
        thread = threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        state.url = f"http://127.0.0.1:{http_server.server_port}/model.tgz"
        yield state
        http_server.shutdown()
        thread.join()
