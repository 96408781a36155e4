"""Versions of runtimes as a study knows them, where nobody asks their interpreters."""

from __future__ import annotations

from dataclasses import replace

from dse.spaces.space import Space
from dse.study.study import Study


def with_measured_versions(space: Space, study: Study) -> Space:
    """``space`` with the versions that its runtimes had when the study measured with them last."""
    measured: dict[str, str] = {}
    for m in study.measurements:
        name = str(m.configuration.get("runtime", next(iter(space.file.runtimes), "")))
        if m.response.evidence and name in space.programs:
            measured[name] = m.response.evidence.runtime_version
    return replace(space, runtime_versions={**measured, **space.runtime_versions})
