from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol, Self

from pydantic import AfterValidator, Field

from dse.sections import Section


def _root(value: str) -> str:
    if value.startswith(("/", "~/")):
        return value
    raise ValueError(f"found {value!r}, allowed: a folder from the root, or one that begins with ~/")


def _one_line(value: str) -> str:
    if value and value.isprintable() and not value.startswith("-"):
        return value
    raise ValueError(f"found {value!r}, allowed: a line of printable characters that does not begin with -")


Line = Annotated[str, AfterValidator(_one_line)]
"""What becomes a word of a command."""


class DeviceSection(Section):
    """A device in a file of devices: how it is reached, and where dse's files are on it."""

    transport: str
    root: Annotated[Line, AfterValidator(_root)] = Field(
        "~/.dse", description="The folder on the device for models, images, runs and the harness's environment."
    )
    python: Line | None = Field(
        None, description="The interpreter on the device that has the harness; the one that setup makes by default."
    )

    def placed(self, folder: Path) -> Self:
        """The same with paths on this machine made absolute; relative ones are from ``folder``, the file's."""
        return self

    @property
    def programs(self) -> tuple[str, ...]:
        """Files of this machine that are run for the device, or say what is: a stranger's are not run unasked."""
        return ()


def absolute(folder: Path, path: str) -> str:
    """``path`` of this machine, written in a file in ``folder``."""
    return str((folder / Path(path).expanduser()).absolute())


class Transport(Protocol):
    """How programs are started on a device. Made from its ``section``, which is checked before.

    The program that `command` gives runs on the device with this side's stdin, stdout and exit status, byte by byte.
    It starts in the home folder of the user there, unless the device is this machine. Once this side's program is
    killed, or its stdin closed, the one on the device finds the end of its stdin: that is how a harness knows that
    nobody waits for it.
    """

    title: ClassVar[str]
    """For people, such as "OpenSSH"."""
    section: ClassVar[type[DeviceSection]]
    """What may be written for such a device."""
    is_here: ClassVar[bool]
    """Whether programs and files of this machine are the device's own."""

    def __init__(self, section: Any) -> None: ...

    @property
    def by_hand(self) -> str:
        """What a person does who wants to see why the device is not reached: a command, or advice."""

    def command(self, argv: Sequence[str]) -> list[str]:
        """The argv to start here so that ``argv`` runs there; each word arrives as it is, whatever is in it."""
