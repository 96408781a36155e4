"""Optuna without its log: a call of dse's prints nothing, and changes nothing for anybody else's study."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import optuna

_FILTERS = threading.RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """Below an error, Optuna's own log handler skips what this thread does meanwhile.

    Optuna's level stays as it is, and so does what other threads log, or what a handler of the caller's hears.
    """
    thread = threading.get_ident()

    def is_heard(record: logging.LogRecord) -> bool:
        return record.thread != thread or record.levelno >= logging.ERROR

    handlers = list(logging.getLogger("optuna").handlers)
    for handler in handlers:
        handler.addFilter(is_heard)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(is_heard)


@contextmanager
def experimental() -> Iterator[None]:
    """No warning meanwhile that something of Optuna's is experimental: dse's tests say whether it works.

    Python's filters of warnings are one for all threads: so one thread at a time, or they would be restored wrongly.
    """
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


def new_study(directions: Sequence[Any], metric_names: Sequence[str] = (), **options: Any) -> optuna.Study:
    """`optuna.create_study` of ``directions`` and ``options``, its values named; nothing is logged, nothing warned."""
    with quiet(), experimental():
        study = optuna.create_study(directions=directions, **options)
        if metric_names:
            study.set_metric_names(list(metric_names))
    return study
