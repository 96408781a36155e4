"""From a YAML file to a Space: validated, its models found, its data set read. Every error names file, line and key."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dse_harness.registry import Registry
from pydantic import ValidationError

from dse.address import shown as shown_url
from dse.core.configuration import Value
from dse.core.metrics import objective, parse_constraint
from dse.core.tree import Level, Parameter, ParameterTree
from dse.data_sets import DataSet
from dse.errors import Remedy, SpaceError
from dse.models import MODEL_SOURCES, ModelSection, ModelSource
from dse.packages import known_version
from dse.sections import PreprocessingSection, Section
from dse.shipped import shipped
from dse.spaces.check import check_files, check_levels, check_variants
from dse.spaces.data_sets import DATA_SETS, DataSetSection
from dse.spaces.document import MAPPING, Document, Place, read_document
from dse.spaces.format import RuntimeSection, SpaceFile
from dse.spaces.places import SectionPlace, file_at, resolve
from dse.spaces.scenarios import check_scenarios
from dse.spaces.space import Space
from dse.spaces.tabular import check_one_way, tabular_space
from dse.spaces.tree import below_models, read_tree

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_VARIABLES = ("DSE_MODELS", "DSE_IMAGES", "DSE_LABELS")
_PATHS = ("path", "glob", "images", "labels", "file", "folders", "parquet", "replay")
"""The keys in which ``${NAME}`` is filled in."""
_PATTERNS = ("glob", "parquet")
_TAGGED: Mapping[Any, tuple[int, Registry[Any]]] = {"models": (2, MODEL_SOURCES), "data_set": (1, DATA_SETS)}
"""Where pydantic puts the kind of a section into the place of an error, and which kinds there are."""


def shipped_spaces() -> dict[str, Path]:
    """The spaces that come with dse, by file name."""
    return {path.name: path for path in sorted(shipped().glob("*.yaml"))}


def find_space(name: str) -> Path:
    """``name`` as a path, or as the name of a space that ships, with or without ``.yaml``. Raises SpaceError."""
    path = Path(name)
    if os.path.exists(path) and not os.path.isdir(path):  # noqa: PTH110, PTH112 - for any text, where Path raises
        return path
    spaces = shipped_spaces()
    for candidate in (name, f"{name}.yaml"):
        if candidate in spaces:
            return spaces[candidate]
    raise SpaceError(
        f"found neither a file {name} nor a space of that name, allowed: {', '.join(spaces)}, or a path",
        remedy=Remedy.LIST_SPACES,
    )


Versions = Callable[[str, str | None], str | None]
"""The version of an engine under an interpreter; None where it has to stay unknown."""


def load_space(
    source: Path | str | Mapping[str, Any] | Document,
    variables: Mapping[str, str] = os.environ,
    versions: Versions = known_version,
) -> Space:
    """Read, check and resolve a space: a YAML file, the name of one that ships, or the same content as a mapping.

    The paths of a file are relative to its folder, those of a mapping to the current one. No program is run: who has to
    know the version of a runtime that has an interpreter of its own gives another ``versions``, such as
    `dse.packages.runtime_version`, which is called once everything else is right.

    In paths, ``${DSE_MODELS}``, ``${DSE_IMAGES}`` and ``${DSE_LABELS}`` come from ``variables``, and nothing else.

    Raises SpaceError, ModelError, DataSetError; ResultsError for a replay table.

    >>> import dse
    >>> space = dse.load_space("mobilenet_v3")
    >>> [objective.name for objective in space.objectives]
    ['accuracy', 'latency_p90_ns', 'model_memory_bytes']
    """
    document = _document(source)
    if not isinstance(document.content, dict):
        raise document.error((), "found no mapping, expected a search space", remedy=Remedy.START_FROM_A_SPACE)
    check_one_way(document)
    try:
        file = SpaceFile.model_validate(_filled_in(document, document.content, (), variables))
    except ValidationError as error:
        raise _first(document, error) from None
    if file.replay is not None:
        table = file_at(document, ("replay",), resolve(document, ("replay",), file.replay))
        space = tabular_space(document, file, table)
    else:
        space = _measured_space(document, file, versions)
    check_levels(document, space)
    check_files(document, space)
    check_variants(document, space)
    check_scenarios(document, space)
    return space


def _document(source: Path | str | Mapping[str, Any] | Document) -> Document:
    if isinstance(source, Document):
        return source
    if isinstance(source, Mapping):
        return Document(MAPPING, _plain(source), {})
    return read_document(find_space(source) if isinstance(source, str) else source)


def _plain(value: Any) -> Any:
    """``value`` as YAML would give it."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _measured_space(document: Document, file: SpaceFile, versions: Versions) -> Space:
    if file.data_set is None or not file.models:
        raise document.error(
            ("data_set" if file.data_set is None else "models",),
            "is missing",
            "say what to measure with data_set and models, or where it is recorded with replay; see "
            "search_space.schema.json",
            remedy=Remedy.START_FROM_A_SPACE,
        )
    data_set = file.data_set.opened(SectionPlace(document, ("data_set",), file.data_set))
    models = {name: _with_preprocessing(section, file.data_set) for name, section in file.models.items()}
    file = file.model_copy(update={"runtimes": _runtimes(document, file), "models": models})
    sources, preprocessings, own = _sources(document, file, data_set)
    tree = read_tree(document, file.parameters) if file.parameters else ParameterTree(())
    if len(sources) > 1 and "model" not in tree.names:
        model = Parameter("model", tuple(Level(name) for name in sources))
        tree = ParameterTree((model, *tree.roots))
    tree = below_models(tree, own)
    asked = {name: versions(section.engine, section.python) for name, section in file.runtimes.items()}
    found = {name: version for name, version in asked.items() if version is not None}
    return Space(
        path=document.path,
        file=file,
        tree=tree,
        objectives=tuple(objective(name, direction) for name, direction in file.objectives.items()),
        constraints=tuple(parse_constraint(constraint) for constraint in file.constraints),
        data_set=data_set,
        sources=sources,
        runtime_versions=found,
        preprocessings=preprocessings,
    )


def _filled_in(document: Document, value: Any, place: Place, variables: Mapping[str, str]) -> Any:
    """``value`` with ``${NAME}`` filled in where a path stands: it belongs to a machine, not to a space.

    No other variable of the environment, and none in an address: a space from elsewhere would send it there.
    """
    if isinstance(value, dict):
        return {key: _filled_in(document, item, (*place, key), variables) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled_in(document, item, (*place, index), variables) for index, item in enumerate(value)]
    if not isinstance(value, str) or place == ("description",):
        return value

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name not in _VARIABLES or place[-1] not in _PATHS:
            raise document.error(
                place,
                f"found {match[0]}, allowed: {', '.join(f'${{{option}}}' for option in _VARIABLES)} in "
                f"{', '.join(_PATHS)}",
                "write it out; a path may begin with ~",
            )
        if not variables.get(name):
            raise document.error(place, f"{match[0]} is not set", remedy=Remedy.SET_VARIABLE, variable=name)
        return glob.escape(variables[name]) if place[-1] in _PATTERNS else variables[name]

    return _VARIABLE.sub(fill, value)


def _first(document: Document, error: ValidationError) -> SpaceError:
    problems = error.errors(include_url=False)
    problem = problems[0]
    place, section, inside = _untagged(tuple(p for p in problem["loc"] if p not in ("schema_", "[key]")))
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] in ("model_type", "dict_type"):
        message = "expected keys with values" + (", found a list" if isinstance(problem["input"], list) else "")
    if problem["input"] is None:
        message = f"{message}, found nothing"
    if problem["type"] == "extra_forbidden":
        allowed = _allowed_keys(section, inside[:-1])
        return document.error(place, "unknown key", f"allowed here: {', '.join(allowed)}" if allowed else None)
    if problem["type"] == "missing":
        return document.error(place, "is missing", "see search_space.schema.json", remedy=Remedy.START_FROM_A_SPACE)
    found = problem["input"]
    if place[-1:] == ("url",) and isinstance(found, str):
        found = shown_url(found)
    shown = f" (found {found!r})" if isinstance(found, (str, int, float, bool)) and "found" not in message else ""
    more = len(problems) - 1
    return document.error(place, message + shown, f"and {more} more below" if more else None)


def _untagged(place: Place) -> tuple[Place, type[Section], Place]:
    """The place in the file, without the kind that pydantic puts in; a section's class, and the place inside of it."""
    depth, kinds = _TAGGED.get(place[0] if place else None, (len(place), None))
    if kinds is None or len(place) <= depth:
        return place, SpaceFile, place
    return (*place[:depth], *place[depth + 1 :]), kinds.get(str(place[depth])), place[depth + 1 :]


def _allowed_keys(section: type[Section], place: Place) -> list[str]:
    model: Any = section
    for part in place:
        if not hasattr(model, "model_fields"):
            break
        field = model.model_fields.get(part)
        if field is None:
            continue
        arguments = getattr(field.annotation, "__args__", ())
        model = next((a for a in (field.annotation, *arguments) if hasattr(a, "model_fields")), None)
    return [field.alias or name for name, field in model.model_fields.items()] if hasattr(model, "model_fields") else []


def _runtimes(document: Document, file: SpaceFile) -> dict[str, RuntimeSection]:
    """The runtimes with absolute interpreters: the harness starts in another folder. A bare word is for the PATH."""
    found = {}
    for name, section in file.runtimes.items():
        python = section.python
        if python is not None:
            path = resolve(document, ("runtimes", name, "python"), python)
            python = str(path) if "/" in python else python
        found[name] = section.model_copy(update={"python": python})
    return found


def _with_preprocessing(section: ModelSection, data_set: DataSetSection) -> ModelSection:
    """``section`` with every setting of its models' preprocessing in place, if it has any of its own."""
    own = section.preprocessing
    if own is None:
        return section
    settings = data_set.preprocessing.model_copy(update=own.model_dump(include=own.model_fields_set))
    return section.model_copy(update={"preprocessing": settings})


def _sources(
    document: Document, file: SpaceFile, data_set: DataSet
) -> tuple[dict[str, ModelSource], dict[str, PreprocessingSection], dict[str, Mapping[str, tuple[Value, ...]]]]:
    """Models by name, the preprocessing of those that have one of their own, and the parameters of their entries."""
    sources: dict[str, ModelSource] = {}
    preprocessings: dict[str, PreprocessingSection] = {}
    own: dict[str, Mapping[str, tuple[Value, ...]]] = {}
    places = {name: SectionPlace(document, ("models", name), section) for name, section in file.models.items()}
    taken = {path for name, section in file.models.items() for path in section.own_files(places[name])}
    images = None if file.data_set is None else (data_set, file.data_set.preprocessing)
    for name, section in file.models.items():
        for found, source in section.sources(name, replace(places[name], taken=taken, images=images)):
            if found in sources:
                raise document.error(("models", name), f"duplicate model {found}")
            sources[found], own[found] = source, section.own_parameters()
            if section.preprocessing:
                preprocessings[found] = section.preprocessing
    return sources, preprocessings, own
