"""Optuna's view of a study that nobody searches now, brought up to date for whoever looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import optuna

from dse.study.database import open_storage, storage_errors
from dse.study.folder import require_database
from dse.study.lock import is_locked, locked
from dse.study.storage import OptunaView, is_behind
from dse.study.study import Study


def current_storage(study: Study, url: str | None = None) -> optuna.storages.RDBStorage:
    """The storage of ``study``, at ``url`` where that has a password, with all that the study's folders have.

    A view that lacks something is brought up to date, unless a search has the study: that does it itself. Raises
    StudyError, MachineError.
    """
    if study.settings.storage is None:
        require_database(study.folder)
    storage = open_storage(url or study.storage_url)
    with storage_errors(url or study.storage_url):
        behind = is_behind(study, storage)
    if behind and not is_locked(study.folder):
        with locked(study.folder):
            show(study, url)
    return storage


def show(study: Study, url: str | None = None, official: Mapping[int, Mapping[str, Any]] | None = None) -> None:
    """Bring the view of ``study`` up to date, with ``official`` figures by trial; the caller has the study's lock.

    Raises StudyError, MachineError.
    """
    own = study.settings.storage is None
    if own:
        require_database(study.folder)
    OptunaView(url or study.storage_url, study, study.space.tree, own=own, official=official).close()
