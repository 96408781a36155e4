"""A parameter tree as Optuna knows parameters: one name each, and categories with the space's own levels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from optuna.distributions import CategoricalDistribution

from dse.core.configuration import Value
from dse.core.tree import ParameterTree


def distributions(
    tree: ParameterTree, measured: Iterable[Mapping[str, Value]] = ()
) -> dict[str, CategoricalDistribution]:
    """For every parameter name of ``tree`` the levels of all its branches, in the order of the file.

    A name has one distribution in an Optuna study, so a level of one branch is suggested in the others too; whoever
    asks has to look whether the tree has it. Levels that configurations were ``measured`` with, and that the tree
    has no more, follow.
    """
    levels: dict[str, dict[Value, None]] = {name: dict.fromkeys(tree.levels_of(name)) for name in tree.names}
    for configuration in measured:
        for name, value in configuration.items():
            levels.setdefault(name, {})[value] = None
    return {name: CategoricalDistribution(tuple(values)) for name, values in levels.items()}
