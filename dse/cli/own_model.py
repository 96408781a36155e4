"""``dse explore MODEL``: a space of one model without writing one; it is made, shown, and kept with the study."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from dse.cli.render import stderr
from dse.errors import Remedy, StudyError, UsageError
from dse.files import write_text
from dse.spaces.load import load_space
from dse.spaces.own import OwnSpace, own_space
from dse.spaces.space import Space

KEPT = "space.yaml"


@dataclass(frozen=True)
class OwnModel:
    """The space of a model: loaded, and the text that is to be kept as ``path``; None where it is kept already."""

    space: Space
    path: Path
    text: str | None = None

    def keep(self) -> None:
        """Write the space into its study's folder, and say how to edit it and go on."""
        if self.text is not None:
            write_text(self.path, self.text)
            stderr().print(f"kept as {self.path}; edit it, and the same command goes on with it")


def own_model(model: Path, studies: Path, study: str | None, paths: dict[str, str], pixels: str | None) -> OwnModel:
    """The space that is kept in the study's folder, or the default one, shown.

    Raises UsageError, StudyError, ModelError.
    """
    if "DSE_IMAGES" not in paths:
        raise UsageError("a model needs images to be measured on: --images DIR --labels FILE")
    images, labels = Path(paths["DSE_IMAGES"]), paths.get("DSE_LABELS")
    made = own_space(model, images, Path(labels) if labels else None, pixels=pixels)
    path = (studies / (study or made.name) / KEPT).absolute()
    if path.is_file():
        return OwnModel(_kept(path, model, made), path)
    for note in made.notes:
        stderr().print(note)
    stderr().print(made.text, highlight=False)
    return OwnModel(made.load(path), path, made.text)


def _kept(path: Path, model: Path, made: OwnSpace) -> Space:
    space = load_space(path)
    named = [getattr(source, "path", None) for source in space.sources.values()]
    if model.absolute() not in named:
        raise StudyError(
            f"is of another model: {', '.join(map(str, named))}", path=path, remedy=Remedy.OTHER_STUDY_NAME
        )
    if path.read_text(encoding="utf-8") != made.text:
        stderr().print(f"{path} is taken as it is; remove it for a new one: rm {shlex.quote(str(path))}")
    return space
