"""Every file that the zoo can write for a network, run: ``python -m training.check small_0.35 --images 1000``.

A row per side, precision, form of hard-swish and delegate: top-1 on the first validation images, the median of bare
``invoke()`` with one thread, and the size of the file. What no runtime takes shows its error.
"""

from __future__ import annotations

import argparse

import numpy as np

from dse import zoo
from training.serving import DELEGATES, run, served_input


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+", choices=zoo.networks())
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--sides", type=int, nargs="+", default=zoo.parameters()["side"])
    options = parser.parse_args()
    with np.load(zoo.validation_path().open("rb")) as arrays:
        images, labels = arrays["images"][: options.images], arrays["labels"][: options.images]
    print("network,side,precision,hard_swish,delegate,accuracy_percent,invoke_p50_ms,file_kb")
    for entry in (zoo.entries()[name] for name in options.networks):
        for side in options.sides:
            inputs = served_input(images, side)
            for precision in zoo.parameters()["precision"]:
                for hard_swish in zoo.parameters()["hard_swish"] if entry.form == "full" else (None,):
                    model = zoo.build(entry.family, entry.form, entry.width, side, precision, hard_swish)
                    for delegate in DELEGATES:
                        try:
                            probabilities, durations_ns = run(model, inputs, delegate)
                            accuracy = f"{(probabilities.argmax(1) == labels).mean() * 100:.1f}"
                            latency = f"{np.median(durations_ns) / 1e6:.3f}"
                        except (RuntimeError, ValueError) as error:
                            accuracy, latency = "-", str(error).splitlines()[-1].replace(",", ";")
                        row = (entry.name, side, precision, hard_swish or "-", delegate, accuracy, latency)
                        print(*row, len(model) // 1000, sep=",", flush=True)


if __name__ == "__main__":
    main()
