"""Write the data set that ships: ``python -m training.data_set``.

``validation.npz`` is Fashion-MNIST's complete test split, ``calibration.npz`` 200 images of its training split, both in
a seeded order in which every ten images have one of each class: any prefix is stratified.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dse.shipped import shipped
from training.fashion_mnist import split

FOLDER = shipped("fashion_mnist")
_CALIBRATION_IMAGES = 200
_SEED = 0


def stratified_order(labels: NDArray[np.integer], seed: int) -> NDArray[np.intp]:
    """A random order in which images 10 k to 10 k + 9 have ten different labels (labels 0..9, equally frequent)."""
    random = np.random.default_rng(seed)
    by_class = np.stack([random.permutation(np.flatnonzero(labels == label)) for label in range(10)])
    return random.permuted(by_class.T, axis=1).ravel()


def main() -> None:
    for name, source, count in (("validation", "t10k", 10_000), ("calibration", "train", _CALIBRATION_IMAGES)):
        images, labels = (tensor.numpy() for tensor in split(source))
        order = stratified_order(labels, _SEED)[:count]
        path = FOLDER / f"{name}.npz"
        np.savez_compressed(path, images=images[order, 0], labels=labels[order].astype(np.uint8))
        print(f"{path}: {count} images, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
