"""What comparing models image by image is worth: ``python benchmarks/pairing.py [--models 40] [--images 2000]``.

Measures models of the shipped space, drawn at random, on the first images of the random order, accuracies only, and
keeps which images were right in ``--keep``. Then these images, as if they were all there are, are put in random orders;
in each every other model sees the first half of them, the rest the first eighth. Prints

- the standard error of a difference, paired and of independent accuracies;
- how far the accuracies on an eighth are off, as counted and corrected by the models that saw a half;
- how often the 95 % intervals of accuracies and differences hold what is true of all images;
- for made-up latencies that are known exactly: how far accuracies on the front are overrated, and what P(front) is
  worth (the mean square of what it is off, which is 0 or 1 in truth), as counted by itself and image by image.

Reports; asserts nothing.
"""

from __future__ import annotations

import argparse
import math
import random
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from dse_harness.answers import pack, unpack
from dse_harness.protocol import Accuracy, AccuracySpec
from numpy.typing import NDArray

from dse.backends import LocalBackend
from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.membership import membership
from dse.core.metrics import objective
from dse.core.pairing import Pairing
from dse.core.pareto import front
from dse.core.proportion import Z_95
from dse.paths import cache_dir
from dse.spaces.load import find_space, load_space
from dse.spaces.space import Space

Right = NDArray[np.bool_]
Array = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=40)
    parser.add_argument("--images", type=int, default=2000, help="of the data set that are measured")
    parser.add_argument("--keep", type=Path, default=Path("pairing.npz"), help="read where it is there, else written")
    parser.add_argument("--orders", type=int, default=100, help="of the images, at random")
    options = parser.parse_args()
    if options.keep.exists():
        right = np.load(options.keep)["right"]
    else:
        right = measure(options.models, options.images)
        np.savez_compressed(options.keep, right=right)
    report(right, options.orders)


def report(right: Right, orders: int) -> None:
    """Print what is above of ``right`` ``[models, images]``, over so many random orders of its images."""
    models, images = right.shape
    half, eighth, chance = images // 2, images // 8, np.random.default_rng(0)
    truth = right.mean(axis=1)
    distinct = len(np.unique(right, axis=0))
    print(
        f"{models} models, {distinct} of them answer differently; {images} images, of which a half or an eighth is seen"
    )
    some, others = np.arange(0, models, 2), np.arange(1, models, 2)
    kinds = {"half and half": (some, some), "an eighth and a half": (others, some), "two eighths": (others, others)}
    errors: dict[str, list[Array]] = {kind: [] for kind in kinds}
    held: dict[str, list[Array]] = {kind: [] for kind in [*kinds, "by itself, a half", "by itself, an eighth"]}
    off: dict[str, list[Array]] = {"as counted": [], "corrected": []}
    for _ in range(orders):
        shuffled = right[:, chance.permutation(images)]
        seen = [shuffled[i, : eighth if i % 2 else half] for i in range(models)]
        found = Pairing([_accuracy(answers, images) for answers in seen], range(models), images)
        value, error = np.array([(c.value, c.error) for c in map(found.estimate, range(models)) if c]).T
        off["as counted"].append(np.array([seen[i].mean() for i in others]) - truth[others])
        off["corrected"].append(value[others] - truth[others])
        for kind, (ones, twos) in kinds.items():
            one, two = (side.ravel() for side in np.meshgrid(ones, twos))
            one, two = one[one != two], two[one != two]
            paired = found.difference_errors(one, two)
            errors[kind].append(np.array([paired.mean(), np.hypot(error[one], error[two]).mean()]))
            held[kind].append(_holds(value[one] - value[two], truth[one] - truth[two], paired))
        held["by itself, a half"].append(_holds(value[some], truth[some], error[some]))
        held["by itself, an eighth"].append(_holds(value[others], truth[others], error[others]))
    print("standard error of a difference, in points: paired, and of independent accuracies")
    for kind, means in errors.items():
        print("  {:24} {:.2f} {:.2f}".format(kind, *100 * np.mean(means, axis=0)))
    print("accuracies on an eighth, in points: off by (root mean square), and all together (that of the mean)")
    for how, by in off.items():
        together = np.mean(by, axis=1)
        print(f"  {how:24} {100 * math.sqrt(np.mean(np.square(by))):.2f} {100 * math.sqrt(np.mean(together**2)):.2f}")
    print("95 % intervals that hold")
    for kind, share in held.items():
        print(f"  {kind:24} {100 * np.mean(np.concatenate(share)):.1f} %")
    report_fronts(right, orders)


def report_fronts(right: Right, orders: int) -> None:
    """Print what accuracies on a part do to a front of accuracies and latencies."""
    models, images = right.shape
    chance, truth = np.random.default_rng(1), right.mean(axis=1)
    over: dict[str, list[float]] = {"as counted": [], "image by image": []}
    off: dict[str, list[float]] = {"as counted": [], "image by image": []}
    for _ in range(orders):
        shuffled = right[:, chance.permutation(images)]
        known = [_accuracy(shuffled[i, : images // (8 if i % 2 else 2)], images) for i in range(models)]
        ranks = chance.normal(0, 1, models) + 2 * (truth - truth.mean()) / truth.std()
        points = [_point(n, a, 1e6 * 1.5**rank) for n, (a, rank) in enumerate(zip(known, ranks, strict=True))]
        best = [_with(e, float(t)) for e, t in zip(points, truth, strict=True)]
        is_on = {e.configuration for e in front(best, _OBJECTIVES)}
        true = np.array([e.configuration in is_on for e in points])
        for how in over:
            of = known if how == "image by image" else [replace(a, answers=None) for a in known]
            found = Pairing(of, range(models), images)
            estimates = [e.with_accuracy(found.estimate(n)) for n, e in enumerate(points)]
            over[how] += [e.values["accuracy"] - truth[e.trial] for e in front(estimates, _OBJECTIVES)]
            told = membership(estimates, _OBJECTIVES, pairing=found).probability
            off[how].append(float(np.mean((told - true) ** 2)))
    print("accuracies on the front, in points too high; P(front), mean square of what it is off")
    for how in over:
        print(f"  {how:24} {100 * np.mean(over[how]):+.2f}  {np.mean(off[how]):.4f}")


_OBJECTIVES = (objective("accuracy"), objective("latency_p90_ns"))


def _point(number: int, accuracy: Accuracy, latency_ns: float) -> Estimate:
    values = {"accuracy": accuracy.good / accuracy.total, "latency_p90_ns": latency_ns}
    return Estimate(Configuration({"n": number}), values, number, accuracy=accuracy, accuracy_from=number)


def _with(point: Estimate, accuracy: float) -> Estimate:
    return replace(point, values={**point.values, "accuracy": accuracy})


def _holds(value: Array, true: Array, error: Array) -> Array:
    """Whether each true value lies in the interval; rounding is allowed for."""
    return np.asarray(np.abs(value - true) <= Z_95 * error + 1e-9, float)


def _accuracy(right: Right, images: int) -> Accuracy:
    return Accuracy(int(right.sum()), len(right), "", "random", images, pack(right, "random"))


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
