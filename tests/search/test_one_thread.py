"""BLAS has one thread in every search of the process, and as many as before after the last of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from dse.core.budget import Budget
from dse.search.explore import explore
from dse.search.one_thread import one_thread
from dse.search.plan import make_plan
from dse.spaces.load import load_space
from dse.study.writer import StudyWriter
from tests.search.bench import Bench, device


@pytest.fixture(autouse=True, scope="module")
def _two() -> Iterator[None]:
    with threadpool_limits(2, user_api="blas"):
        if threads() != {2}:
            pytest.skip("this NumPy has no BLAS with threads")
        yield


def threads() -> set[int]:
    return {int(pool["num_threads"]) for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_a_search_has_one_thread(bench: Bench) -> None:
    bench.write("[1, 2]")
    space = load_space(bench.folder / "space.yaml")
    found = []
    with StudyWriter(bench.folder / "study", space, None, {}) as writer:
        plan = make_plan(space, (), Budget(trials=2))
        explore(writer, space, device(), plan, 0, lambda _: found.append(threads()), lambda: False)
    assert found
    assert all(each == {1} for each in found)
    assert threads() == {2}


@given(st.lists(st.integers(0, 3), max_size=12))
def test_searches_that_overlap_in_any_order(ends: list[int]) -> None:
    """Each number ends one of those that run; of fewer, another one begins."""
    running = []
    for end in ends:
        if end < len(running):
            running.pop(end).__exit__(None, None, None)
        else:
            running.append(one_thread())
            running[-1].__enter__()
        assert threads() == ({1} if running else {2})
    for each in running:
        each.__exit__(None, None, None)
    assert threads() == {2}
