"""Figures of estimates as arrays: of a list that changed they are those of the list as a whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dse.core.configuration import Configuration
from dse.core.estimate import Across, Estimate
from dse.core.metrics import METRICS
from dse.core.table import Tables, across_of, table_of

_METRICS = [METRICS.get("accuracy"), METRICS.get("latency_p90_ns")]
_NAMES = [metric.name for metric in _METRICS]
_SOME = [  # some lack a figure, some have no error
    Estimate(
        Configuration({"n": n}),
        {"latency_p90_ns": 1e6 + n} | ({} if n % 4 == 3 else {"accuracy": 0.5}),
        n,
        (n,),
        {"latency_p90_ns": 0.01 * n} if n % 2 else {},
        across=Across({}, {"latency_p90_ns": 0.02 * n}, {}, {"latency_p90_ns": 0.01}),
    )
    for n in range(8)
]
_LISTS = st.lists(st.sampled_from(_SOME), max_size=8)


@given(st.lists(_LISTS, max_size=6))
def test_whatever_was_asked_before_the_figures_are_those_of_all(asked: list[list[Estimate]]) -> None:
    tables = Tables()
    for estimates in asked:
        found, anew = table_of(estimates, _METRICS, tables), table_of(estimates, _METRICS)
        assert found.indices == anew.indices == [i for i, e in enumerate(estimates) if "accuracy" in e.values]
        _same([found.scaled, found.errors], [anew.scaled, anew.errors])
        across = [each for e in estimates if (each := e.across) is not None]
        _same(across_of(across, _NAMES, tables), across_of(across, _NAMES))


def _same(found: Sequence[np.ndarray], anew: Sequence[np.ndarray]) -> None:  # type: ignore[type-arg]
    for one, other in zip(found, anew, strict=True):
        assert one.shape == other.shape
        assert np.array_equal(one, other)
