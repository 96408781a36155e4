"""Optuna says nothing within dse's calls, and everything elsewhere: no global level is set."""

from __future__ import annotations

import logging
import threading
import warnings

import optuna
import pytest

from dse.quiet import new_study, quiet


class _Listener(logging.Filter):
    """What reaches Optuna's own handler, as the last of its filters."""

    def __init__(self, heard: list[str]) -> None:
        super().__init__()
        self._heard = heard

    def filter(self, record: logging.LogRecord) -> bool:
        self._heard.append(record.getMessage())
        return False


def test_a_new_study_is_made_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    before = optuna.logging.get_verbosity()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        study = new_study(["minimize"], ["latency_p90_ns"])
    assert study.metric_names == ["latency_p90_ns"]
    assert capsys.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == before


def test_other_threads_and_later_calls_are_heard() -> None:
    handler = logging.getLogger("optuna").handlers[0]
    heard: list[str] = []
    with quiet():
        listener = _Listener(heard)
        handler.addFilter(listener)
        try:
            optuna.create_study(study_name="mine")
            other = threading.Thread(target=optuna.create_study, kwargs={"study_name": "other"})
            other.start()
            other.join()
        finally:
            handler.removeFilter(listener)
    assert ["mine" in said for said in heard] == [False]
    listener = _Listener(heard)
    handler.addFilter(listener)
    try:
        optuna.create_study(study_name="later")
    finally:
        handler.removeFilter(listener)
    assert "later" in heard[-1]
