"""Searches at the same time: each ends by itself, and all of them with whoever waits."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from dse.search.together import BrokenOffError, Check, together


def test_all_go_on_at_the_same_time_and_a_failure_is_its_own() -> None:
    both = threading.Barrier(2, timeout=30)

    def meet(check: Check) -> str:
        both.wait()
        check()
        return threading.current_thread().name

    def fail(check: Check) -> str:
        both.wait()
        raise ValueError("why")

    assert together({"a": meet, "b": meet}) == {"a": "a", "b": "b"}
    found = together({"a": meet, "b": fail})
    assert list(found) == ["a", "b"]
    assert found["a"] == "a"
    assert isinstance(found["b"], ValueError)
    assert together({}) == {}


def test_whoever_is_interrupted_ends_them_and_waits_for_them() -> None:
    ended, begun = list[str](), threading.Barrier(2, timeout=30)

    def go_on(name: str) -> None:
        begun.wait()
        if name == "b":
            os.kill(os.getpid(), signal.SIGINT)

    def search(check: Check) -> None:
        name = threading.current_thread().name
        go_on(name)
        deadline_s = time.monotonic() + 60
        try:
            while time.monotonic() < deadline_s:
                check()
        except BrokenOffError:
            ended.append(name)
            raise

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs in the background ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            together({"a": search, "b": search})
    finally:
        signal.signal(signal.SIGINT, before)
    assert sorted(ended) == ["a", "b"]
