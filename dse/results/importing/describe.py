"""System and measurements JSON as columns: tolerant of old spellings, mixed types and more than one candidate file."""

from __future__ import annotations

import dataclasses
import json
from functools import lru_cache
from typing import Any

from dse.errors import ResultsError
from dse.results.importing.row import MeasurementsColumns, SystemColumns

# v0.5 spellings of keys that later rounds settled.
_OLD_SPELLINGS = {"host_processors_core_count": "host_processor_core_count", "number of nodes": "number_of_nodes"}
_SYSTEM_KEYS = tuple(f.name for f in dataclasses.fields(SystemColumns) if f.name != "system_json")
_MEASUREMENTS_KEYS = tuple(f.name for f in dataclasses.fields(MeasurementsColumns))


def parse_object(data: bytes) -> dict[str, Any]:
    """A JSON object. Raises `ResultsError` (without path) for anything else."""
    try:
        value = json.loads(data.decode("utf-8-sig", "replace"), strict=False)
    except json.JSONDecodeError as error:
        raise ResultsError(f"not JSON: {error.msg}", line=error.lineno) from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
        raise ResultsError(f"JSON that cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise ResultsError(f"a JSON {type(value).__name__} where an object is expected")
    return value


def parse_system(data: bytes) -> SystemColumns:
    """A ``systems/<system>.json``. Raises `ResultsError` when it is no JSON object."""
    system = parse_object(data)
    for old, new in _OLD_SPELLINGS.items():
        if old in system:
            system.setdefault(new, system[old])
    texts = {key: _text(system.get(key)) for key in _SYSTEM_KEYS}
    return SystemColumns(**texts, system_json=_json(system))


@lru_cache(maxsize=1024)  # of one model, the files of many systems are the same
def parse_measurements(data: bytes) -> MeasurementsColumns | None:
    """A measurements file, or None for a JSON object that has none of its keys (a tool's own file beside it)."""
    measurements = parse_object(data)
    if not any(key in measurements for key in _MEASUREMENTS_KEYS):
        return None
    return MeasurementsColumns(**{key: _text(measurements.get(key)) for key in _MEASUREMENTS_KEYS})


def _text(value: Any) -> str | None:
    """Text stays text, so that a system called ``0`` and ``4 (big); 4 (LITTLE)`` survive; other values as JSON."""
    if value is None:
        return None
    return (value if isinstance(value, str) else _json(value)).replace("\0", "")


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:  # it has fewer levels to spare than who read it
        raise ResultsError("JSON that cannot be read: too deeply nested") from None
