"""``trial.json``: what dse knows about a trial before it is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from dse.core.configuration import Configuration
from dse.core.measurement import Phase
from dse.files import write_json
from dse.values import is_level, is_number, is_whole, is_word, shown

SCHEMA = 2
"""2: the phase that looks for drift is called reference; it was anchor."""


@dataclass(frozen=True)
class TrialRecord:
    """What dse knows about a trial before it is measured.

    ``key`` and ``accuracy_key`` identify by content what is measured (`Experiment.key`); ``accuracy_from`` is
    the trial whose accuracy run counts, this one's own number when it has to run it, and below zero one of another
    study (`dse.study.elsewhere`). ``timeout_s`` is how long it may take (None: a trial of the first versions),
    ``elapsed_s`` how long the study had been searched when it began, ``images`` on how many its accuracy had to be
    known (None: nobody took that down). ``device`` is empty for this machine. ``session`` and ``ratios`` as of
    `dse.core.measurement.Measurement`; all trials of the first versions are of one session.
    """

    number: int
    configuration: Configuration
    key: str
    accuracy_key: str
    accuracy_from: int
    phase: Phase = "search"
    timeout_s: float | None = None
    elapsed_s: float | None = None
    images: int | None = None
    device: str = ""
    session: int = 1
    ratios: Mapping[str, float] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Begin the trial's folder, which is a new one. Raises OSError."""
        folder.mkdir(parents=True)
        # Of a trial, the disk is waited for once, by the harness: for the response, which cannot be made again.
        write_json(folder / "trial.json", self.document(), durable=False, follow=False)

    def document(self) -> dict[str, Any]:
        """What ``trial.json`` holds."""
        return {
            "schema": SCHEMA,
            "number": self.number,
            "configuration": dict(self.configuration),
            "key": self.key,
            "accuracy_key": self.accuracy_key,
            "accuracy_from": self.accuracy_from,
            "phase": self.phase,
            "timeout_s": self.timeout_s,
            "elapsed_s": self.elapsed_s,
            "images": self.images,
            "device": self.device,
            "session": self.session,
            **({"ratios": dict(self.ratios)} if self.ratios else {}),
        }


def record_of(document: Any) -> TrialRecord:
    """The record in ``trial.json``, every value of the type and range that dse writes. Raises ValueError."""
    if not isinstance(document, dict):
        raise ValueError("found no object, expected a trial's record")
    if not is_whole(document.get("schema")) or document["schema"] not in (1, SCHEMA):
        raise ValueError(f"found schema {shown(document.get('schema'))}, this version reads {SCHEMA}")
    document = {**_SINCE, **document}
    if document["phase"] == "anchor":
        document["phase"] = "reference"  # its word until schema 2
    for name, (fits, expected) in _FORM.items():
        if name not in document:
            raise ValueError(f"{name} is missing")
        if not fits(document[name]):
            raise ValueError(f"{name}: found {shown(document[name])}, expected {expected}")
    for name, value in document["configuration"].items():
        if not is_level(value):
            raise ValueError(f"configuration.{name}: found {shown(value)}, expected a word, a number, true or false")
    return TrialRecord(
        number=document["number"],
        configuration=Configuration(document["configuration"]),
        key=document["key"],
        accuracy_key=document["accuracy_key"],
        accuracy_from=document["accuracy_from"],
        phase=document["phase"],
        timeout_s=_float(document["timeout_s"]),
        elapsed_s=_float(document["elapsed_s"]),
        images=document["images"],
        device=document["device"],
        session=document["session"],
        ratios={metric: float(ratio) for metric, ratio in document["ratios"].items()},
    )


def _float(number: float | None) -> float | None:
    return None if number is None else float(number)


_FORM: dict[str, tuple[Callable[[Any], bool], str]] = {
    "number": (is_whole, "a whole number"),
    "configuration": (lambda value: isinstance(value, dict), "keys with values"),
    "key": (is_word, "a word"),
    "accuracy_key": (is_word, "a word"),
    "accuracy_from": (lambda value: type(value) is int and is_whole(abs(value)), "a whole number"),
    "phase": (
        lambda value: isinstance(value, str) and value in get_args(Phase),
        f"one of {', '.join(get_args(Phase))}",
    ),
    "timeout_s": (lambda value: value is None or (is_number(value) and value > 0), "seconds"),
    "elapsed_s": (lambda value: value is None or (is_number(value) and value >= 0), "seconds"),
    "images": (lambda value: value is None or is_whole(value), "a whole number of images"),
    "device": (lambda value: isinstance(value, str), "a device's name"),
    "session": (is_whole, "a whole number"),
    "ratios": (
        lambda value: isinstance(value, dict) and all(is_number(each) and each > 0 for each in value.values()),
        "metrics with numbers above 0",
    ),
}
_SINCE: dict[str, Any] = {
    "phase": "search",
    **dict.fromkeys(("timeout_s", "elapsed_s", "images")),
    "device": "",
    "session": 1,
    "ratios": {},
}
"""What trials of earlier versions do not have."""
