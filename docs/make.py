"""Builds the site into build/docs/site: the pages of docs/, and a reference made of the code, the schema and --help.

python docs/make.py           strictly: a link that leads nowhere ends it
python docs/make.py --pages   only the pages, without the generator
"""

from __future__ import annotations

import inspect
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

import dse
from dse.cli import make_app
from dse.core.metrics import METRICS
from dse.packages import engine_named
from dse.spaces.format import json_schema

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "docs"
_PLAIN = (bool, int, float, str, tuple, type(None))
"""Defaults that are shown; others may say something of this machine."""
_COLUMNS = "100"
"""Of the help of commands."""


def main(*options: str) -> int:
    """Write the pages, and build the site of them."""
    pages = write_pages(BUILD)
    print(f"{len(pages)} pages in {BUILD / 'pages'}")
    if "--pages" in options:
        return 0
    generator = [str(Path(sys.executable).with_name("zensical")), "build", "--strict", "--clean"]
    return subprocess.run(generator, cwd=BUILD, check=False).returncode


def write_pages(folder: Path) -> list[Path]:
    """Write every page of the site, and what says how it is built, into ``folder``, anew."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = folder / "pages"
    shutil.copytree(ROOT / "docs", pages, ignore=shutil.ignore_patterns("*.py", "*.toml", "__pycache__"))
    shutil.copy(ROOT / "docs" / "zensical.toml", folder)
    made = {"commands": commands(), "api": api(), "space_format": space_format(), "registries": registries()}
    for name, text in made.items():
        (pages / f"{name}.md").write_text(text, encoding="utf-8")
    return sorted(pages.glob("*.md"))


def commands() -> str:
    """Every command with its --help."""
    os.environ["COLUMNS"] = _COLUMNS
    parts = ["# Commands\n"]
    for words, command in _commands("dse", typer.main.get_command(make_app())):
        with typer.Context(command, info_name=words, max_content_width=int(_COLUMNS)) as context:
            parts.append(f"## {words}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def _commands(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield words, command
    for name, below in getattr(command, "commands", {}).items():
        if not below.hidden:
            yield from _commands(f"{words} {name}", below)


def api() -> str:
    """Every public name with its docstring, and the public members of classes."""
    parts = ["# Python\n\nWhat `dse.__all__` names. [dse from Python](python.md) shows how it goes together.\n"]
    for name in dse.__all__:
        found = getattr(dse, name)
        if isinstance(found, str):
            continue
        parts.append(f"## dse.{name}\n\n{_described(found, name)}")
        for member, value in sorted(vars(found).items()) if inspect.isclass(found) else ():
            function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            if not member.startswith("_") and inspect.isfunction(function) and function.__doc__:
                shown = member if isinstance(value, property) else f"{member}{_signature(function)}"
                parts.append(f"**`{shown}`** {_text(function.__doc__)}\n")
    return "\n".join(parts)


def _described(found: Any, name: str) -> str:
    signature = _signature(found)
    head = f"```text\ndse.{name}{signature}\n```\n\n" if signature else ""
    return f"{head}{_text(found.__doc__ or '')}\n"


def _signature(found: Any) -> str:
    if getattr(found, "_is_protocol", False):
        return ""
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):
        return ""
    shown = [
        each if each.default is each.empty or isinstance(each.default, _PLAIN) else each.replace(default=...)
        for each in signature.parameters.values()
    ]
    return str(signature.replace(parameters=shown)).replace("'", "").replace("Ellipsis", "...")


def _text(docstring: str) -> str:
    """Examples in blocks of their own; names in single quotes of a docstring as code."""
    lines, block = [], False
    for line in inspect.cleandoc(docstring).splitlines():
        begins = line.startswith(">>>")
        if begins and not block:
            lines.append("```pycon")
            block = True
        elif block and not line.strip():
            lines.append("```")
            block = False
        lines.append(line)
    return "\n".join([*lines, *(["```"] if block else [])])


def space_format() -> str:
    """The keys of a search space, from its JSON Schema."""
    schema = json_schema()
    parts = [f"# Search spaces\n\n{schema['description']} `dse space schema` prints the JSON Schema.\n"]
    parts.append(_keys(schema))
    for name, section in schema["$defs"].items():
        parts.append(f"## {name.removesuffix('Section')}\n\n{section.get('description', '')}\n\n{_keys(section)}")
    return "\n".join(parts)


def _keys(section: Mapping[str, Any]) -> str:
    required = section.get("required", ())
    rows = []
    for key, found in section.get("properties", {}).items():
        default = found.get("default")
        ends = "Required." if key in required else f"Default: `{json.dumps(default)}`." if default else ""
        rows.append(f"| `{key}` | {_kind(found)} | {_cell(f'{_description(found)} {ends}')} |")
    head = "| key | value | what it says |\n| --- | --- | --- |\n"
    return head + "\n".join(rows) + "\n" if rows else ""


def _description(found: Mapping[str, Any]) -> str:
    return str(found.get("description") or next(filter(None, map(_description, found.get("anyOf", ()))), ""))


def _kind(found: Mapping[str, Any]) -> str:
    """What a value is, in a few words."""
    if "$ref" in found:
        name = found["$ref"].rpartition("/")[2].removesuffix("Section")
        return f"[{name}](#{name.lower()})"
    if "const" in found:
        return f"`{found['const']}`"
    if "enum" in found:
        return ", ".join(f"`{level}`" for level in found["enum"])
    if "anyOf" in found or "oneOf" in found:
        kinds = dict.fromkeys(map(_kind, [*found.get("anyOf", ()), *found.get("oneOf", ())]))
        return " or ".join(kind for kind in kinds if kind)
    kind = found.get("type", "")
    kinds = kind if isinstance(kind, list) else [kind]
    if "array" in kinds and "items" in found:
        return f"list of {_kind(found['items'])}"
    return " or ".join("nothing" if kind == "null" else kind for kind in kinds)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def registries() -> str:
    """What can be named in a space, and which options an engine has."""
    from dse_harness.engines import ENGINES, options_of
    from dse_harness.scenarios import SCENARIOS

    from dse.fleet.transports import TRANSPORTS
    from dse.samplers.registry import SAMPLERS
    from dse.submission.rounds import ROUNDS

    parts = ["# Engines, metrics and others\n\nOther packages add to each of these by entry points.\n\n## Engines\n"]
    parts.append("| name | engine | files | delegates | options, the default first |\n| --- | --- | --- | --- | --- |")
    for name in ENGINES:
        engine = engine_named(name)
        options = "; ".join(f"`{key}`: {', '.join(map(str, some))}" for key, some in options_of(engine).items())
        files, delegates = ", ".join(engine.suffixes), ", ".join(engine.delegates)
        parts.append(f"| `{name}` | {engine.title} | {files} | {delegates} | {options} |")
    parts.append("\n## Metrics\n\n| name | what it is | unit | better |\n| --- | --- | --- | --- |")
    for name in METRICS:
        metric = METRICS.get(name)
        better = "more" if metric.direction == "maximize" else "less"
        parts.append(f"| `{name}` | {metric.title} | {metric.units.shown or '1'} | {better} |")
    others = {"Scenarios": SCENARIOS, "Samplers": SAMPLERS, "Rounds": ROUNDS, "Transports": TRANSPORTS}
    for title, registry in others.items():
        parts.append(f"\n## {title}\n\n{', '.join(f'`{name}`' for name in registry)}")
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
