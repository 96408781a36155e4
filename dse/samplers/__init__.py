"""dse's ways of searching as samplers for anybody's Optuna study, and the registry of all that a space may name.

>>> import optuna
>>> from dse.samplers import EHVISampler
>>> study = optuna.create_study(directions=["minimize", "maximize"], sampler=EHVISampler(seed=1))
>>> study.optimize(lambda trial: (trial.suggest_int("x", 1, 9), trial.suggest_int("y", 1, 9)), n_trials=3)
>>> len(study.trials)
3

A sampler is imported, and Optuna with it, when it is asked for: a search space is read without them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dse.samplers.ehvi import EHVISampler
    from dse.samplers.inside import InsideSampler
    from dse.samplers.levels import distributions
    from dse.samplers.orders import GridSampler, RandomSampler
    from dse.samplers.registry import SAMPLERS, SamplerEntry
    from dse.samplers.screen import ScreenSampler
    from dse.samplers.tree import TreeSampler

__all__ = [
    "SAMPLERS",
    "EHVISampler",
    "GridSampler",
    "InsideSampler",
    "RandomSampler",
    "SamplerEntry",
    "ScreenSampler",
    "TreeSampler",
    "distributions",
]

_MODULES = {
    "SAMPLERS": "registry",
    "SamplerEntry": "registry",
    "EHVISampler": "ehvi",
    "InsideSampler": "inside",
    "ScreenSampler": "screen",
    "GridSampler": "orders",
    "RandomSampler": "orders",
    "TreeSampler": "tree",
    "distributions": "levels",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
