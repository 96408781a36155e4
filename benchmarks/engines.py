"""How far the engines' answers differ on the zoo: accuracies, and images of 2,000 that a pair of engines tells apart.

    python benchmarks/engines.py [--precisions float32 int8 ...] [--sides 48 ...] [--images 2000]

Each engine that is installed here gets the file that it reads. Prints Markdown, asserts nothing; no time is measured.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from dse_harness.engines import ENGINES, open_engine
from dse_harness.errors import HarnessError
from dse_harness.protocol import Preprocessing, RuntimeSpec
from dse_harness.samples import input_values
from numpy.typing import NDArray

from dse import zoo
from dse.packages import engines_here

Predictions = NDArray[np.int64]
Variant = dict[str, Any]
"""Arguments of `zoo.build` by name."""


def pixels(images: int, side: int) -> Iterator[NDArray[np.uint8]]:
    """The first validation images, scaled as a space with crop_percent 100 has them."""
    with np.load(zoo.validation_path()) as archive:
        for image in archive["images"][:images]:
            grey = cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR)
            yield np.repeat(grey[None, :, :, None], 3, axis=3)


def labels(images: int) -> NDArray[np.uint8]:
    with np.load(zoo.validation_path()) as archive:
        found: NDArray[np.uint8] = archive["labels"][:images]
        return found


def ways() -> list[tuple[str, str]]:
    """Each engine that is installed here, with its default delegate."""
    return [(name, engine.delegates[0]) for name, (engine, _) in engines_here().items()]


def predictions(engine: str, delegate: str, variant: Variant, images: int) -> Predictions:
    """What the engine says that each image is. Raises HarnessError."""
    with tempfile.TemporaryDirectory() as folder:
        suffix = ENGINES.get(engine).suffixes[0]
        model = Path(folder, f"model{suffix}")
        model.write_bytes(zoo.build(**variant, file_format=suffix[1:]))
        session = open_engine(RuntimeSpec(engine, 1, delegate)).load(model)
    tensor = session.inputs[0]
    values, invoke = input_values(Preprocessing(), tensor), session.bind()
    found = []
    for image in pixels(images, tensor.side):
        sample = np.take(values, image if tensor.layout == "NHWC" else image.transpose(0, 3, 1, 2))
        found.append(int(invoke(np.ascontiguousarray(sample))[0].argmax()))
    return np.array(found)


def variants(sides: list[int], precision: str) -> Iterator[Variant]:
    for entry in zoo.entries().values():
        for side in sides:
            network = {"family": entry.family, "form": entry.form, "width": entry.width}
            hard_swish = None if entry.form == "minimalistic" else "decomposed"
            yield {**network, "side": side, "precision": precision, "hard_swish": hard_swish}


def name_of(variant: Variant) -> str:
    return f"{variant['family']}-{variant['form']}-{variant['width']}@{variant['side']}"


def compare(sides: list[int], precision: str, images: int) -> None:
    right = labels(images)
    differing: dict[tuple[str, str], list[int]] = defaultdict(list)
    engines = ways()
    print(f"\n{precision}: right answers of {images}\n")
    print(f"| network | {' | '.join(name for name, _ in engines)} |\n| --- |{' --- |' * len(engines)}")
    for variant in variants(sides, precision):
        found: dict[str, Predictions | str] = {}
        for name, delegate in engines:
            try:
                found[name] = predictions(name, delegate, variant, images)
            except HarnessError as error:
                found[name] = error.failure.error
            except zoo.ZooError:
                found[name] = "not written"
        cells = (said if isinstance(said, str) else str(int((said == right).sum())) for said in found.values())
        print(f"| {name_of(variant)} | {' | '.join(cells)} |", flush=True)
        for one, other in itertools.combinations(found, 2):
            first, second = found[one], found[other]
            if not isinstance(first, str) and not isinstance(second, str):
                differing[one, other].append(int((first != second).sum()))
    print(f"\n| pair | images of {images} that differ, median | most |\n| --- | --- | --- |")
    for (one, other), counts in differing.items():
        print(f"| {one}, {other} | {int(np.median(counts))} | {max(counts)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    levels = zoo.parameters()
    parser.add_argument("--precisions", nargs="+", choices=levels["precision"], default=["float32"])
    parser.add_argument("--sides", nargs="+", type=int, choices=levels["side"], default=list(levels["side"]))
    parser.add_argument("--images", type=int, default=2000)
    arguments = parser.parse_args()
    for precision in arguments.precisions:
        compare(arguments.sides, precision, arguments.images)


if __name__ == "__main__":
    main()
