"""What a session is about: a problem, which experiments its configurations are, a policy and a budget."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from dse.core.budget import Budget
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement
from dse.core.policy import Policy
from dse.core.problem import Problem


class Experiments(Protocol):
    """Which experiment each configuration is, by content."""

    def __call__(self, measured: Measurement) -> Configuration | None:
        """The configuration that a measurement belongs to; None where it belongs to none."""

    def key(self, configuration: Configuration) -> str:
        """What is measured and how."""

    def accuracy_key(self, configuration: Configuration) -> str | None:
        """What the accuracy depends on; None where it is shared with nobody."""

    @property
    def duplicates(self) -> int:
        """How many configurations are the same experiment as another one, as far as is known."""


class EachItsOwn:
    """`Experiments` where every configuration is one of its own."""

    duplicates = 0

    def __call__(self, measured: Measurement) -> Configuration:
        """The configuration that was measured."""
        return measured.configuration

    def key(self, configuration: Configuration) -> str:
        """The configuration's fingerprint."""
        return configuration.fingerprint

    def accuracy_key(self, configuration: Configuration) -> str:
        """The same: its repeats share an accuracy."""
        return configuration.fingerprint


@dataclass(frozen=True)
class Task:
    """What a session is about and how it is to go about it.

    ``images`` is how many the whole data set has, None where nobody knows; ``exact`` says that figures are recorded
    ones, which a repeat would not change. Of a limited time, ``search_s`` device seconds may go to new configurations
    before what is undecided is confirmed (None: all of it).
    """

    problem: Problem
    policy: Policy = field(default_factory=Policy)
    budget: Budget = field(default_factory=Budget)
    search_s: float | None = None
    images: int | None = None
    exact: bool = False
