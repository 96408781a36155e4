"""``study.yaml`` read back: whatever somebody made of it, what comes out has the form that the engine relies on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import yaml

from dse.errors import StudyError, why
from dse.model.metrics import Direction, parse_constraint, parse_metric

SCHEMA = 1
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
    ("space", "data_set"): (dict,),
    ("space", "data_set", "size"): (int,),
    ("space", "fidelity"): (dict,),
    ("space", "fidelity", "explore"): (dict,),
    ("space", "fidelity", "explore", "accuracy_images"): (int, _NOTHING),
}


def read_settings(path: Path) -> dict[str, Any]:
    """The settings of the study whose ``study.yaml`` is at ``path``. Raises StudyError."""
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StudyError(
            "no study is here", path=path.parent, hint="dse explore makes one; --studies names their folder"
        ) from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise StudyError(f"cannot be read: {why(error)}", path=path) from error
    if not isinstance(settings, dict) or settings.get("schema") != SCHEMA:
        found = settings.get("schema") if isinstance(settings, dict) else settings
        raise StudyError(f"found schema {found!r}, this version reads {SCHEMA}", path=path)
    if "parameters" in settings and "space" not in settings:
        raise StudyError("a search space, not a study", path=path, hint="take another --study name")
    settings.setdefault("placed", {})
    settings.setdefault("id", "")
    try:
        for place, kinds in _FORM.items():
            _check(settings, place, kinds, ())
        _check_levels(settings["space"].get("parameters", {}), ("space", "parameters"))
        measured = ("models", "runtimes") if settings["space"].get("replay") is None else ()
        for name in ("objectives", *measured):
            if not settings["space"][name]:
                raise ValueError(f"space.{name}: found none")
        for name, direction in settings["space"]["objectives"].items():
            parse_metric(name)
            if direction not in get_args(Direction):
                raise ValueError(f"space.objectives.{name}: found {direction!r}, allowed: maximize, minimize")
        for constraint in settings["space"]["constraints"]:
            parse_constraint(str(constraint))
    except ValueError as error:
        raise StudyError(f"is not a study's: {error}", path=path, hint=_HINT) from error
    return settings


def _check(value: Any, rest: tuple[str, ...], kinds: tuple[type, ...], place: tuple[Any, ...]) -> None:
    """Raise ValueError where what is at ``rest`` below ``value`` is of another kind; ``*`` is every key."""
    if not rest:
        if not isinstance(value, kinds) or isinstance(value, bool):
            expected = " or ".join(_WORDS[kind] for kind in kinds)
            found = "nothing" if value is None else repr(value)
            raise ValueError(f"{'.'.join(map(str, place))}: found {found}, expected {expected}")
        return
    for key in value if rest[0] == "*" else [rest[0]]:
        _check(value.get(key), rest[1:], kinds, (*place, key))


def _check_levels(parameters: Any, place: tuple[Any, ...]) -> None:
    _check(parameters, (), (dict,), place)
    for name, levels in parameters.items():
        _check(levels, (), (dict, list), (*place, name))
        for level, below in levels.items() if isinstance(levels, dict) else ():
            if below is not None:
                _check_levels(below, (*place, name, level))
