"""Every file that the zoo can write for a network, run: ``python -m training.check small_0.35 --images 1000``.

A row per side, precision, form of hard-swish and delegate: top-1 on the first validation images, the median of bare
``invoke()`` with one thread, and the size of the file. What no runtime takes shows its error.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from search_spaces import zoo
from training.fashion_mnist import served_input

_DELEGATES = {
    "xnnpack": OpResolverType.AUTO,
    "builtin": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
}


def run(model: bytes, images: np.ndarray, delegate: str = "xnnpack") -> tuple[np.ndarray, np.ndarray]:
    """Probabilities ``[N, classes]`` and nanoseconds ``[N]`` of ``images`` ``[N, side, side, 3]``, one by one."""
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=_DELEGATES[delegate], num_threads=1)
    interpreter.allocate_tensors()
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    if source["dtype"] == np.int8:
        scale, zero_point = source["quantization"]
        images = np.clip(np.rint(images / scale) + zero_point, -128, 127).astype(np.int8)
    outputs, durations_ns = [], []
    for image in images:
        interpreter.set_tensor(source["index"], image[None])
        began = time.perf_counter_ns()
        interpreter.invoke()
        durations_ns.append(time.perf_counter_ns() - began)
        outputs.append(interpreter.get_tensor(target["index"])[0])
    probabilities = np.array(outputs, np.float32)
    if target["dtype"] == np.int8:
        scale, zero_point = target["quantization"]
        probabilities = (probabilities - zero_point) * scale
    return probabilities, np.array(durations_ns)


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
                    for delegate in _DELEGATES:
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
