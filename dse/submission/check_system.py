"""Built-in checks of `systems/<system>.json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dse.submission.fields import MAY_BE_EMPTY, STATUSES, SYSTEM_FIELDS, SYSTEM_TYPES
from dse.submission.findings import Finding, finding

_COUNTS = ("number_of_nodes", "accelerators_per_node")
"""Multiplied by the checker when it writes its table."""


def check_system(path: str, system: Mapping[str, Any], submitter: str, division: str) -> Iterator[Finding]:
    """The rules that a system description breaks; ``path`` names it in the findings."""
    for name in SYSTEM_FIELDS:
        if name not in system:
            yield finding(path, "system-field-missing", f"no {name}")
        elif not system[name] and name not in MAY_BE_EMPTY:
            yield finding(path, "system-field-empty", f"{name}: {system[name]!r}")
    status, system_type = system.get("status"), system.get("system_type")
    if "status" in system and (not isinstance(status, str) or status.lower() not in STATUSES):
        yield finding(path, "system-status", repr(status))
    if "system_type" in system and system_type not in SYSTEM_TYPES:
        yield finding(path, "system-type", repr(system_type))
    for name, rule, expected in (
        ("submitter", "system-submitter", submitter),
        ("division", "system-division", division),
    ):
        value = system.get(name)
        if name in system and (not isinstance(value, str) or value.lower() != expected.lower()):
            yield finding(path, rule, repr(value), allowed=repr(expected))
    if system.get("is_network") not in (None, ""):  # even "false" asks for the network's fields
        yield finding(path, "system-network", f"is_network: {system['is_network']!r}")
    if system.get("sw_notes"):  # the checker joins the two
        for name in ("hw_notes", "sw_notes"):
            if system.get(name) and not isinstance(system[name], str):
                yield finding(path, "system-notes", f"{name}: {system[name]!r}")
    for name in _COUNTS:
        if system.get(name) and not _is_whole(system[name]):
            yield finding(path, "system-count", f"{name}: {system[name]!r}")


def _is_whole(value: Any) -> bool:
    try:
        int(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True
