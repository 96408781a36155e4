"""``dse space``: look at a search space and check it before spending time."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.tree import Tree

from dse.cli.options import Images, Json, Labels, Models, option_words, variables
from dse.cli.render import next_command, print_document, print_json, stdout
from dse.cli.space_from_results import from_results_command
from dse.cli.trusted import NOT_ASKED
from dse.core.configuration import text
from dse.core.tree import Parameter
from dse.core.words import counted
from dse.spaces.document import read_document
from dse.spaces.format import json_schema
from dse.spaces.load import find_space, load_space, shipped_spaces
from dse.spaces.space import Space

app = typer.Typer(
    no_args_is_help=True,
    help="Look at search spaces and check them.\n\nExample: dse space show mobilenet_v3.yaml",
    rich_markup_mode=None,
)

_SpaceArgument = Annotated[str, typer.Argument(metavar="SPACE", help="A YAML file, or the name of a space that ships.")]


@app.command("list")
def list_command(json: Json = False) -> None:
    """List the spaces that ship.

    Example: dse space list
    """
    spaces = {name: str(read_document(path).content.get("description", "")) for name, path in shipped_spaces().items()}
    if json:
        shown = [{"name": name, "path": str(path)} for name, path in shipped_spaces().items()]
        print_json({"spaces": shown})
        return
    for name, description in spaces.items():
        stdout().print(f"{name}  {description}")
    ready = next(name for name, path in shipped_spaces().items() if "${" not in path.read_text(encoding="utf-8"))
    next_command(f"dse space show {ready}", "its parameters")


@app.command("show")
def show_command(
    space: _SpaceArgument, models: Models = None, images: Images = None, labels: Labels = None, json: Json = False
) -> None:
    """Show a space as a tree of parameters, and its size.

    Example: dse space show mobilenet_v3.yaml
    """
    loaded = load_space(find_space(space), variables(models, images, labels))
    if json:
        print_json({"configurations": loaded.tree.size, "space": loaded.resolved().document()})
        return
    tree = Tree(f"{loaded.name}: {counted(loaded.tree.size, 'configuration')}")
    _grow(tree, loaded.tree.roots)
    console = stdout()
    console.print(tree)
    for line in _summary(loaded):
        console.print(line)
    next_command(
        f"dse explore{option_words(space=space, models=models, images=images, labels=labels)} --dry-run",
        "what a search would cost",
    )


@app.command("check")
def check_command(
    space: _SpaceArgument, models: Models = None, images: Images = None, labels: Labels = None, json: Json = False
) -> None:
    """Check a space: syntax, levels, models, data set. Exit code 3 and the line where it is wrong.

    Example: dse space check my_space.yaml
    """
    loaded = load_space(find_space(space), variables(models, images, labels))
    if json:
        print_json({"space": loaded.name, "path": str(loaded.path), "configurations": loaded.tree.size})
    else:
        found = f"{counted(len(loaded.sources), 'model source')}, {loaded.data_set.size} images"
        if loaded.backend.provenance is not None:
            found = loaded.backend.provenance
        stdout().print(f"{loaded.path}: fine, {counted(loaded.tree.size, 'configuration')}, {found}")
        for line in _programs(loaded):
            stdout().print(line)
        next_command(
            f"dse explore{option_words(space=space, models=models, images=images, labels=labels)}", "searches it"
        )


app.command("from-results")(from_results_command)


@app.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of the format, for editors.

    Example: dse space schema > search_space.schema.json
    """
    print_document(json_schema())


def _grow(node: Tree, parameters: tuple[Parameter, ...]) -> None:
    for parameter in parameters:
        if any(level.children for level in parameter.levels):
            branch = node.add(parameter.name)
            for level in parameter.levels:
                _grow(branch.add(text(level.value)), level.children)
        else:
            node.add(f"{parameter.name}: {', '.join(map(text, parameter.values))}")


def _summary(space: Space) -> list[str]:
    objectives = ", ".join(f"{objective.direction} {objective.name}" for objective in space.objectives)
    constraints = ", ".join(map(str, space.constraints)) or "none"
    data = space.data_set
    if space.backend.provenance is not None:
        return [
            f"objectives: {objectives}; constraints: {constraints}",
            f"{space.backend.provenance}: nothing is measured; accuracies are over {data.size} images",
        ]
    return [
        f"objectives: {objectives}; constraints: {constraints}",
        f"data set: {data.name}, {data.size} images; accuracy from "
        + (f"{space.accuracy_images}, drawn at random" if space.accuracy_images < data.size else "all of them"),
        f"fidelity: {_run_length(space)}",
        *([space.official_samples] if space.official_samples else []),
        *_programs(space),
    ]


def _programs(space: Space) -> list[str]:
    return [f"runtime {name} names a program: {program}; {NOT_ASKED}" for name, program in space.programs.items()]


def _run_length(space: Space) -> str:
    explore = space.fidelity
    least = explore.min_duration if explore.least_duration is None else explore.least_duration
    said = f"{min(least, explore.min_duration):g} s and {explore.min_query_count} queries at least"
    return said + (f", {explore.min_duration:g} s for a slow model" if least < explore.min_duration else "")
