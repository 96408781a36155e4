"""dse finds the Pareto-optimal configurations (accuracy, p90 latency, memory) of an image classifier on your device.

It searches with an Optuna study, measures each with MLPerf LoadGen, and submits only the front.

What `__all__` names is the public interface; everything else may change. Each name is imported when it is asked for.

>>> import dse
>>> study = dse.open_study("studies/example")
>>> int(study.front().to_pandas()["repeats"].min())
1
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dse.api import StopSearch, explore
    from dse.backends import Backend, FakeDevice
    from dse.core.budget import Budget
    from dse.errors import DseError, MachineError, SpaceError, StudyError
    from dse.reports.compare import compare
    from dse.reports.figures import plot
    from dse.reports.page import report
    from dse.reports.pick import pick
    from dse.spaces.load import load_space
    from dse.spaces.own import model_space
    from dse.spaces.space import Space
    from dse.study.rows import ConfigurationRow, Configurations, Front, TrialRow, Trials
    from dse.study.study import Study, open_study
    from dse.systems import Systems, explore_systems

__version__ = "0.1.0"
__all__ = [
    "Backend",
    "Budget",
    "ConfigurationRow",
    "Configurations",
    "DseError",
    "FakeDevice",
    "Front",
    "MachineError",
    "Space",
    "SpaceError",
    "StopSearch",
    "Study",
    "StudyError",
    "Systems",
    "TrialRow",
    "Trials",
    "__version__",
    "compare",
    "explore",
    "explore_systems",
    "load_space",
    "model_space",
    "open_study",
    "pick",
    "plot",
    "report",
]

_MODULES = {
    "Backend": "dse.backends",
    "Budget": "dse.core.budget",
    "ConfigurationRow": "dse.study.rows",
    "Configurations": "dse.study.rows",
    "DseError": "dse.errors",
    "FakeDevice": "dse.backends",
    "Front": "dse.study.rows",
    "MachineError": "dse.errors",
    "Space": "dse.spaces.space",
    "SpaceError": "dse.errors",
    "StopSearch": "dse.api",
    "Study": "dse.study.study",
    "StudyError": "dse.errors",
    "Systems": "dse.systems",
    "TrialRow": "dse.study.rows",
    "Trials": "dse.study.rows",
    "compare": "dse.reports.compare",
    "explore": "dse.api",
    "explore_systems": "dse.systems",
    "load_space": "dse.spaces.load",
    "model_space": "dse.spaces.own",
    "open_study": "dse.study.study",
    "pick": "dse.reports.pick",
    "plot": "dse.reports.figures",
    "report": "dse.reports.page",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
