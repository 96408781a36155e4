"""What a pixel becomes in a model's input: no file says it, and what the model answers does."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from dse_harness.protocol import Accuracy, AccuracySpec

from dse.backends import Backend, closed_after
from dse.core.configuration import Configuration
from dse.errors import ModelError
from dse.paths import cache_dir, require_cache
from dse.sections import Channels
from dse.spaces.space import Space

PIXELS: Mapping[str, tuple[Channels, Channels]] = {
    "-1..1": (127.5, 127.5),
    "0..1": (0, 255),
    "0..255": (0, 1),
    "imagenet": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
}
"""As people say it, with the mean and scale of that. The first is taken where nobody knows better; the last is what
networks trained with PyTorch expect (torchvision, "Models and pre-trained weights")."""


def shown(channels: Channels) -> str:
    """One number or three, as a space has them."""
    return str([*channels]) if isinstance(channels, tuple) else f"{channels:g}"


IMAGES = 100
"""On which each is tried: of 1,000 classes, few models are right for as many with a wrong one."""
_MOST_LOOKED_AT = 1000


def tried_pixels(space: Space, backend: Backend | None = None) -> dict[str, Accuracy]:
    """The accuracy of the model of ``space`` with each of `PIXELS`, on the same `IMAGES`; none where it does not run.

    ``backend`` is where that is measured; by default where the space is. Raises MachineError.
    """
    require_cache()
    where = backend or space.backend
    with closed_after(where):
        for way in _ways(space):
            found: dict[str, Accuracy] = {}
            for pixels in PIXELS:
                accuracy = _accuracy(space, way, pixels, where)
                if accuracy is None:
                    break
                found[pixels] = accuracy
            else:
                return found
    return {}


def _ways(space: Space) -> Iterator[Configuration]:
    """The model as it is with each engine and its kernels, one after the other: not each of them takes each model."""
    seen = set()
    for configuration in islice(space.tree.configurations(), _MOST_LOOKED_AT):
        way = configuration.get("runtime"), configuration.get("delegate")
        if way not in seen and configuration.get("precision", "float32") == "float32":
            seen.add(way)
            yield configuration


def _accuracy(space: Space, way: Configuration, pixels: str, backend: Backend) -> Accuracy | None:
    mean, scale = PIXELS[pixels]
    recipe = dataclasses.replace(space.preprocessing(way), mean=mean, scale=scale)
    experiment = dataclasses.replace(space.experiment(way), preprocessing=recipe, fidelity=None)
    try:
        model = space.source(way).make(space.variant(way))
    except ModelError:
        return None
    request = experiment.request(
        model_path=model.path,
        model_sha256=model.sha256,
        data_set=space.data_set.spec,
        cache=cache_dir(),
        accuracy=AccuracySpec(samples=min(IMAGES, space.data_set.size)),
        image_order="random",
    )
    with tempfile.TemporaryDirectory(prefix="dse-") as folder:
        return backend.run(request, Path(folder), space.fidelity.trial_timeout).accuracy
