"""``dse explore MODEL``: a space of one model without writing one; it is made, shown, and kept with the study."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dse.cli.render import stderr
from dse.errors import Remedy, StudyError, UsageError
from dse.files import write_text
from dse.spaces.load import load_space
from dse.spaces.own import MEASURED, own_space, space_name
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


def own_model(
    model: Path, studies: Path, study: str | None, paths: dict[str, str], pixels: str | None, *, measure: bool
) -> OwnModel:
    """The space that is kept in the study's folder, or the default one, shown. With ``measure``, pixels are tried.

    Raises UsageError, StudyError, ModelError.
    """
    path = (studies / (study or space_name(model)) / KEPT).absolute()
    if path.is_file():
        return OwnModel(_kept(path, model), path)
    if "DSE_IMAGES" not in paths:
        raise UsageError("a model needs images to be measured on: --images DIR --labels FILE")
    if pixels is None and measure:
        stderr().print("what a pixel becomes is tried first, on some images; --pixels says it")
        pixels = MEASURED
    labels = paths.get("DSE_LABELS")
    made = own_space(model, Path(paths["DSE_IMAGES"]), Path(labels) if labels else None, pixels=pixels)
    for note in made.notes:
        stderr().print(note)
    stderr().print(made.text, highlight=False)
    return OwnModel(made.load(path), path, made.text)


def _kept(path: Path, model: Path) -> Space:
    space = load_space(path)
    named = [getattr(source, "path", None) for source in space.sources.values()]
    if model.absolute() not in named:
        raise StudyError(
            f"is of another model: {', '.join(map(str, named))}", path=path, remedy=Remedy.OTHER_STUDY_NAME
        )
    stderr().print(f"{path} says what is searched, on which images; edit it, or remove it for a new one")
    return space
