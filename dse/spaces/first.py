"""A first search space, from three answers: which model, on which images, and what matters."""

from __future__ import annotations

import json
import re
from pathlib import Path

from dse.core.metrics import METRICS, parse_constraint
from dse.errors import InputError
from dse.spaces.load import shipped_spaces
from dse.spaces.own import OwnSpace, own_space

SHORT = {"latency": "latency_p90_ns", "memory": "model_memory_bytes", "throughput": "samples_per_second"}
"""Metrics as people call them."""
MATTERS = "accuracy, latency, memory"
_OPERATOR = re.compile(r"[<>=]")
_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def known_models() -> list[str]:
    """What needs no model file: the shipped spaces, but for those that search files."""
    texts = ((Path(name).stem, path.read_text(encoding="utf-8")) for name, path in shipped_spaces().items())
    return [name for name, text in texts if "${DSE_MODELS}" not in text]


def needs_images(model: str) -> bool:
    """Whether images of one's own are to be named."""
    return model not in known_models() or "${DSE_IMAGES}" in _shipped(model)


def first_space(
    model: str, images: Path | None, labels: Path | None, matters: str = MATTERS, name: str | None = None
) -> OwnSpace:
    """The space of ``model``, one of `known_models` or a file, whose objectives and constraints are what ``matters``.

    ``matters`` are metrics to optimize and limits, with commas between: ``accuracy, latency <= 5 ms``.

    Raises InputError for an answer that is missing or names nothing, and what `own_space` raises.
    """
    objectives, constraints = _parsed(matters)
    if images is None and needs_images(model):
        raise InputError("is missing: the model has to be measured on labelled images", argument="images")
    if model in known_models():
        made = _of_shipped(model, images, labels, name)
    elif images is not None:
        made = own_space(Path(model), images, labels, name=name)
    lines = [f"objectives: [{', '.join(objectives)}]"]
    if constraints:
        lines.append(f"constraints: [{', '.join(json.dumps(each, ensure_ascii=False) for each in constraints)}]")
    text = re.sub(r"^objectives: .*$", "\n".join(lines), made.text, count=1, flags=re.MULTILINE)
    return OwnSpace(made.name, text, made.notes)


def _of_shipped(model: str, images: Path | None, labels: Path | None, name: str | None) -> OwnSpace:
    text = re.sub(r"^# yaml-language-server.*\n", "", _shipped(model))
    called = _NAME.sub("_", name).lstrip("._-") if name else model
    text = re.sub(r"^name: .*$", f"name: {called or model}", text, count=1, flags=re.MULTILINE)
    if images is not None:
        if labels is None:
            raise InputError("is missing: a list with a line 'NAME CLASS' for each image", argument="labels")
        text = text.replace("${DSE_IMAGES}", json.dumps(str(images.absolute()), ensure_ascii=False))
        text = text.replace("${DSE_LABELS}", json.dumps(str(labels.absolute()), ensure_ascii=False))
    return OwnSpace(called or model, text, ())


def _shipped(model: str) -> str:
    return shipped_spaces()[f"{model}.yaml"].read_text(encoding="utf-8")


def _parsed(matters: str) -> tuple[list[str], list[str]]:
    """Objectives and constraints. Raises InputError."""
    objectives: list[str] = []
    constraints: list[str] = []
    for item in filter(None, (each.strip() for each in matters.split(","))):
        word = _OPERATOR.split(item)[0].strip()
        metric = SHORT.get(word, word)
        if metric not in METRICS:
            allowed = ", ".join([*SHORT, *METRICS])
            raise InputError(f"found {word!r}, allowed: {allowed}", argument="matters")
        if item == word:
            objectives.append(metric)
            continue
        limit = f"{metric}{item[len(word) :]}"
        try:
            parse_constraint(limit)
        except ValueError as error:
            raise InputError(str(error), argument="matters") from None
        constraints.append(limit)
    if not objectives:
        raise InputError("names nothing to optimize; say for example: accuracy, latency", argument="matters")
    return list(dict.fromkeys(objectives)), constraints
