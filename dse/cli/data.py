"""``dse data``: look at data sets before spending time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dse.cli.options import Json, option_words
from dse.cli.render import next_command, print_json, stdout
from dse.imagenet import REDUCED_SIZE, SIZE, find_imagenet, reduced

app = typer.Typer(
    no_args_is_help=True, help="Look at data sets.\n\nExample: dse data imagenet ~/imagenet", rich_markup_mode=None
)


@app.callback()
def _group() -> None:
    """Keeps `imagenet` a command of its own while it is the only one."""


@app.command("imagenet")
def imagenet_command(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where ILSVRC2012_val_*.JPEG are, or a folder above.")
    ],
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Label list. [default: val.txt and the like, nearby]")
    ] = None,
    reduced_list: Annotated[
        Path | None,
        typer.Option(
            "--reduced", metavar="FILE", help=f"Write the label list of the first {REDUCED_SIZE} images here."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Find ImageNet's validation images and their label list.

    All 50,000, or it is said what is missing.
    A reduced list makes the first 500 images a data set of their own, to try things with.

    Example: dse data imagenet ~/imagenet --reduced val_500.txt
    """
    found = find_imagenet(folder.absolute(), labels and labels.absolute())
    if reduced_list is not None:
        found = reduced(found, reduced_list.absolute())
    if json:
        size = SIZE if reduced_list is None else REDUCED_SIZE
        print_json({"images": str(found.images), "labels": str(found.labels), "size": size})
        return
    stdout().print(f"images  {found.images}\nlabels  {found.labels}", soft_wrap=True)
    paths = option_words(images=found.images, labels=found.labels)
    next_command(f"dse explore --space imagenet_tflite.yaml --models DIR{paths}", "searches the models in DIR")
