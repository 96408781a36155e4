"""Options and arguments that several commands share, said once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

STUDIES = Path("studies")

Studies = Annotated[Path, typer.Option(help="Folder that holds studies.")]
StudyArgument = Annotated[str, typer.Argument(help="Study: a name in --studies, or a path.", metavar="STUDY")]
Models = Annotated[Path | None, typer.Option(help="Folder for ${DSE_MODELS} in the space.")]
Images = Annotated[Path | None, typer.Option(help="Folder for ${DSE_IMAGES} in the space.")]
Labels = Annotated[Path | None, typer.Option(help="Label list for ${DSE_LABELS} in the space.")]


def variables(models: Path | None, images: Path | None, labels: Path | None) -> dict[str, str]:
    """The environment, with the paths that options name on top."""
    given = {"DSE_MODELS": models, "DSE_IMAGES": images, "DSE_LABELS": labels}
    return {**os.environ, **{name: str(path.absolute()) for name, path in given.items() if path}}
