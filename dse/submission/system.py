"""The description of the device: a YAML that the machine fills in and the user completes, and its 35 fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dse.errors import SubmissionError, why
from dse.files import write_text
from dse.submission.fields import MAY_BE_EMPTY, STATUSES, SYSTEM_FIELDS, SYSTEM_TYPES

SCHEMA = 1
_OF_THE_SUBMISSION = ("division", "submitter")
"""`dse submit` writes these two."""
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


@dataclass(frozen=True)
class SystemDescription:
    """A system's id and its 33 fields beside division and submitter. ``missing`` must still be filled in."""

    system_id: str
    fields: Mapping[str, str]

    @property
    def missing(self) -> tuple[str, ...]:
        """Fields that are empty and must not be."""
        return tuple(name for name, value in self.fields.items() if not value and name not in MAY_BE_EMPTY)


def init_system(path: Path, system_id: str, detected: Mapping[str, str], base: Mapping[str, Any] | None = None) -> None:
    """Write the YAML to edit: ``base`` first, if there is one, then what was detected, then defaults.

    Raises SubmissionError if the file exists: it may hold somebody's work.
    """
    if path.exists():
        raise SubmissionError("exists", path=path, hint="edit it, name another file, or remove it first")
    known = {**_DEFAULTS, **_NO_ACCELERATOR, **detected, **{name: str(value) for name, value in (base or {}).items()}}
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
    write_text(path, "\n".join(lines) + "\n")


def read_system(path: Path) -> SystemDescription:
    """The description in a YAML of `init_system`. Raises SubmissionError."""
    hint = "dse system init ID writes one"
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SubmissionError(f"cannot be read: {why(error)}", path=path, hint=hint) from error
    except yaml.YAMLError as error:
        raise SubmissionError(f"not YAML: {error}", path=path, hint=hint) from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise SubmissionError(f"no system description of schema {SCHEMA}", path=path, hint=hint)
    fields = {name: value for name, value in document.items() if name not in ("schema", "id")}
    allowed = [name for name in SYSTEM_FIELDS if name not in _OF_THE_SUBMISSION]
    if unknown := sorted(set(fields) - set(allowed)):
        raise SubmissionError(f"unknown {', '.join(unknown)}, allowed: {', '.join(allowed)}", path=path)
    for name, value in fields.items():
        if isinstance(value, dict | list):
            raise SubmissionError(f"{name}: found a {type(value).__name__}, allowed: a text or a number", path=path)
    if not document.get("id"):
        raise SubmissionError("id: nothing, allowed: a name without spaces", path=path)
    values = {name: "" if fields.get(name) is None else str(fields[name]) for name in allowed}
    return SystemDescription(str(document["id"]), values)


def find_base(base: str, tree: Path | None = None) -> dict[str, Any]:
    """The description to copy: a file of that name, or systems/<base>.json anywhere in a results tree.

    Raises SubmissionError. Division, submitter and fields that are not among the 35 are left behind.
    """
    path = Path(base)
    if not path.is_file():
        found = sorted((tree or Path()).glob(f"**/systems/{base}.json"))
        if len(found) != 1:
            raise SubmissionError(
                f"{len(found)} files systems/{base}.json below {tree or Path.cwd()}, expected one",
                hint="name the file itself with --base, or the tree with --results",
            )
        path = found[0]
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SubmissionError(f"not a system description: {error}", path=path) from error
    if not isinstance(document, dict):
        raise SubmissionError("not a system description: no object", path=path)
    return {k: v for k, v in document.items() if k in SYSTEM_FIELDS and k not in _OF_THE_SUBMISSION}


def _scalar(value: str) -> str:
    """A YAML scalar on one line; texts stay texts."""
    return json.dumps(value, ensure_ascii=False)
