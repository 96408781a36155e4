"""How a device is reached: each a key ``transport`` in a file of devices, and a class of its own.

Others add a class with an entry point of the group ``dse.transports``::

    [project.entry-points."dse.transports"]
    labgrid = "my_package:LabgridTransport"

`dse.testing.transports` has the tests that it should pass.
"""

from __future__ import annotations

from dse_harness.registry import Registry

from dse.fleet.transports._base import DeviceSection, Transport

TRANSPORTS: Registry[type[Transport]] = Registry(
    "dse.transports",
    {
        "local": "dse.fleet.transports.local:LocalTransport",
        "ssh": "dse.fleet.transports.ssh:SshTransport",
        "dask": "dse.fleet.transports.local:DaskTransport",
    },
    needs=("title", "section", "is_here", "command", "by_hand"),
)

__all__ = ["TRANSPORTS", "DeviceSection", "Transport"]
