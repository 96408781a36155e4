"""What studies of other systems found of the models of a space: their accuracies, for a study of this one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from dse.core.configuration import Configuration
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
    if accuracy is None or spot_check is None:
        return None
    key = key_here(space, system, measured.configuration, measured.accuracy_key)
    return None if key is None else Elsewhere(key, accuracy, spot_check, study, measured.trial)


def key_here(space: Space, system: str, configuration: Configuration, accuracy_key: str | None) -> str | None:
    """The key that ``space`` has for what is ``accuracy_key`` on ``system``; None where it has not the same."""
    if space.tree.locate(configuration) is None:
        return None
    try:
        experiment = space.experiment(configuration)
    except ModelError:
        return None
    same = accuracy_key == dataclasses.replace(experiment, device=system).accuracy_key()
    return experiment.accuracy_key() if same else None
