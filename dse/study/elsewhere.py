"""``accuracies.json`` of a study: accuracies that studies of other systems found, of the same models.

What a model answers depends on its bytes, the engine and its kernels, and seldom on the machine: so a study of another
system need not count all images again. Each trial shows on the first images that it answers alike; else it counts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from dse_harness.decode import Range, decode
from dse_harness.protocol import Accuracy, SpotCheck

from dse.core.accuracies import FoundAccuracy
from dse.errors import StudyError, why
from dse.files import write_json
from dse.reading import MIB, read_json
from dse.study.folder import ELSEWHERE

SCHEMA = 1
_MOST_BYTES = 256 * MIB


@dataclass(frozen=True)
class Elsewhere:
    """An accuracy that trial ``trial`` of ``study`` found; ``key`` is what its own trials of the same have here."""

    key: str
    accuracy: Accuracy
    spot_check: SpotCheck
    study: str
    trial: Annotated[int, Range(0)]


def read_elsewhere(folder: Path) -> tuple[Elsewhere, ...]:
    """Those of the study in ``folder``; none where it has none. Raises StudyError."""
    path = folder / ELSEWHERE
    try:
        document = read_json(path, _MOST_BYTES)
        if not isinstance(document, dict) or document.get("schema") != SCHEMA or document["schema"] is True:
            raise ValueError(f"no accuracies of schema {SCHEMA}")
        found: tuple[Elsewhere, ...] = decode(tuple[Elsewhere, ...], document.get("accuracies"), "accuracies")
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        hint = "remove it: those accuracies are counted again"
        raise StudyError(f"cannot be read: {why(error)}", path=path, hint=hint) from error
    return found


def keep_elsewhere(folder: Path, more: Sequence[Elsewhere]) -> tuple[Elsewhere, ...]:
    """Add those of ``more`` that are on more images than what is known to those of the study in ``folder``.

    Of those none changes its place. Raises StudyError, OSError.
    """
    known = read_elsewhere(folder)
    images = {each.key: each.accuracy.total for each in known}
    better = [each for each in more if each.accuracy.total > images.get(each.key, 0)]
    found = (*known, *{each.key: each for each in sorted(better, key=lambda each: each.accuracy.total)}.values())
    if len(found) > len(known):
        accuracies = [dataclasses.asdict(each) for each in found]
        write_json(folder / ELSEWHERE, {"schema": SCHEMA, "accuracies": accuracies}, follow=False)
    return found


def by_key(found: Sequence[Elsewhere]) -> dict[str, FoundAccuracy]:
    """As trials below zero, by key: the last, on most images."""
    return {e.key: FoundAccuracy(-number, e.accuracy, e.spot_check) for number, e in enumerate(found, 1)}
