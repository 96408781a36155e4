"""What a Dask worker does for a search: one run on one device, answered in bytes.

An answer begins with a line of JSON that says what became of the run. After ``answered``, the device's answer follows
as it came: whoever asked checks it once more, as a worker may be on another machine.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dse.fleet.device_file import Device
    from dse.fleet.job import Job
    from dse.fleet.stored import Stored

Task = Callable[["Device", "Job", "Sequence[Stored]", bool], bytes]


def run(device: Device, job: Job, files: Sequence[Stored], look: bool) -> bytes:
    """Run ``job`` on ``device``, which has ``files`` then: with ``look`` it is asked first whether it has.

    Never raises: an exception would come back as a pickle.
    """
    began: list[object] = []
    try:
        from dse.errors import DeviceRefusedError
        from dse.fleet.contact import Contact

        contact = Contact(device)
        if look:
            contact.ensure(files)
        try:
            answer = contact.run(job, began.append)
        except DeviceRefusedError as error:
            if look or error.error != "missing":
                raise
            contact.ensure(files)  # somebody has emptied its store
            answer = contact.run(job, began.append)
    except Exception as error:  # noqa: BLE001  # whatever it is, it costs this run
        return failed(error, begun=bool(began))
    return head("answered", boot_id=answer.boot_id) + answer.tar


def failed(error: Exception, *, begun: bool) -> bytes:
    """The answer where there is none: see `dse.search.pool.Ended`."""
    from dse.errors import DeviceHeldError, DeviceLostError, DeviceRebootedError

    word = "unreachable"
    if isinstance(error, DeviceHeldError):
        word = "held"
    elif isinstance(error, DeviceRebootedError):
        word = "rebooted"
    elif begun and isinstance(error, DeviceLostError):
        word = "lost"
    return head(word, message=str(error) or repr(error))


def head(word: str, **more: str) -> bytes:
    """The first line of an answer."""
    return json.dumps({"outcome": word, **more}).encode() + b"\n"
