"""What a Dask worker does for a search: one run on one device, answered in bytes.

An answer begins with a line of JSON that says what became of the run. After ``answered``, the device's answer follows
as it came: whoever asked checks it once more, as a worker may be on another machine.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dse.fleet.contact import Contact
    from dse.fleet.device_file import Device
    from dse.fleet.job import Job
    from dse.fleet.stored import Stored

Task = Callable[["Device", "Job", "Sequence[Stored]", bool, Mapping[str, bytes]], bytes]


def run(device: Device, job: Job, files: Sequence[Stored], look: bool, contents: Mapping[str, bytes]) -> bytes:
    """Run ``job`` on ``device``, which has ``files`` then: with ``look`` it is asked first whether it has.

    ``contents`` are those by name that this machine does not have; where it lacks others, the answer asks for them.
    Never raises: an exception would come back as a pickle.
    """
    began: list[object] = []
    try:
        from dse.errors import DeviceRefusedError
        from dse.fleet.contact import Contact

        contact = Contact(device)
        with TemporaryDirectory() as folder:
            here = [_here(each, contents, Path(folder)) for each in files]
            if look and (lacking := _sent(contact, here)):
                return head("files", *lacking)
            try:
                answer = contact.run(job, began.append)
            except DeviceRefusedError as error:
                if look or error.error != "missing":
                    raise
                if lacking := _sent(contact, here):  # somebody has emptied its store
                    return head("files", *lacking)
                answer = contact.run(job, began.append)
    except Exception as error:  # noqa: BLE001  # whatever it is, it costs this run
        return failed(error, begun=bool(began))
    said = {} if answer.recorded else {"boot_id": answer.boot_id}  # what was run before has not begun now
    return head("answered", **said) + answer.tar


def tell(device: Device) -> bytes:
    """What ``device`` says of itself, as JSON; an empty object where it does not answer. Never raises, as above."""
    try:
        from dse.fleet.contact import Contact

        return json.dumps(Contact(device).facts()).encode()
    except Exception:  # noqa: BLE001  # whoever measures there finds out
        return b"{}"


def run_packed(packed: bytes) -> bytes:
    """Do a task that was packed with its arguments, by the search: a worker runs whatever that says."""
    task, arguments = pickle.loads(packed)
    answer: bytes = task(*arguments)
    return answer


def _here(stored: Stored, contents: Mapping[str, bytes], folder: Path) -> Stored:
    """The file as this machine has it."""
    if stored.name not in contents:
        return stored
    path = folder / stored.name
    path.write_bytes(contents[stored.name])
    return replace(stored, path=path)


def _sent(contact: Contact, files: Sequence[Stored]) -> list[str]:
    """Send the device what it lacks; the names of what nobody here has."""
    missing = set(contact.missing([each.name for each in files]))
    wanted = [each for each in files if each.name in missing]
    for each in wanted:
        if each.path.exists():
            contact.put(each)
    return [each.name for each in wanted if not each.path.exists()]


def failed(error: Exception, *, begun: bool) -> bytes:
    """The answer where there is none: see `dse.search.pool.Ended`."""
    from dse.errors import DeviceError, DeviceHeldError, DeviceLostError, DeviceRebootedError

    word = "unreachable"
    if isinstance(error, DeviceHeldError):
        word = "held"
    elif isinstance(error, DeviceRebootedError):
        word = "rebooted"
    elif begun and isinstance(error, DeviceLostError):
        word = "lost"
    said = error.message if isinstance(error, DeviceError) else str(error)  # whoever reads it names the device
    return head(word, message=said or repr(error))


def head(word: str, *files: str, **more: str) -> bytes:
    """The first line of an answer."""
    return json.dumps({"outcome": word, "files": files, **more}).encode() + b"\n"
