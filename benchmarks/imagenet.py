"""Accuracy of the zoo's EfficientNet-Lite on ImageNet images of your own, by side and precision, for each engine.

    python benchmarks/imagenet.py IMAGES LABELS [--networks lite0 ...] [--sides 224 ...] [--precisions float32 ...]

LABELS has a line NAME CLASS for each image. Needs dse[imagenet]; int8 is calibrated with 100 of the images, as in a
search of efficientnet_lite.yaml. Prints Markdown, asserts nothing; no time is measured.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from dse_harness.data_set import open_images, read_labels
from dse_harness.engines import ENGINES, open_engine
from dse_harness.errors import HarnessError
from dse_harness.preprocessing import recipe
from dse_harness.protocol import Preprocessing, RuntimeSpec
from dse_harness.samples import input_values
from numpy.typing import NDArray

from dse.core.configuration import Value
from dse.data_sets import DataSet, from_images
from dse.models.calibration import Calibration
from dse.models.efficientnet_lite import EfficientNetLiteSource
from dse.packages import engines_here
from dse.paths import cache_dir
from dse.sections import PreprocessingSection
from dse.zoo import ZooError, parameters
from dse.zoo.efficientnet_lite import NETWORKS, SIDES

_RECIPE = PreprocessingSection(mean=127.0, scale=128.0)
"""That of efficientnet_lite.yaml."""


def pixels(data_set: DataSet, side: int) -> Iterator[NDArray[np.uint8]]:
    image = open_images(data_set.spec, Path())
    to_pixels = recipe(Preprocessing(**_RECIPE.model_dump()), side)
    return (to_pixels(image(number)) for number in range(data_set.size))


def right_answers(
    engine: str, model: Path, images: Sequence[NDArray[np.uint8]], labels: NDArray[np.int32]
) -> tuple[int, int]:
    """How many first answers are right, and how many have the right one among the first five. Raises HarnessError."""
    session = open_engine(RuntimeSpec(engine, 1, ENGINES.get(engine).delegates[0])).load(model)
    tensor = session.inputs[0]
    values, invoke = input_values(Preprocessing(**_RECIPE.model_dump()), tensor), session.bind()
    first = five = 0
    for image, label in zip(images, labels, strict=True):
        sample = np.take(values, image if tensor.layout == "NHWC" else image.transpose(2, 0, 1))[None]
        answers = np.argsort(invoke(np.ascontiguousarray(sample))[0].ravel())[::-1][:5]
        first, five = first + int(answers[0] == label), five + int(label in answers)
    return first, five


def measure(networks: list[str], sides: list[int], precisions: list[str], data_set: DataSet, cache: Path) -> None:
    source = EfficientNetLiteSource(cache, Calibration(data_set, _RECIPE))
    labels = read_labels(data_set.spec, Path())
    engines = list(engines_here())
    print(f"top-1 / top-5 in % of {data_set.size} images\n")
    print(f"| network | side | precision | {' | '.join(engines)} |\n|{' --- |' * (3 + len(engines))}")
    for side in sides:
        images = list(pixels(data_set, side))
        for network in networks:
            for precision in precisions:
                cells = []
                for engine in engines:
                    file_format = ENGINES.get(engine).suffixes[0][1:]
                    variant: dict[str, Value] = {
                        "network": network,
                        "side": side,
                        "precision": precision,
                        "file_format": file_format,
                    }
                    try:
                        source.check(variant)
                        counts = right_answers(engine, source.make(variant).path, images, labels)
                        cells.append(" / ".join(f"{100 * count / len(images):.1f}" for count in counts))
                    except HarnessError as error:
                        cells.append(error.failure.error)
                    except ZooError:
                        cells.append("not written")
                print(f"| {network} | {side} | {precision} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("images", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=["lite0"])
    parser.add_argument("--sides", nargs="+", type=int, choices=SIDES, default=[224, 192, 160, 128])
    parser.add_argument("--precisions", nargs="+", choices=parameters()["precision"], default=["float32", "int8"])
    arguments = parser.parse_args()
    data_set = from_images("images", arguments.images.absolute(), arguments.labels.absolute(), cache_dir(), 1000)
    with tempfile.TemporaryDirectory() as folder:
        measure(arguments.networks, arguments.sides, arguments.precisions, data_set, Path(folder))


if __name__ == "__main__":
    main()
