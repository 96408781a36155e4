"""Search spaces: YAML that is none, values of the wrong kind, paths that lead elsewhere, programs that want to run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from tests.fuzz.bases import SPACE
from tests.fuzz.damage import ESCAPES
from tests.fuzz.making import Dice, Target, chance, files, wrong_documents, wrong_yaml, yaml_text
from tests.fuzz.running import Input
from tests.fuzz.values import bomb, replaced

FILE = "space.yaml"
LOOK = (("space", "check", FILE), ("space", "show", FILE), ("explore", "--space", FILE, "--dry-run"))
_TARGET = Target("space", FILE, LOOK, (FILE,))
_PATHS = (("models", "tiny", "path"), ("models", "all", "glob"), ("data_set", "file"), ("runtimes", "litert", "python"))
_WRONG_PATHS = (
    *("~nosuchuser/x", "~", "a\0b", "", ".", "/", "/dev/zero", "/dev/stdin", "nowhere", "models", "**x", "**", "/**/*"),
    *("x" * 300, "x/" * 3_000, "../outside/precious.txt", ESCAPES, "\ud800", "${HOME}/x", "${SECRET_OF_THE_USER}", "$"),
    *(
        "/proc/self/mem",
        "/proc/self/environ",
        "[",
        "models/[!",
        "*/*/*/*/*/*/*/*/*/*",
        "~root/x",
        "models/tiny.tflite/x",
    ),
)
_TEXTS: dict[str, Callable[[str], str]] = {
    "a-bomb-as-parameters": lambda good: good + f"more: {bomb()}\n",
    "a-bomb-of-mappings": lambda good: (
        good + "".join(f"l{n}: &l{n} {{a: *l{n - 1}, b: *l{n - 1}}}\n" for n in range(1, 40))
    ),
    "a-long-line": lambda good: good + "x: " + "y" * 3_000_000 + "\n",
    "a-long-comment": lambda good: good + "# " + "y" * 3_000_000 + "\n",
    "many-keys": lambda good: good + "".join(f"key{n}: {n}\n" for n in range(60_000)),
    "many-levels": lambda good: good.replace(
        "- 1\n  - 2\n", "".join(f"- {n}\n  " for n in range(30_000)).rstrip() + "\n", 1
    ),
    "many-items": lambda good: good + "x: [" + "1," * 500_000 + "]\n",
    "two-documents": lambda good: good + "---\n" + good,
    "a-directive": lambda good: "%YAML 9.9\n---\n" + good,
    "a-tag-directive": lambda good: "%TAG ! tag:evil,2000:\n---\n!x " + good,
    "an-escaped-key": lambda good: good + '"\\e]0;pwn\\a\\e[31mX\\x9b\\u202e": 1\n',
    "an-escaped-model": lambda good: good.replace("  tiny:", '  "\\e[31mX":'),
    "an-escaped-level": lambda good: good.replace("xnnpack:", '"\\e[31mX":'),
    "a-long-key": lambda good: good + "k" * 500 + ": 1\n",
    "a-very-long-key": lambda good: good + "k" * 100_000 + ": 1\n",
    "the-same-key-twice": lambda good: good + "seed: 2\n",
    "tabs": lambda good: good.replace("  ", "\t"),
    "only-a-comment": lambda _: "# nothing\n",
    "only-a-marker": lambda _: "---\n...\n",
    "windows": lambda good: good.replace("\n", "\r\n"),
    "line-separators": lambda good: good.replace("\n", "\u2028"),
    "deep-parameters": lambda good: good + "parameters:\n" + "".join(f"{'  ' * n}p{n}:\n" for n in range(1, 600)),
    "deep-tree": lambda _: "schema: 1\nname: x\nparameters: " + "{a: {b: " * 400 + "{c: [1]}" + "}}" * 400 + "\n",
}
"""Of a good space's text; some are megabytes, so each is made when it is wanted."""
_EVIL = "#!/bin/sh\necho hacked > ../outside/new\necho $0 > ran-by-dse\nprintf '\\033[31m1.0'\n"


def inputs(dice: Dice) -> Iterator[Input]:
    """Everything about a space's YAML."""
    yield from files(dice, _TARGET)
    yield from wrong_yaml(dice, _TARGET, SPACE)
    yield from wrong_documents(dice, _TARGET, SPACE, yaml_text)
    yield from chance(dice, _TARGET, 2)
    yield from _paths(dice)
    yield from _texts(dice)
    yield from _programs(dice)


def _paths(dice: Dice) -> Iterator[Input]:
    for place in _PATHS:
        for path in dice.rng.sample(_WRONG_PATHS, min(4 * dice.each, len(_WRONG_PATHS))):
            # what a path leads to is named in its own words, or with the space
            names = (FILE, "tiny.tflite", *(Path(part).name for part in [path.split("\0")[0]] if part.strip("./~")))
            yield Target("space", FILE, LOOK, names).input(
                dice,
                f"{'.'.join(place)}={path[:30]}",
                lambda file, place=place, path=path: file.write_bytes(yaml_text(replaced(SPACE, place, path))),
            )


def _texts(dice: Dice) -> Iterator[Input]:
    for name, text in _TEXTS.items():
        yield _TARGET.input(
            dice,
            name,
            lambda file, text=text: file.write_text(text(yaml.safe_dump(SPACE, sort_keys=False)), newline=""),
        )
    yield _TARGET.input(
        dice,
        "10-to-the-120-configurations",
        lambda file: file.write_bytes(
            yaml_text(replaced(SPACE, ("parameters",), {f"p{n}": list(range(100)) for n in range(60)}))
        ),
    )


def _programs(dice: Dice) -> Iterator[Input]:
    """Looking never runs what a space names as its interpreter."""
    for name in ("./evil.sh", "evil.sh", "../outside/folder", "./slow.sh"):

        def damage(folder: Path, name: str = name) -> None:
            (folder / FILE).write_bytes(yaml_text(replaced(SPACE, ("runtimes", "litert", "python"), name)))
            for script, text in (("evil.sh", _EVIL), ("slow.sh", "#!/bin/sh\nsleep 100\n")):
                (folder / script).write_text(text)
                (folder / script).chmod(0o755)

        yield Input(f"python={name}", "space", damage, LOOK, (FILE, name))
