"""The description of the device: a YAML that the machine fills in and the user completes, and its 35 fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dse.errors import Remedy, SubmissionError, UsageError, why
from dse.files import write_text
from dse.plain_yaml import read_yaml
from dse.reading import MIB, UnreadableError, read_json
from dse.submission.fields import FOLDER_NAME, FOLDER_NAMES, MAY_BE_EMPTY, STATUSES, SYSTEM_FIELDS, SYSTEM_TYPES

SCHEMA = 1
_OF_THE_SUBMISSION = ("division", "submitter")
"""The tree of a submission gets these two from elsewhere."""
_NO_ACCELERATOR = {
    "accelerators_per_node": "0",
    **dict.fromkeys((name for name in SYSTEM_FIELDS if name.startswith("accelerator_")), "-"),
}
_DEFAULTS = {"status": "available", "system_type": "edge"}
_ASKED = {
    "system_name": "what people call the device, e.g. Raspberry Pi 5 (8 GB)",
    "status": f"{', '.join(STATUSES)}: can it be bought?",
    "system_type": ", ".join(SYSTEM_TYPES),
    "system_type_detail": "e.g. edge server, single-board computer (may stay empty)",
    "host_processor_interconnect": "between processors; may stay empty",
    "host_memory_configuration": 'e.g. 1x 8 GB LPDDR4X-4267; "-" if you do not know',
    "host_networking_topology": 'how it hangs in the network; "-" for a device on its own',
    "cooling": "passive, active (fan), water, ...",
    "hw_notes": "may stay empty",
    "sw_notes": "may stay empty",
}
"""What no machine knows of itself, and what to write."""
_MOST_CHARACTERS = 2_000
"""Of a field; the longest in published rounds are notes of some hundreds."""


@dataclass(frozen=True)
class SystemDescription:
    """A system's id and its 33 fields beside division and submitter. ``missing`` must still be filled in."""

    system_id: str
    fields: Mapping[str, str]

    @property
    def missing(self) -> tuple[str, ...]:
        """Fields that are empty and must not be."""
        return tuple(name for name, value in self.fields.items() if not value and name not in MAY_BE_EMPTY)


def init_system(path: Path, system_id: str, detected: Mapping[str, str], base: Mapping[str, str] | None = None) -> None:
    """Write the YAML to edit: ``base`` first, if there is one, then what was detected, then defaults.

    Raises SubmissionError if the file exists (it may hold somebody's work) or cannot be written, UsageError for an id
    that no folder of a submission can have.
    """
    if not FOLDER_NAME.fullmatch(system_id):
        raise UsageError(f"found the id {system_id!r}, allowed: {FOLDER_NAMES}", remedy=Remedy.SYSTEM_EXAMPLE)
    if path.exists():
        raise SubmissionError("exists", path=path, hint="edit it, name another file, or remove it first")
    known = {**_DEFAULTS, **_NO_ACCELERATOR, **detected, **(base or {})}
    names = [name for name in SYSTEM_FIELDS if name not in _OF_THE_SUBMISSION]
    asked = [name for name in names if name in _ASKED or (name not in known and name not in MAY_BE_EMPTY)]
    rest = [name for name in names if name not in asked]
    source = "copied from another description" if base else "read from this machine; correct what is wrong"
    sections = (
        ("only you know these", asked),
        (source, [name for name in rest if not name.startswith("accelerator")]),
        ('the accelerator: "-" where there is none', [name for name in rest if name.startswith("accelerator")]),
    )
    lines = [
        "# The device, as MLPerf's systems/<id>.json wants it. Look at the result: dse system show",
        f"schema: {SCHEMA}",
        f"id: {_scalar(system_id)}",
    ]
    for title, fields in sections:
        lines += ["", f"# {title[0].upper()}{title[1:]}"]
        for name in fields:
            line = f"{name}: {_scalar(known.get(name, ''))}"
            lines.append(f"{line}  # {_ASKED[name]}" if name in _ASKED else line)
    try:
        write_text(path, "\n".join(lines) + "\n")
    except OSError as error:
        raise SubmissionError(f"cannot be written: {why(error)}", path=path, hint="name another file") from error


def read_system(path: Path) -> SystemDescription:
    """The description in a YAML of `init_system`. Raises SubmissionError."""
    try:
        document = read_yaml(path, MIB)
    except UnreadableError as error:
        raise SubmissionError(
            f"cannot be read: {error}", path=path, line=error.line, remedy=Remedy.DESCRIBE_SYSTEM
        ) from error
    except OSError as error:
        raise SubmissionError(f"cannot be read: {why(error)}", path=path, remedy=Remedy.DESCRIBE_SYSTEM) from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA or document["schema"] is True:
        raise SubmissionError(f"no system description of schema {SCHEMA}", path=path, remedy=Remedy.DESCRIBE_SYSTEM)
    fields = {name: value for name, value in document.items() if name not in ("schema", "id")}
    allowed = [name for name in SYSTEM_FIELDS if name not in _OF_THE_SUBMISSION]
    if unknown := [str(name) for name in fields if name not in allowed]:
        raise SubmissionError(f"unknown {', '.join(unknown)}, allowed: {', '.join(allowed)}", path=path)
    try:
        values = {name: _text(name, fields.get(name)) for name in allowed}
        system_id = _text("id", document.get("id"))
    except ValueError as error:
        raise SubmissionError(str(error), path=path) from None
    if not FOLDER_NAME.fullmatch(system_id):
        raise SubmissionError(f"id: found {system_id!r}, allowed: {FOLDER_NAMES}", path=path)
    return SystemDescription(system_id, values)


def _text(name: str, value: Any) -> str:
    """A field's value; nothing is an empty text. Raises ValueError for what is neither a text nor a number."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        found = "true or false" if isinstance(value, bool) else f"a {type(value).__name__}"
        raise ValueError(f"{name}: found {found}, allowed: a text or a number; put a text into quotes")
    if isinstance(value, str) and (len(value) > _MOST_CHARACTERS or not value.isprintable()):
        raise ValueError(f"{name}: found {value[:40]!r}, allowed: one line of up to {_MOST_CHARACTERS} characters")
    return str(value)


def find_base(base: str, tree: Path | None = None) -> dict[str, str]:
    """The description to copy: a file of that name, or systems/<base>.json anywhere in a results tree.

    Raises SubmissionError. Division, submitter and fields that are not among the 35 are left behind.
    """
    path = Path(base)
    if not path.is_file():
        found = sorted(path for path in (tree or Path()).glob("**/systems/*.json") if path.stem == base)
        if len(found) != 1:
            raise SubmissionError(
                f"no file {base}, and {len(found)} files systems/{base}.json below {tree or Path.cwd()}, expected one",
                remedy=Remedy.NAME_BASE,
            )
        path = found[0]
    try:
        document = read_json(path, MIB)
        if not isinstance(document, dict):
            raise ValueError("no object")
        return {k: _text(k, v) for k, v in document.items() if k in SYSTEM_FIELDS and k not in _OF_THE_SUBMISSION}
    except (OSError, ValueError) as error:
        raise SubmissionError(f"not a system description: {why(error)}", path=path) from error


def _scalar(value: str) -> str:
    """A YAML scalar on one line; texts stay texts."""
    return json.dumps(value, ensure_ascii=False)
