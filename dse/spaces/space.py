"""A search space with everything it mentions found: what a study needs to turn a configuration into a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from dse_harness.energy import METRIC as ENERGY
from dse_harness.engines import no_batches, options_of
from dse_harness.protocol import Preprocessing, RuntimeSpec

from dse.backends import Backend, LocalBackend
from dse.core.configuration import Configuration, Value
from dse.core.experiment import Experiment, Fidelity, key_of
from dse.core.indifference import Indifference, default_indifference
from dse.core.metrics import Constraint, Objective
from dse.core.tree import Parameter, ParameterTree
from dse.data_sets import DataSet
from dse.machine import machine_indifference
from dse.models import FORMAT, Download, ModelSection, ModelSource
from dse.packages import engine_named
from dse.sections import PreprocessingSection
from dse.spaces.format import (
    ExploreSection,
    RuntimeSection,
    SpaceFile,
)
from dse.spaces.parts import model_of, runtime_of, variant_of
from dse.spaces.resolved import (
    ResolvedBudget,
    ResolvedDataSet,
    ResolvedExplore,
    ResolvedFidelity,
    ResolvedRuntime,
    ResolvedSpace,
)
from dse.spaces.tree import written_tree

OFFICIAL_BUFFER = 1024
"""Samples in memory that MLPerf's rules want of an official run of an image classifier."""

SINGLE_STREAM = "SingleStream"
"""The scenario of a space that names none."""
MOST_NOISE = 0.1
"""Chosen: where single runs differ by more, repeats have to tell configurations apart, and can."""
MOST_CPUS = 8192
"""More than a Linux kernel can be built for."""
_EXPERIMENTS = 256
"""So many are kept."""
_MANNER = frozenset({"threads", "buffer_size", "cpu_affinity", "scenario", "batch_size"})
"""Parameters that no accuracy depends on; on all others, no `Experiment.manner` does."""
_Typed = tuple[tuple[str, type, Value], ...]
"""Names and values with their types: 1 and true are equal, and not the same."""


@dataclass(frozen=True)
class Space:
    """A search space, resolved. ``file`` is what was written, with every default in place.

    >>> import dse
    >>> space = dse.load_space("mobilenet_v3")
    >>> space.tree.levels_of("family")
    ('small', 'large')
    """

    path: Path
    file: SpaceFile
    tree: ParameterTree
    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...]
    data_set: DataSet
    sources: Mapping[str, ModelSource]
    runtime_versions: Mapping[str, str]
    """Of each runtime by name; of one with an interpreter of its own only where that was asked."""
    preprocessings: Mapping[str, PreprocessingSection] = field(default_factory=dict)
    """Of the models that have one of their own, by name."""
    backend: Backend = field(default_factory=LocalBackend)
    """Where it is measured unless somebody names another place: this machine, or the benchmark that it is made of."""
    system: str = ""
    """What its devices are called together, which are all alike; empty for this machine."""
    _keys: list[tuple[str, Configuration]] = field(default_factory=list, init=False, repr=False, compare=False)
    _experiments: dict[Configuration, Experiment] = field(default_factory=dict, init=False, repr=False, compare=False)
    """The latest: whoever decides and begins a trial asks for its experiment several times."""

    @property
    def name(self) -> str:
        """The space's name, which a study takes when it is given none."""
        return self.file.name

    @cached_property
    def indifference(self) -> Indifference:
        """What difference in each objective does not matter; of recorded figures, only where the space says so.

        By default at least what two runs differ by on this machine, where ``dse doctor --noise`` found that out, but no
        more than `MOST_NOISE`.
        """
        noise = {} if self.backend.is_deterministic else machine_indifference() or {}
        default = {
            name: max(most, min(noise.get(name, 0.0), MOST_NOISE))
            for name, most in default_indifference(() if self.backend.is_deterministic else self.objectives).items()
        }
        return {name: most for name, most in {**default, **self.file.indifference}.items() if most}

    @property
    def fidelity(self) -> ExploreSection:
        """How long the search measures."""
        return self.file.fidelity.explore

    def preprocessing(self, configuration: Configuration) -> Preprocessing:
        """The recipe for the images of the configuration's model, as a request holds it."""
        return self._recipes[self._model_name(configuration)]

    @cached_property
    def _recipes(self) -> Mapping[str, Preprocessing]:
        shared = self.file.data_set.preprocessing if self.file.data_set else PreprocessingSection()
        sections = {name: self.preprocessings.get(name, shared) for name in self.sources}
        return {name: Preprocessing(**section.model_dump()) for name, section in sections.items()}

    @property
    def accuracy_images(self) -> int:
        """How many images an accuracy is counted on when it is complete."""
        return min(self.fidelity.accuracy_images or self.data_set.size, self.data_set.size)

    def source(self, configuration: Configuration) -> ModelSource:
        """Where the configuration's model comes from."""
        return self.sources[self._model_name(configuration)]

    def variant(self, configuration: Configuration) -> dict[str, Value]:
        """The part of the configuration that is the model variant, in a format that its engine reads."""
        variant = variant_of(configuration)
        formats = self.source(configuration).parameters.get(FORMAT)
        if formats and FORMAT not in variant:
            suffixes = engine_named(self.runtime(configuration).engine).suffixes
            chosen = next((each for each in formats if f".{each}" in suffixes), formats[0])
            if chosen != formats[0]:
                variant[FORMAT] = chosen
        return variant

    def runtime(self, configuration: Configuration) -> RuntimeSection:
        """The entry of the file that says what executes the configuration's model."""
        return self.file.runtimes.get(self._runtime_name(configuration), RuntimeSection())

    def scenario(self, configuration: Configuration) -> str:
        """How LoadGen asks."""
        return str(configuration.get("scenario", SINGLE_STREAM))

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Those that the space has: the default too, where a configuration may name none."""
        named = tuple(map(str, self.tree.levels_of("scenario")))
        return named if _always_has("scenario", self.tree.roots) or SINGLE_STREAM in named else (SINGLE_STREAM, *named)

    @property
    def asks_for_energy(self) -> bool:
        """Whether an objective or a constraint is about it."""
        return ENERGY in {o.name for o in self.objectives} | {c.metric.name for c in self.constraints}

    def unable(self, configuration: Configuration) -> str | None:
        """Why its engine cannot run the configuration, where that is known without asking it."""
        name = self.runtime(configuration).engine
        return no_batches(name, engine_named(name), self._runtime(configuration).batch_size)

    def _runtime(self, configuration: Configuration) -> RuntimeSpec:
        affinity = configuration.get("cpu_affinity")
        engine = self.runtime(configuration).engine
        return RuntimeSpec(
            name=engine,
            threads=int(configuration.get("threads", 1)),
            delegate=str(configuration.get("delegate", engine_named(engine).delegates[0])),
            cpu_affinity=None if affinity is None else parse_cpus(str(affinity)),
            options={
                name: configuration[name]
                for name, (default, *_) in options_of(engine_named(engine)).items()
                if configuration.get(name, default) != default
            },
            batch_size=int(configuration.get("batch_size", 1)),
        )

    @property
    def programs(self) -> dict[str, str]:
        """The interpreters that the space names, by the runtime that each is for."""
        return {name: section.python for name, section in self.file.runtimes.items() if section.python is not None}

    @property
    def official_samples(self) -> str | None:
        """What official runs hold in memory, where the search measures with fewer samples; for people."""
        fewer = sorted({int(n) for n in self.tree.levels_of("buffer_size") if int(n) < OFFICIAL_BUFFER})
        if self.backend.is_deterministic or not fewer:
            return None
        said = f"official runs hold {OFFICIAL_BUFFER} samples in memory, not {' or '.join(map(str, fewer))}"
        named = {o.name for o in self.objectives} | {c.metric.name for c in self.constraints}
        if "peak_memory_bytes" in named:
            said += ": peak_memory_bytes counts the samples, model_memory_bytes does not"
        return said

    @property
    def run_length(self) -> Fidelity:
        """How long performance runs take."""
        least = self.fidelity.least_duration
        return Fidelity(self.fidelity.min_duration, self.fidelity.min_query_count, least_duration_s=least)

    @property
    def downloads(self) -> list[Download]:
        """The models that are not here yet."""
        return [cast(Download, source) for source in self.sources.values() if not source.is_local]

    def known_key(self, configuration: Configuration) -> str | None:
        """The key of the experiment; None where it cannot be told without a download. Raises ModelError."""
        identity = self.source(configuration).known_identity(self.variant(configuration))
        return None if identity is None else self._experiment(configuration, identity).key()

    def known_keys(self) -> Sequence[tuple[str, Configuration]]:
        """Every configuration whose `known_key` there is, with it. Made once, as soon as none is missing."""
        if len(self._keys) != self.tree.size:
            self._keys[:] = self._found_keys()
        return self._keys

    def _found_keys(self) -> Iterator[tuple[str, Configuration]]:
        """As `known_key` says, with each part of a key found once for all configurations that have it in common."""
        accuracies: dict[_Typed, str | None] = {}
        manners: dict[_Typed, str] = {}
        for configuration in self.tree.listed:
            parameters = configuration.parameters.items()
            what = tuple([(name, type(value), value) for name, value in parameters if name not in _MANNER])
            how = tuple([(name, type(value), value) for name, value in parameters if name in _MANNER])
            if what not in accuracies:
                identity = self.source(configuration).known_identity(self.variant(configuration))
                made = None if identity is None else self._made_experiment(configuration, identity)
                accuracies[what] = None if made is None else made.accuracy_key()
            accuracy = accuracies[what]
            if accuracy is None:
                continue
            if how not in manners:
                manners[how] = self._made_experiment(configuration, {}).manner()
            yield key_of(accuracy, manners[how]), configuration

    def buffer_size(self, configuration: Configuration) -> int:
        """LoadGen's performance_sample_count for this configuration; MLPerf's 1024, or all images, by default."""
        return int(configuration.get("buffer_size", min(OFFICIAL_BUFFER, self.data_set.size)))

    def experiment(self, configuration: Configuration) -> Experiment:
        """What measuring ``configuration`` is, by content. Raises ModelError; may download (see `known_key`)."""
        return self._experiment(configuration, self.source(configuration).identity(self.variant(configuration)))

    def _experiment(self, configuration: Configuration, identity: Mapping[str, Value]) -> Experiment:
        found = self._experiments.get(configuration)
        if found is None or found.model != identity:
            if len(self._experiments) == _EXPERIMENTS:
                self._experiments.clear()
            found = self._experiments[configuration] = self._made_experiment(configuration, identity)
        return found

    def _made_experiment(self, configuration: Configuration, identity: Mapping[str, Value]) -> Experiment:
        return Experiment(
            model=identity,
            data_set=self.data_set.sha256,
            classes=self.data_set.classes,
            preprocessing=self.preprocessing(configuration),
            runtime=self._runtime(configuration),
            engine_version=self.runtime_versions.get(self._runtime_name(configuration)),
            buffer_size=self.buffer_size(configuration),
            fidelity=self.run_length,
            scenario=self.scenario(configuration),
            device=self.system,
        )

    def resolved(self) -> ResolvedSpace:
        """The space with nothing implicit and no secret, as study.yaml has it."""
        written, data_set = self.file, self.data_set
        section: dict[str, Any] = {"name": data_set.name} if written.data_set is None else written.data_set.model_dump()
        recipe = section.get("preprocessing")
        fidelity = self.fidelity if written.replay is None else ExploreSection()  # a record has none of its own
        return ResolvedSpace(
            name=written.name,
            description=written.description,
            replay=written.replay,
            data_set=ResolvedDataSet(
                embedded=section.get("embedded"),
                file=section.get("file"),
                images=section.get("images"),
                labels=None if data_set.labels is None else str(data_set.labels),
                name=section["name"],
                classes=data_set.classes,
                preprocessing=None if recipe is None else Preprocessing(**recipe),
                path=str(data_set.path),
                size=data_set.size,
                sha256=data_set.sha256,
            ),
            models={name: self._resolved_model(name, model) for name, model in written.models.items()},
            runtimes={
                name: ResolvedRuntime(engine=runtime.engine, python=runtime.python)
                for name, runtime in written.runtimes.items()
            },
            parameters=written_tree(self.tree.roots) if written.replay is None else written.parameters,
            objectives=dict(written.objectives),
            constraints=tuple(written.constraints),
            indifference=dict(self.indifference),
            fidelity=ResolvedFidelity(explore=ResolvedExplore(**fidelity.model_dump())),
            budget=ResolvedBudget(**written.budget.model_dump()),
            sampler=written.sampler,
            seed=written.seed,
        )

    def _resolved_model(self, name: str, section: ModelSection) -> dict[str, Any]:
        source = self.sources.get(name)
        return section.model_dump() | ({} if source is None else source.resolved())

    def _model_name(self, configuration: Configuration) -> str:
        return model_of(configuration, self.sources)

    def _runtime_name(self, configuration: Configuration) -> str:
        return runtime_of(configuration, self.file.runtimes) or "recorded"


def _always_has(name: str, parameters: Sequence[Parameter]) -> bool:
    """Whether every configuration has the parameter ``name``."""
    return any(
        parameter.name == name or all(_always_has(name, level.children) for level in parameter.levels)
        for parameter in parameters
    )


def parse_cpus(source: str) -> tuple[int, ...]:
    """CPU numbers of a Linux list such as ``0-3`` or ``0,2``. Raises ValueError."""
    cpus: set[int] = set()
    listed = 0
    for part in source.split(","):
        first, dash, last = part.partition("-")
        try:
            numbers = range(int(first), int(last if dash else first) + 1)
        except ValueError:
            numbers = range(0)
        listed += len(numbers)
        if not numbers or numbers.stop > MOST_CPUS or listed > MOST_CPUS:
            raise ValueError(f"found {source!r}, allowed: CPU numbers such as 0-3 or 0,2")
        cpus.update(numbers)
    return tuple(sorted(cpus))
