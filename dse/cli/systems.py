"""``dse explore`` on devices of several systems: a study for each, and the front over all."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from dse.cli.common_front import show_common_front
from dse.cli.options import variables
from dse.cli.render import print_error, say
from dse.core.words import counted
from dse.errors import DseError, UsageError
from dse.spaces.load import find_space, load_space
from dse.study.folder import is_study


def explore_each(explore: Callable[..., None], given: Mapping[str, Any], systems: Sequence[str]) -> None:
    """Call ``explore`` for each of ``systems`` with what was ``given``; then show the front over all.

    A system that fails is told and costs no other one; the exit code is that of the last one that did.
    """
    studies, name, failed = given["studies"], _name(given), None
    as_json = given["json"] and not given["dry_run"]
    say(f"{counted(len(systems), 'system')}: {', '.join(systems)}; a study each, {name}-{systems[0]} and so on")
    if given["json"] and given["dry_run"]:
        raise UsageError("a plan as JSON is of one system: name it with --system")
    for system in systems:
        words = {**given, "system": system, "study": f"{name}-{system}", "json": False}
        try:
            with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
                explore(**words)
        except DseError as error:
            print_error(error)
            failed = error
    made = [study for system in systems if is_study(studies / (study := f"{name}-{system}"))]
    if not given["dry_run"] and len(made) > 1 and failed is None:
        show_common_front(made, studies, as_json=as_json)
    if failed is not None:
        raise typer.Exit(failed.exit_code)


def _name(given: Mapping[str, Any]) -> str:
    """What studies are called without their systems."""
    if given["study"] is not None:
        return str(given["study"])
    if given["space"] is None:
        return Path(given["model"]).stem if given["model"] is not None else "study"
    paths = variables(given["models"], given["images"], given["labels"])
    return load_space(find_space(given["space"]), paths).name
