"""What studies of other systems found of the models of a space: their accuracies, for a study of this one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from dse.core.measurement import Measurement
from dse.errors import ModelError
from dse.spaces.space import Space
from dse.study import Study
from dse.study.elsewhere import Elsewhere


def found_elsewhere(space: Space, studies: Iterable[Study]) -> list[Elsewhere]:
    """The accuracies that ``studies`` counted of what ``space`` has: the same but for the system that it ran on.

    That is the same model file, images, preprocessing, engine, kernels and options. Of each the one on most images.
    """
    best: dict[str, Elsewhere] = {}
    for study in studies:
        system = str(study.settings.options.get("system", ""))
        for measured in study.measurements:
            found = elsewhere_of(space, system, study.name, measured)
            if found is not None and (
                found.key not in best or best[found.key].accuracy.total < found.accuracy.total
            ):  # fmt: skip
                best[found.key] = found
    return list(best.values())


def elsewhere_of(space: Space, system: str, study: str, measured: Measurement) -> Elsewhere | None:
    """The accuracy that a trial of ``study`` counted on ``system``, if ``space`` has the same."""
    accuracy, spot_check = measured.response.accuracy, measured.response.spot_check
    if accuracy is None or spot_check is None or space.tree.locate(measured.configuration) is None:
        return None
    try:
        experiment = space.experiment(measured.configuration)
    except ModelError:
        return None
    if measured.accuracy_key != dataclasses.replace(experiment, device=system).accuracy_key():
        return None
    return Elsewhere(experiment.accuracy_key(), accuracy, spot_check, study, measured.trial)
