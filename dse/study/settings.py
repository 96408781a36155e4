"""``study.yaml`` read back: whatever somebody made of it, what comes out has the form that the engine relies on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from dse.address import without_secret
from dse.core.metrics import Direction, parse_constraint, parse_metric
from dse.errors import StudyError, why
from dse.packages import PACKAGES
from dse.reading import MOST_YAML_BYTES, UnreadableError, parse_yaml, read_text
from dse.study.values import is_level, is_whole, is_word, shown

SCHEMA = 1
_ENGINES = ", ".join(PACKAGES)
_HINT = "put the file back as dse wrote it, or take another --study name"
_NOTHING = type(None)
_WORDS = {str: "a word", int: "a number", dict: "keys with values", list: "a list", _NOTHING: "nothing"}
_FORM: Mapping[tuple[str, ...], tuple[type, ...]] = {
    ("id",): (str,),
    ("created",): (str,),
    ("storage",): (str, _NOTHING),
    ("placed",): (dict,),
    ("placed", "*"): (dict, _NOTHING),
    ("space",): (dict,),
    ("space", "name"): (str,),
    ("space", "replay"): (str, _NOTHING),
    ("space", "objectives"): (dict,),
    ("space", "constraints"): (list,),
    ("space", "models"): (dict,),
    ("space", "models", "*"): (dict,),
    ("space", "runtimes"): (dict,),
    ("space", "runtimes", "*"): (dict,),
    ("space", "runtimes", "*", "engine"): (str,),
    ("space", "runtimes", "*", "python"): (str, _NOTHING),
    ("space", "data_set"): (dict,),
    ("space", "data_set", "name"): (str, _NOTHING),
    ("space", "data_set", "embedded"): (str, _NOTHING),
    ("space", "data_set", "path"): (str, _NOTHING),
    ("space", "data_set", "size"): (int,),
    ("space", "fidelity"): (dict,),
    ("space", "fidelity", "explore"): (dict,),
    ("space", "fidelity", "explore", "accuracy_images"): (int, _NOTHING),
}


def read_settings(path: Path) -> dict[str, Any]:
    """The settings of the study whose ``study.yaml`` is at ``path``. Raises StudyError."""
    try:
        text = read_text(path, MOST_YAML_BYTES)
    except FileNotFoundError:
        if path.is_symlink():
            raise StudyError(
                f"a link to {path.readlink()}, which is not there now", path=path, hint="mount or fetch it"
            ) from None
        raise StudyError(
            "no study is here", path=path.parent, hint="dse explore makes one; --studies names their folder"
        ) from None
    except (OSError, ValueError) as error:
        raise StudyError(f"cannot be read: {why(error)}", path=path) from error
    return settings_of(text, path)


def settings_of(text: str, path: Path) -> dict[str, Any]:
    """The settings in the ``text`` of a ``study.yaml`` that is at ``path``. Raises StudyError."""
    try:
        settings = parse_yaml(text)
    except UnreadableError as error:
        raise StudyError(f"cannot be read: {error}", path=path, line=error.line, hint=_HINT) from error
    if not isinstance(settings, dict) or type(settings.get("schema")) is not int or settings["schema"] != SCHEMA:
        found = settings.get("schema") if isinstance(settings, dict) else settings
        raise StudyError(f"found schema {shown(found)}, this version reads {SCHEMA}", path=path)
    if "parameters" in settings and "space" not in settings:
        raise StudyError("a search space, not a study", path=path, hint="take another --study name")
    settings.setdefault("placed", {})
    settings.setdefault("id", "")
    try:
        for place, kinds in _FORM.items():
            _check(settings, place, kinds, ())
        for trial, configuration in settings["placed"].items():
            _check_configuration(trial, configuration or {})
        if not any(settings["space"]["data_set"].get(key) for key in ("name", "embedded", "path")):
            raise ValueError("space.data_set: found no name, expected one")
        for name in ("data_set.size", "fidelity.explore.accuracy_images"):
            _check_count(settings["space"], name)
        for name, section in settings["space"]["runtimes"].items():
            section.setdefault("python", None)
            if section["engine"] not in PACKAGES:
                raise ValueError(f"space.runtimes.{name}.engine: found {shown(section['engine'])}, allowed: {_ENGINES}")
        _check_levels(settings["space"].get("parameters", {}), ("space", "parameters"))
        measured = ("models", "runtimes") if settings["space"].get("replay") is None else ()
        for name in ("objectives", *measured):
            if not settings["space"][name]:
                raise ValueError(f"space.{name}: found none")
        for name, direction in settings["space"]["objectives"].items():
            parse_metric(str(name))
            if direction not in get_args(Direction):
                raise ValueError(f"space.objectives.{name}: found {shown(direction)}, allowed: maximize, minimize")
        for index, constraint in enumerate(settings["space"]["constraints"]):
            _check(constraint, (), (str,), ("space", "constraints", index))
            parse_constraint(constraint)
    except ValueError as error:
        raise StudyError(f"is not a study's: {error}", path=path, hint=_HINT) from error
    for section in settings["space"]["models"].values():
        if isinstance(section.get("url"), str):  # older versions wrote it down as the space has it
            section["url"] = without_secret(section["url"])
    return settings


def _check(value: Any, rest: tuple[str, ...], kinds: tuple[type, ...], place: tuple[Any, ...]) -> None:
    """Raise ValueError where what is at ``rest`` below ``value`` is of another kind; ``*`` is every key."""
    if not rest:
        if not isinstance(value, kinds) or isinstance(value, bool):
            expected = " or ".join(_WORDS[kind] for kind in kinds)
            raise ValueError(f"{'.'.join(map(str, place))}: found {shown(value)}, expected {expected}")
        return
    for key in value if rest[0] == "*" else [rest[0]]:
        _check(value.get(key), rest[1:], kinds, (*place, key))


def _check_configuration(trial: Any, configuration: Mapping[Any, Any]) -> None:
    if not is_whole(trial):
        raise ValueError(f"placed: found {shown(trial)}, expected the number of a trial")
    for name, value in configuration.items():
        if not is_word(name) or not is_level(value):
            raise ValueError(f"placed.{trial}.{name}: found {shown(value)}, expected a word, a number, true or false")


def _check_count(space: Mapping[str, Any], name: str) -> None:
    value: Any = space
    for key in name.split("."):
        value = value.get(key)
    if value is not None and not (is_whole(value) and value > 0):
        raise ValueError(f"space.{name}: found {shown(value)}, expected a whole number from 1 on")


def _check_levels(parameters: Any, place: tuple[Any, ...]) -> None:
    _check(parameters, (), (dict,), place)
    for name, levels in parameters.items():
        _check(levels, (), (dict, list), (*place, name))
        for level in levels:
            if not is_word(name) or not is_level(level):
                where = ".".join(map(str, (*place, name)))
                raise ValueError(f"{where}: found {shown(level)}, expected words, numbers, true or false")
        for level, below in levels.items() if isinstance(levels, dict) else ():
            if below is not None:
                _check_levels(below, (*place, name, level))
