"""A request of exploration with its files where they lie now: a study outlives a cache, a folder, an installation."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

from dse_harness.protocol import DataSetSpec, Request

from dse.core.configuration import Value
from dse.data_sets import DataSet
from dse.files import sha256_file
from dse.models.registry import read_section
from dse.paths import cache_dir
from dse.sections import PreprocessingSection
from dse.shipped import shipped
from dse.spaces.parts import variant_of
from dse.spaces.resolved import ResolvedDataSet, ResolvedSpace


def located(
    request: Request, space: ResolvedSpace, configuration: Mapping[str, Value], validated: Path | None = None
) -> Request:
    """``request`` with this session's cache and, where a file is gone, the same bytes from elsewhere.

    ``space`` is the one in study.yaml, as the last exploration found it, ``validated`` the folder of official runs.
    What is found nowhere stays as it was named. Raises ModelError for a model's
    section that says nothing, MachineError for a cache that cannot be used.
    """
    kept = validated.glob("*/model.*") if validated else ()
    variant, cache = variant_of(configuration), cache_dir() / "models"
    data_set = _data_set(request.data_set, space.data_set)

    def places() -> Iterator[Path]:
        sections = [read_section(section) for section in space.models.values()]
        for section in sections:
            yield from section.places(request.model_sha256, variant, cache)
        labels = Path(data_set.labels) if data_set.labels else None
        images = DataSet(
            data_set.name, Path(data_set.path), labels, space.data_set.size, data_set.classes, data_set.sha256
        )
        # as it was measured: whether the harness takes it is the harness's to say
        recipe = PreprocessingSection.model_construct(**vars(request.preprocessing))
        for section in sections:
            yield from section.made_again(variant, cache, (images, recipe))

    return dataclasses.replace(
        request,
        model_path=str(_model(request, chain(kept, places()))),
        data_set=data_set,
        cache_dir=str(cache_dir()),
    )


def _model(request: Request, places: Iterable[Path]) -> Path:
    named = Path(request.model_path)
    if named.is_file():
        return named
    return next((path for path in places if path.is_file() and sha256_file(path) == request.model_sha256), named)


def _data_set(spec: DataSetSpec, images: ResolvedDataSet) -> DataSetSpec:
    if all(Path(path).exists() for path in (spec.path, spec.labels) if path) or images.sha256 != spec.sha256:
        return spec
    path = shipped(images.embedded, "validation.npz") if images.embedded else images.path
    return dataclasses.replace(spec, path=str(path), labels=images.labels)
