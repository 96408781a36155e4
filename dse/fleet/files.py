"""Which files a request needs on a device, and the request as the device sees it: paths into its store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from dse_harness.protocol import DataSetSpec, Request

from dse.data_sets import read_labels
from dse.files import fingerprint
from dse.fleet.stored import Stored, suffix

_STORE, _CACHE = "../../store", "../../cache"
"""From a run's folder, ROOT/runs/RUN_ID."""


@dataclass(frozen=True)
class Sent:
    """A request as a device sees it, and what its store must have for it."""

    request: Request
    files: tuple[Stored, ...]


def sent(request: Request, folder: Path = Path()) -> Sent:
    """``request``, whose relative paths are from ``folder``, for a device.

    Raises OSError for a file that is not there, DataSetError for a list of labels that is none.
    """
    model = folder / request.model_path
    files = [Stored(model, f"{request.model_sha256}{suffix(model)}")]
    data_set, images = _data_set(request.data_set, folder)
    files += images
    performance, accuracy = request.performance, request.accuracy
    if performance and performance.user_conf:
        performance = replace(performance, user_conf=_stored(files, folder / performance.user_conf))
    if accuracy and accuracy.user_conf:
        accuracy = replace(accuracy, user_conf=_stored(files, folder / accuracy.user_conf))
    there = replace(
        request,
        model_path=f"{_STORE}/{files[0].name}",
        data_set=data_set,
        cache_dir=_CACHE,
        performance=performance,
        accuracy=accuracy,
    )
    return Sent(there, tuple({each.name: each for each in files}.values()))


def _data_set(spec: DataSetSpec, folder: Path) -> tuple[DataSetSpec, list[Stored]]:
    path, files = folder / spec.path, list[Stored]()
    if spec.labels is None:
        return replace(spec, path=_stored(files, path)), files
    labels = _stored(files, folder / spec.labels)
    names = dict.fromkeys(name for _, name, _ in read_labels(folder / spec.labels))
    images = Stored(path, fingerprint({"images": spec.sha256}), tuple(names))
    return replace(spec, path=f"{_STORE}/{images.name}", labels=labels), [*files, images]


def _stored(files: list[Stored], path: Path) -> str:
    stored = Stored.file(path)
    files.append(stored)
    return f"{_STORE}/{stored.name}"
