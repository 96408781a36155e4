"""``dse dashboard``: every trial of a study in the browser."""

from __future__ import annotations

from typing import Annotated

import typer

from dse.cli.opened import open_study
from dse.cli.options import STUDIES, Studies, StudyArgument
from dse.cli.render import stderr
from dse.core.exclusions import find_exclusions
from dse.reports.dashboard import make_dashboard

_LOOPBACK = "127.0.0.1"


def dashboard_command(
    study: StudyArgument,
    studies: Studies = STUDIES,
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="Port; 0 takes a free one.")] = 8080,
    storage: Annotated[
        str | None, typer.Option(metavar="URL", help="The study's own --storage again, where it has a password.")
    ] = None,
    edit: Annotated[bool, typer.Option("--edit", help="Let notes be written, into the study's database.")] = False,
) -> None:
    """Serve Optuna Dashboard on a study until Ctrl-C.

    For this machine alone, at its loopback address; pages from elsewhere are refused, and nothing can be changed.
    Its Pareto plot shows what breaks a constraint as infeasible; its list of best trials ignores constraints.

    Example: dse dashboard mobilenet_v3 --port 8081
    """
    found = open_study(study, studies)
    starved = find_exclusions(found.measurements).starved
    how = "dse dashboard --edit lets notes be written"
    with make_dashboard(found, _LOOPBACK, port, edit=edit, how_to_edit=how, storage=storage) as server:
        console = stderr()
        if starved:
            console.print(starved)
        console.print(f"{found.name}: http://{_LOOPBACK}:{server.server_port}/dashboard/  (Ctrl-C ends it)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            console.print("ended")
