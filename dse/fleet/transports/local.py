"""The device is the machine that starts the programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal, Self

from dse.fleet.transports._base import DeviceSection, Line, absolute


class LocalSection(DeviceSection):
    """This machine; ``root`` may also be relative to the file's folder."""

    transport: Literal["local"]
    root: Line = "~/.dse"

    def placed(self, folder: Path) -> Self:
        """The same with absolute paths; an interpreter that is a bare word stays one."""
        python = self.python and (absolute(folder, self.python) if "/" in self.python else self.python)
        return self.model_copy(update={"root": absolute(folder, self.root), "python": python})

    @property
    def programs(self) -> tuple[str, ...]:
        """The interpreter."""
        return () if self.python is None else (self.python,)


class LocalTransport:
    """Starts programs on this machine."""

    title: ClassVar[str] = "this machine"
    section: ClassVar[type[DeviceSection]] = LocalSection
    is_here: ClassVar[bool] = True

    def __init__(self, section: LocalSection) -> None:
        pass

    @property
    def by_hand(self) -> str:
        """Nothing is between."""
        return "this is the machine itself"

    def command(self, argv: Sequence[str]) -> list[str]:
        """As it is."""
        return list(argv)


class DaskSection(DeviceSection):
    """A device on which a Dask worker of its name runs: whoever starts programs there is on the device."""

    transport: Literal["dask"]


class DaskTransport(LocalTransport):
    """Starts programs on the machine of the Dask worker, which is the device."""

    title: ClassVar[str] = "a Dask worker on the device"
    section: ClassVar[type[DeviceSection]] = DaskSection
