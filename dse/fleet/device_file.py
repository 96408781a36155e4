"""The file of devices: which systems there are, which boards each has, and how each is reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from dse.core.configuration import Value
from dse.errors import DeviceFileError, why
from dse.fleet.transports import TRANSPORTS, DeviceSection, Transport
from dse.plain_yaml import parse_yaml_with_lines
from dse.reading import UnreadableError, read_text
from dse.sections import Name, Section
from dse.spaces.document import Document, Place, shortened

_MOST_BYTES = 2**20
"""A thousand devices have a tenth of it."""
_EXAMPLE = """such as
systems:
  rpi4:
    devices:
      pi1: {transport: ssh, host: pi1.local}"""
_COMMON = ("transport", "root", "python")


@dataclass(frozen=True)
class Device:
    """A device: the board ``name`` of a ``system``, and how to reach it.

    ``options`` are those of its transport. ``root`` is the folder on the device that is dse's; ``python`` the
    interpreter there that has the harness, None for the one that belongs to the transport. With ``correct`` a known
    ratio between the boards of its system is corrected for (`dse.fleet.calibration`).
    """

    name: str
    system: str
    transport: str = "local"
    options: Mapping[str, Value | None] = field(default_factory=dict)
    root: str = "~/.dse"
    python: str | None = None
    correct: bool = False

    @property
    def folder(self) -> str:
        """``root`` as programs on the device find it: they start in the home folder there."""
        return str(Path(self.root).expanduser()) if self.connection().is_here else self.root.removeprefix("~/")

    @property
    def programs(self) -> tuple[str, ...]:
        """Files of this machine that are run for it, or say what is run: an interpreter, an SSH configuration."""
        return self._section.programs

    @property
    def is_set_up(self) -> bool:
        """Whether dse makes the environment of its harness; else that is this machine's, or the user's own."""
        return self.python is None and not self.connection().is_here

    def connection(self) -> Transport:
        """The transport to it. Raises RegistryError, and ValueError for options that it does not have."""
        return TRANSPORTS.get(self.transport)(self._section)

    @property
    def _section(self) -> DeviceSection:
        common = {"transport": self.transport, "root": self.root, "python": self.python}
        return TRANSPORTS.get(self.transport).section.model_validate({**self.options, **common})


class SystemSection(Section):
    """A device under test of MLPerf, and the boards that are such a one: identical ones."""

    devices: dict[Name, dict[str, Any]] = Field(min_length=1)
    correct: bool = False
    """Whether a known ratio between them is corrected for."""


class DevicesFile(Section):
    """A file of devices."""

    schema_: Literal[1] = Field(1, alias="schema")
    systems: dict[Name, SystemSection] = Field(min_length=1)


def load_devices(path: Path | str) -> tuple[Device, ...]:
    """The devices that the YAML file ``path`` names, in its order. Raises DeviceFileError, RegistryError."""
    document = _read(Path(path))
    if not isinstance(document.content, dict):
        raise _error(document, (), "found no mapping, expected devices", _EXAMPLE)
    try:
        file = DevicesFile.model_validate(document.content)
    except ValidationError as error:
        raise _first(document, (), error, DevicesFile) from None
    found: dict[str, Device] = {}
    for system, section in file.systems.items():
        for name, written in section.devices.items():
            place = ("systems", system, "devices", name)
            if name in found:
                first = found[name].system
                raise _error(document, place, f"system {first} has a device of that name", "names are for one device")
            found[name] = replace(_device(document, place, written), correct=section.correct)
    return tuple(found.values())


def _device(document: Document, place: Place, written: dict[str, Any]) -> Device:
    names, kind = ", ".join(TRANSPORTS), written.get("transport")
    if kind is None:
        raise _error(document, place, "transport is missing", f"one of {names}")
    if not isinstance(kind, str) or kind not in TRANSPORTS:
        raise _error(
            document,
            (*place, "transport"),
            f"found {kind!r}, allowed: {names}",
            "another needs a distribution with an entry point of the group dse.transports",
        )
    section = TRANSPORTS.get(kind).section
    try:
        placed = section.model_validate(written).placed(document.path.parent)
    except ValidationError as error:
        raise _first(document, place, error, section) from None
    options = {key: value for key, value in placed.model_dump().items() if key not in _COMMON}
    return Device(str(place[-1]), str(place[1]), kind, options, placed.root, placed.python)


def _read(path: Path) -> Document:
    try:
        return Document(path, *parse_yaml_with_lines(read_text(path, _MOST_BYTES)))
    except FileNotFoundError:
        raise DeviceFileError("no such file", path=path, hint=f"write one, {_EXAMPLE}") from None
    except UnreadableError as error:
        raise DeviceFileError(str(error), path=path, line=error.line) from None
    except OSError as error:
        raise DeviceFileError(f"cannot be read: {why(error)}", path=path) from error


def _first(document: Document, within: Place, error: ValidationError, section: type[Section]) -> DeviceFileError:
    problem = error.errors(include_url=False)[0]
    place = (*within, *(part for part in problem["loc"] if part not in ("schema_", "[key]")))
    found = problem["input"]
    if problem["type"] == "extra_forbidden":
        inner = section if len(problem["loc"]) == 1 else SystemSection
        allowed = [each.alias or name for name, each in inner.model_fields.items()]
        return _error(document, place, "unknown key", f"allowed here: {', '.join(allowed)}")
    if problem["type"] == "missing":
        return _error(document, place, "is missing", _EXAMPLE)
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] in ("model_type", "dict_type"):
        message = "expected keys with values"
    shown = f" (found {shortened(repr(found), 60)})" if "found" not in message else ""
    return _error(document, place, message + shown, _EXAMPLE if problem["type"] == "dict_type" else None)


def _error(document: Document, place: Place, message: str, hint: str | None = None) -> DeviceFileError:
    key = ".".join(shortened(str(part), 60) for part in place)
    said = shortened(message, 1000)
    return DeviceFileError(f"{key}: {said}" if key else said, hint=hint, path=document.path, line=document.line(place))


def find_device(devices: tuple[Device, ...], name: str, path: Path | str) -> Device:
    """The one called ``name``. Raises DeviceFileError."""
    for device in devices:
        if device.name == name:
            return device
    raise DeviceFileError(f"found no device {name!r}, allowed: {', '.join(each.name for each in devices)}", path=path)
