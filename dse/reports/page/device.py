"""What the trials of a study say of the device: what it is, the state it was in, how steady it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from dse.core.measurement import Measurement
from dse.study import Study


def device_facts(study: Study) -> dict[str, Any]:
    """Versions and states of the device as its trials found them; empty members where nothing told.

    ``drift_checks`` are the runs of the reference configuration: each with its device time, its p90 latency, and why it
    does not count, if it does not.
    """
    runs = [m for m in study.measurements if m.tells_of_device]
    states = [s for m in runs for s in (m.response.device_before, m.response.device_after) if s is not None]
    exclusions = study.analysis.exclusions
    return {
        "versions": _said(m.response.versions for m in study.measurements),
        "names": sorted({m.device for m in runs if m.device}),
        "first_utc": min((s.time_utc for s in states), default=None),
        "last_utc": max((s.time_utc for s in states), default=None),
        "governors": sorted({governor for s in states for governor in s.cpu_governors}),
        "frequency_khz": _range(f for s in states for f in s.cpu_frequency_khz),
        "temperature_celsius": _range(t for s in states for t in s.temperatures_celsius.values()),
        "load_1min": _range(s.load_1min for s in states),
        "throttled": sorted({flag for s in states for flag in s.throttled}),
        "disturbance": exclusions.disturbance,
        "starved": exclusions.starved,
        "excluded": dict(Counter(r.word for reasons in exclusions.reasons.values() for r in reasons[:1])),
        "failures": dict(_failures(study.measurements)),
        "drift_checks": _drift_checks(study),
    }


def _said(found: Iterable[dict[str, str]]) -> dict[str, list[str]]:
    """Each version that a run named, once."""
    said: dict[str, dict[str, None]] = {}
    for versions in found:
        for name, version in versions.items():
            said.setdefault(name, {})[version] = None
    return {name: list(versions) for name, versions in said.items()}


def _range(found: Iterable[float]) -> list[float]:
    values = list(found)
    return [min(values), max(values)] if values else []


def _failures(measurements: Iterable[Measurement]) -> Counter[str]:
    return Counter(m.response.failure.error for m in measurements if m.response.failure)


def _drift_checks(study: Study) -> list[dict[str, Any]]:
    reasons = study.analysis.exclusions.reasons
    found = []
    for m in study.measurements:
        if m.phase == "reference" and not m.failed:
            why = "; ".join(f"{r.word}: {r.sentence}" for r in reasons.get(m.trial, ()))
            found.append({"trial": m.trial, "latency_p90_ns": m.values.get("latency_p90_ns"), "reason": why or None})
    return found
