"""The kinds of model sources: each is a key in an entry of a space's ``models``, and a class of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dse_harness.registry import Registry
from pydantic import TypeAdapter, ValidationError

from dse.errors import ModelError
from dse.models._base import ModelSection
from dse.sections import one_of

MODEL_SOURCES: Registry[type[ModelSection]] = Registry(
    "dse.model_sources",
    {
        "zoo": "dse.models.zoo:ZooSection",
        "path": "dse.models.file:PathSection",
        "glob": "dse.models.file:GlobSection",
        "url": "dse.models.url:UrlSection",
    },
    needs=("sources", "places", "origin"),
)
"""Others add a subclass of `ModelSection` as an entry point of the group ``dse.model_sources``."""


def read_section(written: Mapping[str, Any]) -> ModelSection:
    """An entry of ``models`` as a study has it. Raises ModelError."""
    try:
        section: ModelSection = TypeAdapter(one_of(MODEL_SOURCES)).validate_python(dict(written))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        message = problem["msg"].removeprefix("Value error, ")
        raise ModelError(
            f"{'.'.join(map(str, ('models', *problem['loc'])))}: {message}",
            hint="put study.yaml back as dse wrote it, or install what has this kind of models",
        ) from None
    return section
