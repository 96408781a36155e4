"""A request of exploration with its files where they lie now: a study outlives a cache, a folder, an installation."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from dse_harness.protocol import DataSetSpec, Request

from dse.core.configuration import Value
from dse.errors import ModelError
from dse.files import sha256_file
from dse.models import ZooSource
from dse.models.download import kept_of
from dse.paths import cache_dir
from dse.shipped import shipped
from dse.spaces.parts import variant_of
from dse.spaces.resolved import ResolvedDataSet, ResolvedSpace


def located(
    request: Request, space: ResolvedSpace, configuration: Mapping[str, Value], validated: Path | None = None
) -> Request:
    """``request`` with this session's cache and, where a file is gone, the same bytes from elsewhere.

    ``space`` is the one in study.yaml, as the last exploration found it, ``validated`` the folder of official runs.
    What is found nowhere stays as it was named. Raises MachineError for a cache that cannot be used.
    """
    kept = validated.glob("*/model.tflite") if validated else ()
    places = (path for section in space.models.values() for path in _places(section, request, configuration))
    return dataclasses.replace(
        request,
        model_path=str(_model(request, chain(kept, places))),
        data_set=_data_set(request.data_set, space.data_set),
        cache_dir=str(cache_dir()),
    )


def _model(request: Request, places: Iterable[Path]) -> Path:
    named = Path(request.model_path)
    if named.is_file():
        return named
    return next((path for path in places if path.is_file() and sha256_file(path) == request.model_sha256), named)


def _places(section: Mapping[str, Any], request: Request, configuration: Mapping[str, Value]) -> Iterator[Path]:
    """Where a model of the space may be; the zoo's is written again."""
    cache = cache_dir() / "models"
    if section.get("zoo"):
        try:
            yield ZooSource(cache).make(variant_of(configuration)).path
        except ModelError:
            return
    elif section.get("url"):
        yield from kept_of(section["url"], cache)
        yield from cache.glob(f"*-{request.model_sha256}.tflite")
    elif section.get("path"):
        yield Path(section["path"]).expanduser().absolute()
    elif (pattern := Path(section.get("glob") or "").expanduser()).is_absolute():
        yield from Path("/").glob(str(pattern.relative_to("/")))


def _data_set(spec: DataSetSpec, images: ResolvedDataSet) -> DataSetSpec:
    if all(Path(path).exists() for path in (spec.path, spec.labels) if path) or images.sha256 != spec.sha256:
        return spec
    path = shipped(images.embedded, "validation.npz") if images.embedded else images.path
    return dataclasses.replace(spec, path=str(path), labels=images.labels)
