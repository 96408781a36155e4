"""``dse space from-results``: published results as a space that can be searched without their devices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dse.cli.options import Db, Json, Name, Where, option_words
from dse.cli.render import next_command, print_json, stderr, stdout
from dse.core.words import counted
from dse.errors import UsageError


def from_results_command(
    out: Annotated[
        Path, typer.Argument(metavar="FILE", help="The space to write (.yaml); its table goes beside it (.csv).")
    ],
    where: Where = None,
    name: Name = None,
    scenario: Annotated[str, typer.Option(metavar="NAME", help="The scenario, or all.")] = "SingleStream",
    db: Db = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that hold something else.")] = False,
    json: Json = False,
) -> None:
    """Write published results as a search space.

    dse explore runs it: every figure is looked up, nothing is measured.
    The results are of one device and round, imported before with dse results import.

    \b
    Example: dse space from-results rpi4.yaml \\
        --where "device = 'rpi4' AND round = 'v0.5'"
    """
    # DuckDB takes a while to import; of the commands on spaces only this one needs it.
    from dse.results.convert.replay_space import write_replay_space
    from dse.results.database import default_path, open_database
    from dse.results.front import check_scenario, select

    with open_database(db or default_path(), read_only=True) as database:
        rows = select(database, where=where, scenario=check_scenario(scenario), name=name)
    if not rows:
        raise UsageError("no result matches", hint="see what there is: `dse results list`")
    written = write_replay_space(rows, out, replace=force)
    if json:
        print_json(
            {
                "space": str(written.path),
                "table": str(written.table),
                "configurations": written.configurations,
                "results": len(rows),
            }
        )
    else:
        stdout().print(
            f"{written.path}: {counted(written.configurations, 'configuration')} of {counted(len(rows), 'result')}",
            soft_wrap=True,
        )
        stderr().print(f"their figures are in {written.table}")
    next_command(f"dse explore{option_words(space=out)}", "searches them, without a device")
