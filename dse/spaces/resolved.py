"""A space as a study has it: plain frozen values with nothing implicit, written into study.yaml and read back.

Reading one needs neither the files that the space names nor pydantic. Versions of before wrote fewer keys: those have
defaults here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from dse_harness.decode import Range
from dse_harness.engines import ENGINES
from dse_harness.protocol import Preprocessing

from dse.address import without_secret
from dse.core.metrics import Constraint, Direction, Objective, parse_constraint, parse_metric
from dse.core.tree import ParameterTree
from dse.values import is_level, is_word, shown

Images = Annotated[int, Range(1)]


@dataclass(frozen=True, kw_only=True)
class ResolvedDataSet:
    """The images and where they lay: ``size`` of them, identified by ``sha256``."""

    embedded: str | None = None
    file: str | None = None
    images: str | None = None
    labels: str | None = None
    name: str | None = None
    classes: int | None = None
    preprocessing: Preprocessing | None = None
    path: str | None = None
    size: Images
    sha256: str | None = None

    @property
    def called(self) -> str:
        """What people call it."""
        return self.name or self.embedded or Path(self.path or "").stem

    def problem(self) -> str | None:
        """What is wrong."""
        if not (self.name or self.embedded or self.path):
            return "found no name, expected one of name, embedded, path"
        return None


@dataclass(frozen=True, kw_only=True)
class ResolvedRuntime:
    """An engine, and the interpreter that has it (None: dse's own)."""

    engine: str
    python: str | None = None

    def problem(self) -> str | None:
        """What is wrong."""
        if self.engine not in ENGINES:
            return f"engine: found {shown(self.engine)}, allowed: {', '.join(ENGINES)}"
        return None


@dataclass(frozen=True, kw_only=True)
class ResolvedExplore:
    """How long a measurement of the search runs; durations in seconds.

    Without ``least_duration``, as in earlier versions, each run lasts ``min_duration``.
    """

    min_duration: float = 0.5
    min_query_count: int = 100
    accuracy_images: Images | None = None
    trial_timeout: float = 120.0
    least_duration: float | None = None


@dataclass(frozen=True, kw_only=True)
class ResolvedFidelity:
    """How long measurements run, by purpose."""

    explore: ResolvedExplore


@dataclass(frozen=True, kw_only=True)
class ResolvedBudget:
    """What a search may spend: seconds, trials."""

    time: float | None = None
    trials: int | None = None


@dataclass(frozen=True, kw_only=True)
class ResolvedSpace:
    """A search space with every default and path in place; a model's section is its source's own.

    ``parameters`` are names with a list of levels each, or with levels that map to the parameters that they open. A
    space of a table names none where it has those of its table.
    """

    schema: int = 1
    name: str
    description: str = ""
    replay: str | None = None
    data_set: ResolvedDataSet
    models: dict[str, dict[str, Any]]
    runtimes: dict[str, ResolvedRuntime]
    parameters: dict[str, Any] = field(default_factory=dict)
    objectives: dict[str, Direction]
    constraints: tuple[str, ...] = ()
    indifference: dict[str, Annotated[float, Range(0)]] = field(default_factory=dict)
    fidelity: ResolvedFidelity
    budget: ResolvedBudget = ResolvedBudget()
    sampler: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        """Addresses lose their secrets: versions of before wrote them down as the space has them."""
        models = {
            name: {**section, "url": without_secret(section["url"])} if isinstance(section.get("url"), str) else section
            for name, section in self.models.items()
        }
        object.__setattr__(self, "models", models)

    def problem(self) -> str | None:
        """What is wrong."""
        for name in ("objectives", *(() if self.replay is not None else ("models", "runtimes"))):
            if not getattr(self, name):
                return f"{name}: found none"
        if wrong := next(_misfits(self.parameters, "parameters"), None):
            return wrong
        for section, parse, written in (
            ("objectives", parse_metric, self.objectives),
            ("constraints", parse_constraint, self.constraints),
        ):
            for text in written:
                try:
                    parse(text)
                except ValueError as error:
                    return f"{section}: {error}"
        return None

    @cached_property
    def tree(self) -> ParameterTree:
        """The parameters; without any where the space takes those of its table."""
        return ParameterTree.of(self.parameters)

    @cached_property
    def optimized(self) -> tuple[Objective, ...]:
        """The objectives, as metrics with a direction."""
        return tuple(Objective(parse_metric(name), direction) for name, direction in self.objectives.items())

    @cached_property
    def bounds(self) -> tuple[Constraint, ...]:
        """The constraints, parsed."""
        return tuple(map(parse_constraint, self.constraints))

    @property
    def accuracy_images(self) -> int:
        """How many images an accuracy is counted on when it is complete."""
        return min(self.fidelity.explore.accuracy_images or self.data_set.size, self.data_set.size)

    def document(self) -> dict[str, Any]:
        """The space as plain data, as JSON and YAML have it."""
        return {**dataclasses.asdict(self), "constraints": list(self.constraints)}


def _misfits(parameters: Any, place: str) -> Iterator[str]:
    """What no parameters of a space have, as sentences."""
    if not isinstance(parameters, Mapping):
        yield f"{place}: found {shown(parameters)}, expected parameters by name"
        return
    for name, levels in parameters.items():
        here = f"{place}.{name}"
        if not isinstance(levels, Mapping | list):
            yield f"{here}: found {shown(levels)}, expected a list of levels, or levels with what they open"
            continue
        for level in levels:
            if not is_word(name) or not is_level(level):
                yield f"{here}: found {shown(level)}, expected words, numbers, true or false"
        for level, below in levels.items() if isinstance(levels, Mapping) else ():
            if below is not None:
                yield from _misfits(below, f"{here}.{level}")
