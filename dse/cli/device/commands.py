"""``dse device``: list, check, set up and calibrate the boards of a fleet."""

from __future__ import annotations

import typer

from dse.cli.device.calibrate import calibrate_command
from dse.cli.device.certificates import certificates_command
from dse.cli.device.check import check_command
from dse.cli.device.list import list_command
from dse.cli.device.setup import setup_command

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The boards of a fleet.\n\nA file of devices names them, see docs/devices.md."
    "\n\nExample: dse device check pi1",
)
app.command("list")(list_command)
app.command("check")(check_command)
app.command("setup")(setup_command)
app.command("calibrate")(calibrate_command)
app.command("certificates")(certificates_command)
