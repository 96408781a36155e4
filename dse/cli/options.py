"""Options and arguments that several commands share, said once."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from dse.durations import parse_duration
from dse.errors import UsageError

STUDIES = Path("studies")
SYSTEM = Path("system.yaml")

Studies = Annotated[Path, typer.Option(metavar="FOLDER", help="Folder that holds studies.")]
StudyArgument = Annotated[
    str,
    typer.Argument(
        help="Study: a name in --studies, or a path.",
        metavar="STUDY",
        autocompletion=lambda: sorted(path.parent.name for path in STUDIES.glob("*/study.yaml")),
    ),
]
Models = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Folder for ${DSE_MODELS} in the space.")]
Images = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Folder for ${DSE_IMAGES} in the space.")]
Labels = Annotated[Path | None, typer.Option(metavar="FILE", help="Label list for ${DSE_LABELS} in the space.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Db = Annotated[
    Path | None,
    typer.Option(
        "--db", metavar="FILE", help="The results database. [default: $DSE_RESULTS_DB or the user's data folder]"
    ),
]
Where = Annotated[
    str | None,
    typer.Option(metavar="SQL", help="An SQL expression over the columns: \"engine = 'tflite' AND accuracy >= 70 %\"."),
]
Name = Annotated[
    str | None,
    typer.Option(
        metavar="PATTERN",
        help="'image-classification-edge-*', or another pattern for <task>-<edge|datacenter>-<scenario>.",
    ),
]


def variables(models: Path | None, images: Path | None, labels: Path | None) -> dict[str, str]:
    """The environment, with the paths that options name on top; relative ones start in the current folder."""
    given = {"DSE_MODELS": models, "DSE_IMAGES": images, "DSE_LABELS": labels}
    paths = {name: str(path) if path else os.environ.get(name) for name, path in given.items()}
    return {**os.environ, **{name: str(Path(path).absolute()) for name, path in paths.items() if path}}


def seconds_of(option: str, source: str) -> float:
    """The duration that ``option`` gives, in seconds. Raises UsageError for what is none, and for nothing."""
    try:
        seconds = parse_duration(source)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None
    if seconds <= 0:
        raise UsageError(f"{option}: found {source!r}, allowed: more than nothing")
    return seconds


def study_words(study: str, studies: Path) -> str:
    """A study as the next command's arguments name it, quoted for a shell."""
    return shlex.join([study] if studies == STUDIES else [study, "--studies", str(studies)])


def quoted(word: str) -> str:
    """A word for a shell, in double quotes where it has single ones and nothing that a shell would look for in them."""
    if "'" in word and not any(letter in word for letter in '"$`\\!\n'):
        return f'"{word}"'
    return shlex.quote(word)


def option_words(**given: object) -> str:
    """Options as the next command's words, each after a space and quoted for a shell.

    None is left out, and of True there is the name alone; a list gives the option once for each of its items.
    """
    items = {name: value if isinstance(value, list) else [value] for name, value in given.items() if value is not None}
    return "".join(
        f" --{name}" + ("" if item is True else f" {quoted(str(item))}")
        for name, values in items.items()
        for item in values
    )
