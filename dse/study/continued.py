"""A space as a study goes on with it: what it leaves open is as the study has it."""

from __future__ import annotations

from dataclasses import replace

from dse.spaces.space import Space
from dse.study.study import Study


def continued(space: Space, study: Study) -> Space:
    """``space`` with the versions that its runtimes had when the study measured with them last, and its indifference.

    Where the space's file names none for an objective, the study's stays: another default of dse, or a machine whose
    noise was measured since, changes no front that was shown.
    """
    measured: dict[str, str] = {}
    for m in study.measurements:
        name = str(m.configuration.get("runtime", next(iter(space.file.runtimes), "")))
        if m.response.evidence and name in space.programs:
            measured[name] = m.response.evidence.runtime_version
    own = {name: study.space.indifference.get(name, 0.0) for name in study.space.objectives}
    file = space.file.model_copy(update={"indifference": {**own, **space.file.indifference}})
    return replace(space, file=file, runtime_versions={**measured, **space.runtime_versions})
