"""``dse results serve``: the results database as a page of this machine, until Ctrl-C."""

from __future__ import annotations

import threading
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from dse.cli.options import STUDIES, Db, Name, Where
from dse.cli.render import say
from dse.cli.results.html import OwnStudies, page_rows
from dse.results.database import default_path
from dse.results.objectives import default_objectives
from dse.results.own import STUDIED_SCENARIO, own_front
from dse.study.folder import find_folder


def serve_command(
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="Port; 0 takes a free one.")] = 8081,
    host: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="Another address of this machine: whoever reaches it sees the results."),
    ] = "127.0.0.1",
    browse: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
    study: OwnStudies = None,
    where: Where = None,
    name: Name = None,
    db: Db = None,
) -> None:
    """Serve the results as one page until Ctrl-C.

    The page of dse results report, for this machine alone: at its loopback address, unless --host names another. Load
    it again after an import or a search, and it has what is new.

    Example: dse results serve --open
    """
    from dse.reports.page.html import check_libraries
    from dse.reports.published.page import page_text  # the extra `report`, which alone needs it
    from dse.reports.published.server import PageServer, is_loopback

    check_libraries()
    database = db or default_path()

    def make() -> str:
        own = [own_front(given, STUDIES, default_objectives(STUDIED_SCENARIO)) for given in study or ()]
        return page_text(page_rows(database, where, name), own)

    shown = [database]
    for given in study or ():
        folder = find_folder(given, STUDIES)
        shown += [Path(given), folder, folder / "trials"]

    def state() -> tuple[int, ...]:
        return tuple(path.stat().st_mtime_ns for path in shown if path.exists())

    with PageServer(host, port, make, state) as server:
        server.page()  # what cannot be shown is told before anybody looks
        if not is_loopback(host):
            say(f"whoever reaches {host} sees these results")
        say(f"{database}: {server.url}  (Ctrl-C ends it)", soft_wrap=True)
        if browse:
            threading.Thread(target=_open, args=(server.url,), daemon=True).start()  # a browser of a terminal waits
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say("ended")


def _open(url: str) -> None:
    if not webbrowser.open(url):
        say("no browser could be opened")
