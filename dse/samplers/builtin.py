"""The samplers that come with dse: its own, and those of Optuna's that know several objectives."""

from __future__ import annotations

from optuna.samplers import GPSampler, NSGAIIISampler, NSGAIISampler, TPESampler

from dse.samplers.ehvi import EHVISampler
from dse.samplers.orders import GridSampler, RandomSampler
from dse.samplers.registry import SamplerEntry
from dse.samplers.screen import ScreenSampler

_STARTUP_TRIALS = 10
_POPULATION = 20

EHVI = SamplerEntry(EHVISampler)
SCREEN = SamplerEntry(ScreenSampler)
RANDOM = SamplerEntry(RandomSampler)
GRID = SamplerEntry(GridSampler)
TPE = SamplerEntry(
    lambda _, seed: TPESampler(seed=seed, multivariate=True, group=True, n_startup_trials=_STARTUP_TRIALS),
    corners=True,
)
NSGA2 = SamplerEntry(lambda _, seed: NSGAIISampler(seed=seed, population_size=_POPULATION))
NSGA3 = SamplerEntry(lambda _, seed: NSGAIIISampler(seed=seed, population_size=_POPULATION))
GP = SamplerEntry(lambda _, seed: GPSampler(seed=seed, n_startup_trials=_STARTUP_TRIALS), packages=("torch", "scipy"))
