"""What studies of other systems found of the models of a space: their accuracies, for a study of this one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

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
        for m in study.measurements:
            accuracy, spot_check = m.response.accuracy, m.response.spot_check
            if accuracy is None or spot_check is None or space.tree.locate(m.configuration) is None:
                continue
            try:
                experiment = space.experiment(m.configuration)
            except ModelError:
                continue
            if m.accuracy_key != dataclasses.replace(experiment, device=system).accuracy_key():
                continue
            key = experiment.accuracy_key()
            if key not in best or best[key].accuracy.total < accuracy.total:
                best[key] = Elsewhere(key, accuracy, spot_check, study.name, m.trial)
    return list(best.values())
