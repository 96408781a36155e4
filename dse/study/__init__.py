"""A study: one search on one system, a folder that can be killed at any instant and continued.

To read one is here; `dse.study.writer` writes, and brings Optuna. Each name is imported when it is asked for: to see
whether a study has changed takes none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dse.study.study import Study, find_study

__all__ = ["Study", "find_study"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dse.study import study

    return getattr(study, name)
