"""Inputs from the ways to damage a file, the ways to damage a document, and chance."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from tests.fuzz.damage import FATAL, ODD, Damage, random_damage
from tests.fuzz.running import CODES, REFUSED, Input
from tests.fuzz.values import RAW_YAML, Place, bomb, documents, places, replaced

_MARK = "a-value-to-be-replaced"


@dataclass(frozen=True)
class Dice:
    """The chance of one kind of inputs: a seed, how many random inputs, how many values per place of a document."""

    rng: random.Random
    count: int

    @property
    def each(self) -> int:
        return min(max(2, self.count // 16), 24)

    def some(self, commands: tuple[tuple[str, ...], ...], most: int = 1) -> tuple[tuple[str, ...], ...]:
        """A few of many commands: all of them meet all inputs over a longer run."""
        return tuple(self.rng.sample(commands, min(most, len(commands))))


@dataclass(frozen=True)
class Target:
    """A file of a good thing, and the commands that read it."""

    base: str
    file: str
    commands: tuple[tuple[str, ...], ...]
    places: tuple[str, ...]
    writes: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    most: int = 1
    """How many of the commands meet one input."""

    def input(self, dice: Dice, name: str, damage: Damage, *, fatal: bool = False) -> Input:
        """An input in which ``damage`` was done to the file."""
        return Input(
            f"{self.file}:{name}".replace("/", "_"),
            self.base,
            lambda folder: damage(folder / self.file),
            dice.some(self.commands, self.most),
            self.places,
            fatal=fatal,
            codes=REFUSED | {4} if name == "forbidden" else REFUSED if fatal else CODES,
            near=self.near,
            writes=self.writes,
        )


def files(dice: Dice, target: Target, *, without: frozenset[str] = frozenset()) -> Iterator[Input]:
    """The file as something else, and damaged in the ways of `damage`. Those ``without`` may be whole files here."""
    for name, damage in FATAL.items():
        yield target.input(dice, name, damage, fatal=name not in without)
    for name, damage in ODD.items():
        yield target.input(dice, name, damage)


def chance(dice: Dice, target: Target, part: float = 1.0) -> Iterator[Input]:
    """The file with random damage."""
    for number in range(max(1, round(dice.count * part))):
        seed = dice.rng.randrange(2**32)

        def damage(path: Path, seed: int = seed) -> None:
            path.write_bytes(random_damage(random.Random(seed), path.read_bytes()))

        yield target.input(dice, f"random-{number}", damage)


def json_text(document: Any) -> bytes:
    return json.dumps(document).encode("ascii")


def yaml_text(document: Any) -> bytes:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode("utf-8", "surrogatepass")


def wrong_documents(
    dice: Dice,
    target: Target,
    document: Any,
    text: Callable[[Any], bytes] = json_text,
    part: float = 1.0,
) -> Iterator[Input]:
    """The file with values, keys and types that do not belong there; of all of them, ``part``."""
    for name, wrong in documents(dice.rng, document, dice.each):
        if dice.rng.random() < part:

            def damage(path: Path, wrong: Callable[[], Any] = wrong) -> None:
                path.write_bytes(text(wrong()))

            yield target.input(dice, name, damage)


def wrong_yaml(dice: Dice, target: Target, document: Mapping[str, Any]) -> Iterator[Input]:
    """The file with YAML that no JSON has: at a place drawn for each, and bombs of aliases."""
    known = [place for place in places(document) if place]
    for raw in (*RAW_YAML, bomb(), "[" * 50_000, "{a: " * 50_000, "- " * 50_000):
        place = dice.rng.choice(known)
        name = f"{'.'.join(map(str, place))}-{raw[:24]}".encode("unicode_escape").decode()

        def damage(path: Path, raw: str = raw, place: Place = place) -> None:
            marked = yaml_text(replaced(document, place, _MARK))
            path.write_bytes(marked.replace(_MARK.encode(), raw.encode()))

        yield target.input(dice, name, damage)


def named(inputs: Iterator[Input]) -> Iterator[Input]:
    """The inputs with names that are unique in their kind and printable."""
    seen: dict[str, int] = {}
    for given in inputs:
        name = given.name.encode("ascii", "backslashreplace").decode()
        seen[name] = seen.get(name, 0) + 1
        yield replace(given, name=name if seen[name] == 1 else f"{name}-{seen[name]}")
