"""Where to begin a search by what was published: configurations like the networks on other devices' fronts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from dse.core.configuration import Configuration, Value
from dse.errors import Remedy, ResultsError
from dse.results.database import open_database
from dse.results.front import cut, select
from dse.results.importing.design import Design, design
from dse.results.objectives import parse_objectives

MOST = 16
"""A hint of so many configurations: fronts of other devices may be wrong here, and the search wants to look around."""


def published_designs(database: Path) -> list[Design]:
    """The networks on the (accuracy, p90) front of any device and round, those on most fronts first.

    Raises ResultsError when the database cannot be read or has no network that its name describes.
    """
    with open_database(database, read_only=True) as opened:
        rows = select(opened, where="family IS NOT NULL", scenario="SingleStream")
    groups = cut(rows, parse_objectives("accuracy,latency_p90"), ("device", "round"))
    fronts = Counter(
        found for group in groups for found in {design(p.row["model"], p.row["engine"]) for p in group.points}
    )
    if not fronts:
        raise ResultsError(
            "no TFLite image classifier in SingleStream is in this database",
            path=database,
            remedy=Remedy.IMPORT_CLASSIFIERS,
        )
    return [found for found, _ in fronts.most_common()]


def configurations_like(designs: Iterable[Design], configurations: Iterable[Configuration]) -> list[Configuration]:
    """For each of ``designs`` the first of the nearest ``configurations``, without repeats, `MOST` at most.

    Family, variant, form and whether it is quantized have to be the same; width and resolution may differ, by the
    smallest ratio. Empty where nothing fits.
    """
    candidates: dict[Design, Configuration] = {}
    for configuration in configurations:
        candidates.setdefault(design_of(configuration), configuration)
    chosen: dict[Configuration, None] = {}
    for wanted in designs:
        near = [(distance, c) for found, c in candidates.items() if (distance := _distance(wanted, found)) < math.inf]
        if near:
            chosen.setdefault(min(near, key=lambda pair: pair[0])[1])
        if len(chosen) == MOST:
            break
    return list(chosen)


def design_of(configuration: Mapping[str, Value]) -> Design:
    """The network of a configuration, by its model's name or by its parameters; empty where neither tells."""
    model = configuration.get("model")
    if isinstance(model, str) and "family" not in configuration:
        name = model.replace("_", "-").lower()
        return _comparable(design(f"mobilenet-{name}" if name.startswith("v3-") else name, "tflite"), name)
    family, variant = configuration.get("family"), configuration.get("variant")
    if family in ("small", "large"):  # the embedded zoo
        family, variant = "mobilenet-v3", family
    width, resolution = configuration.get("width"), configuration.get("resolution", configuration.get("side"))
    found = Design(
        family=None if family is None else str(family),
        variant=None if variant is None else str(variant),
        width=None if width is None else float(width),
        resolution=None if resolution is None else int(resolution),
        minimalistic=configuration.get("form") == "minimalistic" or configuration.get("minimalistic") in (1, "1"),
    )
    return _comparable(found, str(configuration.get("precision", "float")))


def _comparable(found: Design, precision: str) -> Design:
    """``found`` with a precision in two words: quantizers and their names differ, what they do to a front less."""
    quantized = any(word in precision.replace("non-quantized", "") for word in ("quant", "ptq", "int8", "int4"))
    return Design(
        found.family,
        found.variant,
        found.width,
        found.resolution,
        "quantized" if quantized else "float",
        found.minimalistic,
    )


def _distance(wanted: Design, found: Design) -> float:
    """How far apart two networks are, in logarithms of width and resolution; infinite for different ones."""
    wanted = _comparable(wanted, wanted.precision or "float")
    for name in ("family", "variant", "precision", "minimalistic"):
        if getattr(wanted, name) != getattr(found, name):
            return math.inf
    pairs = ((wanted.width, found.width), (wanted.resolution, found.resolution))
    return sum(abs(math.log(a / b)) for a, b in pairs if a and b)
