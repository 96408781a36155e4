"""``dse init``: a first search space from three questions, or from options."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from dse.cli.options import option_words
from dse.cli.render import next_command, print_lines, say
from dse.core.words import counted
from dse.errors import InputError, Remedy, UsageError
from dse.files import holds_other, write_text
from dse.spaces.first import MATTERS, first_space, known_models, needs_images

_MODEL = "mobilenet_v3"


def init_command(
    out: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="The space to write (.yaml). [default: the model's name]")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="A .tflite or .onnx file, or what comes with dse: mobilenet_v3, efficientnet_lite, engines.",
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="A folder of images, or an .npz with the arrays images and labels."),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file with a line NAME CLASS for each image.")
    ] = None,
    matters: Annotated[
        str | None,
        typer.Option(metavar="FIGURES", help="Figures to optimize, and limits: 'accuracy, latency <= 5 ms, memory'."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that holds something else.")] = False,
) -> None:
    """Write a first search space from three answers.

    Which model, on which images, and what matters. In a terminal it asks for what no option says.
    What comes out is a file to edit: every parameter and level stands in it.

    \b
    Example: dse init mine.yaml --model model.tflite --images photos \\
        --labels photos.txt --matters 'accuracy, latency <= 20 ms'
    """
    model = model or _ask(f"Model (a file, {', '.join(known_models())})", _MODEL)
    if needs_images(model) and images is None:
        images = _path(_ask("Images (a folder, or an .npz with images and labels)", None))
    if images is not None and labels is None and images.suffix != ".npz":
        labels = _path(_ask("Labels (a file with a line NAME CLASS for each image)", None))
    matters = matters or _ask("What matters (limits too: latency <= 5 ms)", MATTERS)
    made = first_space(model, images, labels, matters, None if out is None else out.stem)
    path = out or Path(f"{made.name}.yaml")
    space = made.load(path.absolute())
    if not force and holds_other(path, made.text.encode()):
        raise InputError("holds something else", path=path, remedy=Remedy.OVERWRITE)
    write_text(path, made.text, follow=False)
    for note in made.notes:
        say(note, soft_wrap=True)
    print_lines([f"{path}: {counted(space.tree.size, 'configuration')} of {', '.join(space.tree.names)}"])
    next_command(f"dse explore{option_words(space=path)}", "searches it; edit it before as you like")


def _ask(question: str, default: str | None) -> str:
    """What was answered; the ``default`` where nobody is there to be asked, and nothing where there is none."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return default or ""
    try:
        return str(typer.prompt(question, default=default or "", err=True, show_default=bool(default))).strip()
    except typer.Abort as abort:  # Ctrl-C too
        if isinstance(abort.__context__, EOFError):
            raise UsageError("nobody answered", hint="options say it without being asked: dse init --help") from None
        raise KeyboardInterrupt from None


def _path(answer: str) -> Path | None:
    return Path(answer).expanduser() if answer else None
