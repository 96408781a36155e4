"""What a well-formed space may still get wrong: levels that nothing takes, variants that no source has, duplicates."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import islice

from dse_harness.engines import options_of
from dse_harness.scenarios import SCENARIOS

from dse.core.configuration import Configuration, Value, text
from dse.core.tree import Level, Parameter, ParameterTree
from dse.models import FileSource, ModelSource
from dse.packages import engine_named, engine_options, engines_reading
from dse.spaces.document import Document, Place
from dse.spaces.parts import HARNESS_PARAMETERS, is_harness_parameter
from dse.spaces.space import MOST_CPUS, Space, parse_cpus

MOST_BATCH = 4096
"""More than any processor gains from."""
_MOST_VARIANTS = 100_000
"""More than the zoo has; of a table with more, each level is compared within the first ones."""

_NOBODY = ""
"""No model has this name."""
_Choice = tuple[Place, Parameter, Value]
_MOST_AFFINITIES = 500
"""Each may name thousands of processors."""


def check_levels(document: Document, space: Space) -> None:
    """Raise SpaceError for a level that the harness does not take, or that is the same as another one here."""
    engines = [engine_named(section.engine) for section in space.file.runtimes.values()]
    delegates = list(dict.fromkeys(delegate for engine in engines for delegate in engine.delegates))
    allowed: dict[str, tuple[Callable[[Value], bool], str]] = {
        "delegate": (lambda value: value in delegates, ", ".join(delegates)),
        "threads": (
            lambda value: _is_count(value) and int(value) <= MOST_CPUS,
            f"whole numbers from 1 to {MOST_CPUS}",
        ),
        "buffer_size": (
            lambda value: _is_count(value) and int(value) <= space.data_set.size,
            f"whole numbers from 1 to {space.data_set.size}, the images of the data set",
        ),
        "runtime": (lambda value: value in space.file.runtimes, ", ".join(space.file.runtimes)),
        "cpu_affinity": (_is_cpu_list, "CPU numbers such as 0-3 or 0,2"),
        "batch_size": (
            lambda value: _is_count(value) and int(value) <= MOST_BATCH,
            f"whole numbers from 1 to {MOST_BATCH}",
        ),
        "scenario": (lambda value: value in SCENARIOS, f"{', '.join(SCENARIOS)}; Server is not measured"),
        "model": (lambda value: value in space.sources, ", ".join(space.sources)),
    }
    options: dict[str, list[Value]] = {}
    for engine in engines:
        for name, levels in options_of(engine).items():
            options.setdefault(name, []).extend(levels)
    for name, levels in options.items():
        allowed[name] = (_is_one_of(levels), ", ".join(map(text, dict.fromkeys(levels))))
    for name in engine_options() - options.keys():
        allowed[name] = (lambda _: False, "none: no engine of this space has such a setting")
    for place, parameter in places(space.tree.roots):
        if parameter.name == "cpu_affinity" and len(parameter.values) > _MOST_AFFINITIES:
            raise document.error(place, f"found {len(parameter.values)} levels, allowed: {_MOST_AFFINITIES}")
        is_allowed, description = allowed.get(parameter.name, (lambda _: True, ""))
        for value in parameter.values:
            if not is_allowed(value):
                raise document.error(place, f"found the level {value!r}, allowed: {description}")
        _check_distinct(document, space, place, parameter)


def check_files(document: Document, space: Space) -> None:
    """Raise SpaceError for a model file that no engine of the space reads, and another one does."""
    engines = list(dict.fromkeys(section.engine for section in space.file.runtimes.values()))
    for name, source in space.sources.items():
        if not isinstance(source, FileSource):
            continue
        suffix, others = source.path.suffix, engines_reading(source.path.suffix)
        if others and not {*others} & {*engines}:
            raise document.error(
                ("models", name) if name in space.file.models else ("models",),
                f"no engine of this space reads {suffix} files such as {source.path.name}: {', '.join(engines)}",
                f"{' or '.join(others)} does: runtimes: {{{others[0]}: {{engine: {others[0]}}}}}",
            )


def check_variants(document: Document, space: Space) -> None:
    """Raise SpaceError for a model variant that its source does not have; the source says what it has.

    Where levels combine freely, each is looked at alone: there may be no end of combinations.
    """
    if all(source.is_free for source in space.sources.values()):
        for place, parameter, model in _variants(space.tree.roots, _NOBODY):
            for source in space.sources.values() if model == _NOBODY else [space.sources[str(model)]]:
                for value in parameter.values:
                    _check(document, place, source, {parameter.name: value})
        return
    checked: set[Configuration] = set()
    for configuration in islice(_without_harness_parameters(space.tree).configurations(), _MOST_VARIANTS):
        if configuration in checked:
            continue
        checked.add(configuration)
        source, variant = space.source(configuration), space.variant(configuration)
        unknown = next((name for name in variant if name not in source.parameters), None)
        place = ("parameters",) if unknown is None else _find(space.tree, unknown)
        _check(document, place, source, variant, f"{configuration}: ")


def _check(
    document: Document, place: Place, source: ModelSource, variant: Mapping[str, Value], which: str = ""
) -> None:
    if unknown := [name for name in variant if name not in source.parameters]:
        takes = ", ".join((*source.parameters, *HARNESS_PARAMETERS))
        raise document.error(place, f"{unknown[0]} is no parameter of this model", f"allowed: {takes}")
    try:
        source.check(variant)
    except ValueError as error:
        raise document.error(place, f"{which}{error}") from None


def _variants(parameters: tuple[Parameter, ...], model: Value, above: Place = ("parameters",)) -> Iterator[_Choice]:
    """Every parameter of a variant with its place, and the model below whose level it stands, if it does."""
    for parameter in parameters:
        place = (*above, parameter.name)
        if parameter.name != "model" and not is_harness_parameter(parameter.name):
            yield place, parameter, model
        for level in parameter.levels:
            below = level.value if parameter.name == "model" else model
            yield from _variants(level.children, below, (*place, level.value))


def _check_distinct(document: Document, space: Space, place: Place, parameter: Parameter) -> None:
    """Two levels of one meaning are a slip; configurations that come to one experiment are measured once anyway."""
    meanings: dict[Hashable, Value] = {}
    for value in parameter.values:
        meaning = _meaning(space, parameter.name, value)
        if meaning in meanings:
            raise document.error(
                place, f"the levels {meanings[meaning]!r} and {value!r} are the same here: {meaning}", "remove one"
            )
        meanings[meaning] = value


def _meaning(space: Space, name: str, value: Value) -> Hashable:
    """What a level comes to on this machine with these files; the level itself where nothing else is known."""
    alone = Configuration({name: value})
    match name:
        case "cpu_affinity":
            return f"CPUs {', '.join(map(str, parse_cpus(str(value))))}"
        case "runtime":
            section, version = space.file.runtimes[str(value)], space.runtime_versions.get(str(value))
            return f"{section.engine} {f'of {section.python}' if version is None else version}"
        case "model" if not (source := space.source(alone)).parameters:
            identity = source.known_identity({}) or {}
            if "sha256" in identity:  # an address may serve anything
                return f"sha256 {identity['sha256']}, {space.preprocessing(alone)}"
    return value


def _without_harness_parameters(tree: ParameterTree) -> ParameterTree:
    def prune(parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
        kept: list[Parameter] = []
        for parameter in parameters:
            levels = tuple(Level(level.value, prune(level.children)) for level in parameter.levels)
            if (
                parameter.name == "runtime"
                or not is_harness_parameter(parameter.name)
                or any(level.children for level in levels)
            ):
                kept.append(Parameter(parameter.name, levels))
        return tuple(kept)

    return ParameterTree(prune(tree.roots))


def _find(tree: ParameterTree, name: str) -> Place:
    return next(place for place, parameter in places(tree.roots) if parameter.name == name)


def places(parameters: tuple[Parameter, ...], above: Place = ("parameters",)) -> Iterator[tuple[Place, Parameter]]:
    """Every parameter with its place in the file."""
    for parameter in parameters:
        place = (*above, parameter.name)
        yield place, parameter
        for level in parameter.levels:
            yield from places(level.children, (*place, level.value))


def _is_one_of(levels: Sequence[Value]) -> Callable[[Value], bool]:
    """Whether a value is one of ``levels``: true is not 1."""
    return lambda value: any(value == level and type(value) is type(level) for level in levels)


def _is_count(value: Value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_cpu_list(value: Value) -> bool:
    try:
        return bool(parse_cpus(str(value)))
    except ValueError:
        return False
