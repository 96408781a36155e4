"""The builtin samplers: Optuna's conformance suite for dse's own, and dse's for all."""

from __future__ import annotations

from collections.abc import Callable

import optuna
import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
)

from dse.core.tree import ParameterTree
from dse.samplers import EHVISampler, GridSampler, InsideSampler, RandomSampler, ScreenSampler, builtin
from dse.testing.samplers import SamplerTests
from tests.thorough import thorough


class _InOptuna(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    """Optuna's suite, 126 tests."""


class TestEHVIInOptuna(_InOptuna):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: EHVISampler(seed=1)


class TestScreenInOptuna(_InOptuna):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: ScreenSampler(seed=1)


class TestRandomInOptuna(_InOptuna):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: RandomSampler(seed=1)


class TestGridInOptuna(_InOptuna):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: GridSampler(seed=1)


class TestInsideInOptuna(BasicSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: InsideSampler(optuna.samplers.RandomSampler(seed=1), ParameterTree(()), seed=1)


class TestEHVI(SamplerTests):
    entry = builtin.EHVI


class TestScreen(SamplerTests):
    entry = builtin.SCREEN


class TestRandom(SamplerTests):
    entry = builtin.RANDOM


class TestGrid(SamplerTests):
    entry = builtin.GRID
    is_seeded = False


class TestTPE(SamplerTests):
    entry = builtin.TPE

    @thorough("takes seconds; other samplers of Optuna are asked the same way")
    def test_what_is_measured_elsewhere_is_not_suggested(self) -> None:
        super().test_what_is_measured_elsewhere_is_not_suggested()


class TestNSGA2(SamplerTests):
    entry = builtin.NSGA2


@thorough("asks Optuna's sampler as NSGA-II does")
class TestNSGA3(SamplerTests):
    entry = builtin.NSGA3


@pytest.mark.skipif(bool(builtin.GP.missing), reason=f"needs {' and '.join(builtin.GP.packages)}")
class TestGP(SamplerTests):
    entry = builtin.GP
