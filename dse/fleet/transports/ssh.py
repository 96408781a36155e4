"""A device that OpenSSH reaches, as the user has set it up: keys, known hosts, jumps, aliases."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field

from dse.fleet.transports._base import DeviceSection, Line, absolute

_OPTIONS = (
    "BatchMode=yes",  # nobody is there to type a password
    "ConnectTimeout=15",
    "ServerAliveInterval=10",  # a network that is cut ends the program here in half a minute
    "ServerAliveCountMax=3",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "RemoteCommand=none",
    "ControlMaster=no",  # one that is there is used; who were one would end with its own program
)
"""Of each connection, whatever the user's configuration says. What is checked of a host is the user's alone."""


class SshSection(DeviceSection):
    """A device by its host name, address, or alias in the user's SSH configuration; ``user@`` may stand before it."""

    transport: Literal["ssh"]
    host: Line
    port: int | None = Field(None, ge=1, le=65535)
    config: Line | None = Field(None, description="An SSH configuration in place of the user's (ssh -F).")

    def placed(self, folder: Path) -> Self:
        """The same with the absolute path of ``config``."""
        return self.model_copy(update={"config": self.config and absolute(folder, self.config)})

    @property
    def programs(self) -> tuple[str, ...]:
        """The configuration: it may have a ProxyCommand."""
        return () if self.config is None else (self.config,)


class SshTransport:
    """Starts programs through ``ssh``: no password, no terminal, the user's known hosts and keys."""

    title: ClassVar[str] = "OpenSSH"
    section: ClassVar[type[DeviceSection]] = SshSection
    is_here: ClassVar[bool] = False

    def __init__(self, section: SshSection) -> None:
        self._section = section

    @property
    def by_hand(self) -> str:
        """The connection that a person opens, who can accept a host's key and type a password."""
        return shlex.join(["ssh", *self._place, self._section.host])

    def command(self, argv: Sequence[str]) -> list[str]:
        """The shell there, a POSIX one, is replaced by the program: it does not idle beside it."""
        options = [word for option in _OPTIONS for word in ("-o", option)]
        return ["ssh", "-T", *options, *self._place, "--", self._section.host, f"exec {shlex.join(argv)}"]

    @property
    def _place(self) -> list[str]:
        config, port = self._section.config, self._section.port
        return [*(["-F", config] if config is not None else []), *(["-p", str(port)] if port is not None else [])]
