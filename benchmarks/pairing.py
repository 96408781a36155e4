"""What comparing models image by image is worth: ``python benchmarks/pairing.py [--models 40] [--images 2000]``.

Measures models of the shipped space, drawn at random, on the first images of the random order, accuracies only, and
keeps which images were right in ``--keep``. Then, over random orders of these images, as if they were all there are:

- the standard error of the difference of two models on the first images, paired and taken for independent;
- how far the accuracies on the first images are off, as counted and corrected by the models that saw all images;
- how often the 95 % intervals of differences, and of single accuracies, hold.

Reports; asserts nothing.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from dse_harness.answers import unpack
from dse_harness.protocol import AccuracySpec
from numpy.typing import NDArray

from dse.backends import LocalBackend
from dse.core.configuration import Configuration
from dse.paths import cache_dir
from dse.spaces.load import find_space, load_space
from dse.spaces.space import Space

Right = NDArray[np.bool_]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=40)
    parser.add_argument("--images", type=int, default=2000, help="of the data set that are measured")
    parser.add_argument("--keep", type=Path, default=Path("pairing.npz"), help="read where it is there, else written")
    options = parser.parse_args()
    if options.keep.exists():
        right = np.load(options.keep)["right"]
    else:
        right = measure(options.models, options.images)
        np.savez_compressed(options.keep, right=right)
    print(right.shape, right.mean(axis=1))


def measure(models: int, images: int) -> Right:
    """Which of the first images each of so many models answers right, ``[models, images]``."""
    space = load_space(find_space("mobilenet_v3"))
    every = [
        c for c in space.tree.configurations() if (c["threads"], c["buffer_size"], c["delegate"]) == (1, 64, "xnnpack")
    ]
    backend, found = LocalBackend(), list[Right]()
    for configuration in random.Random(0).sample(every, len(every)):
        if len(found) < models and (right := _answers(backend, space, configuration, images)) is not None:
            found.append(right)
            print(f"{len(found)} of {models}: {right.mean():.4f}  {configuration}", flush=True)
    backend.close()
    return np.stack(found)


def _answers(backend: LocalBackend, space: Space, configuration: Configuration, images: int) -> Right | None:
    file = space.source(configuration).make(space.variant(configuration))
    request = space.experiment(configuration).request(
        model_path=file.path,
        model_sha256=file.sha256,
        data_set=space.data_set.spec,
        cache=cache_dir(),
        accuracy=AccuracySpec(images),
        image_order="random",
    )
    with tempfile.TemporaryDirectory() as folder:
        found = backend.run(replace(request, performance=None), Path(folder), 600.0).accuracy
    return unpack(found.answers, found.total) if found and found.answers else None


if __name__ == "__main__":
    main()
