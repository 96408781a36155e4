"""Which images an accuracy was counted on. Accuracies on other images, or on other numbers of them, never compete.

A published tree does not name its data set, and every image classifier of MLPerf is judged on the 50,000 images of
ImageNet's validation set; a tree of one's own may be of any. What every tree says is how many images there were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

IMAGENET_IMAGES = 50_000
IMAGENET_CLASSES = 1000
TASK = "image-classification"
KEY = "images"
"""Of a group that is one of several on different images: how many."""


def images_of(row: Mapping[str, Any]) -> int | None:
    """On how many images a result's accuracy was counted: by its accuracy.txt, else by LoadGen's summary."""
    images: int | None = row["total"] or row["accuracy_sample_count"]
    return images


def by_images(rows: Sequence[Mapping[str, Any]]) -> list[tuple[dict[str, Any], Sequence[Mapping[str, Any]]]]:
    """The rows of image classifiers by their images, where those differ; other rows as they are.

    A row that does not say how many there were competes with none that does; one without an accuracy competes with none
    at all, and stays with most.
    """
    if any(row["task"] != TASK for row in rows):
        return [({}, rows)]
    counts = Counter(images_of(row) for row in rows if _is_judged(row))
    if len(counts) < 2:
        return [({}, rows)]
    most = counts.most_common(1)[0][0]
    of = [images_of(row) if _is_judged(row) else most for row in rows]
    found = sorted(counts, key=lambda images: -(images or 0))
    return [({KEY: n}, [row for row, images in zip(rows, of, strict=True) if images == n]) for n in found]


def _is_judged(row: Mapping[str, Any]) -> bool:
    return row.get("accuracy") is not None or row["good"] is not None


def show_images(images: int | None) -> str:
    """``50000 images (ImageNet)``, ``10000 images``, ``an unknown number of images``."""
    if images is None:
        return "an unknown number of images"
    return f"{images} images (ImageNet)" if images == IMAGENET_IMAGES else f"{images} images"


def apart(groups: Sequence[Mapping[str, Any]], sizes: Sequence[int]) -> str | None:
    """Which of the groups stand apart for their images, as a sentence with how many results each number has."""
    counts: Counter[int | None] = Counter()
    for group, size in zip(groups, sizes, strict=True):
        if KEY in group:
            counts[group[KEY]] += size
    if not counts:
        return None
    shown = [f"{count} on {show_images(images)}" for images, count in counts.most_common()]
    return f"accuracies on different images do not compare; each has a front of its own: {', '.join(shown)}"
