"""``dse device list``: what a file of devices says."""

from __future__ import annotations

from dse.cli.device.options import DEVICES, Devices
from dse.cli.options import Json, option_words
from dse.cli.render import next_command, print_json, stdout
from dse.fleet.device_file import load_devices


def list_command(devices: Devices = DEVICES, json: Json = False) -> None:
    """List the devices of a file, system by system.

    No device is asked.

    Example: dse device list --devices lab.yaml
    """
    found = load_devices(devices)
    if json:
        rows = [
            {
                "name": each.name,
                "system": each.system,
                "transport": each.transport,
                "options": {name: value for name, value in each.options.items() if value is not None},
                "root": each.root,
                "python": each.python,
            }
            for each in found
        ]
        print_json({"devices": rows})
        return
    from rich.table import Table

    table = Table("device", "system", "transport", "by hand", "folder there")
    for each in found:
        table.add_row(each.name, each.system, each.transport, each.connection().by_hand, each.root)
    stdout().print(table)
    given = None if devices == DEVICES else devices
    next_command(f"dse device check{option_words(devices=given)}", "looks at each of them")
