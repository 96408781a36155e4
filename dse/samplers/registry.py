"""The samplers that a search space may name. Others add one with an entry point of the group ``dse.samplers``.

The entry point names a `SamplerEntry`::

    [project.entry-points."dse.samplers"]
    annealing = "my_package:ANNEALING"

    ANNEALING = SamplerEntry(lambda tree, seed: MySampler(seed=seed))

Such a sampler is any `optuna.samplers.BaseSampler`. `dse.testing.samplers` has the tests that it should pass.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse_harness.registry import Registry

from dse.core.tree import ParameterTree
from dse.errors import MachineError

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

AUTO = "auto"
"""What a space says that leaves the choice to dse: all of it where the budget reaches, else what EHVI suggests."""
_FORMER: Mapping[str, str] = {"surrogate": "ehvi"}
"""Names that older spaces and studies have."""


@dataclass(frozen=True)
class SamplerEntry:
    """How to make a sampler for a tree and a seed.

    ``make`` gives a new one at each call; equal trees and seeds give equal samplers. ``packages`` are those that have
    to be installed for it, by their import names. ``corners``: whether a search measures the tree's first and last
    configuration before it asks; dse's own samplers begin with them where it helps.
    """

    make: Callable[[ParameterTree, int], BaseSampler]
    packages: tuple[str, ...] = ()
    corners: bool = False

    @property
    def missing(self) -> list[str]:
        """Those of ``packages`` that this Python does not have."""
        return [package for package in self.packages if importlib.util.find_spec(package) is None]


SAMPLERS: Registry[SamplerEntry] = Registry(
    "dse.samplers",
    {
        name: f"dse.samplers.builtin:{name.upper()}"
        for name in ("ehvi", "screen", "tpe", "nsga2", "nsga3", "gp", "random", "grid")
    },
    needs=("make", "packages", "corners", "missing"),
)


def sampler_names() -> tuple[str, ...]:
    """What a space may say, those that only older ones say apart."""
    return (AUTO, *SAMPLERS.names())


def is_sampler(name: str) -> bool:
    """Whether a space may say ``name``; older ones have names that `sampler_names` does not."""
    return name == AUTO or current_name(name) in SAMPLERS


def current_name(name: str) -> str:
    """The name of today for one that a space or a study has."""
    return _FORMER.get(name, name)


def require_packages(name: str) -> None:
    """Raise MachineError for a package that the sampler called ``name`` needs and that is missing.

    Raises RegistryError for an unknown name.
    """
    missing = [] if name == AUTO else SAMPLERS.get(current_name(name)).missing
    if missing:
        raise MachineError(
            f"sampler: {name} needs {' and '.join(missing)}, not installed for this Python",
            hint=f"pip install {' '.join(missing)}, or sampler: auto",
        )
