"""What two memory figures say of models by the size of LoadGen's sample buffer: ``python benchmarks/memory.py``.

Runs the harness, each run a process of its own, on three models of the zoo with buffers of 64 and 1,024 samples and
prints the median and the spread of ``model_memory_bytes`` and ``peak_memory_bytes``. Reports; asserts nothing.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import median

from dse_harness.protocol import Response

from dse.backends import LocalBackend
from dse.core.configuration import Configuration, Value
from dse.paths import cache_dir
from dse.spaces.load import find_space, load_space
from dse.spaces.space import Space

_BUFFERS = (64, 1024)
_MODELS: tuple[dict[str, Value], ...] = (
    {"family": "small", "form": "minimalistic", "width": 0.35, "side": 48, "precision": "int8"},
    {"family": "small", "form": "full", "width": 0.75, "hard_swish": "operator", "side": 96, "precision": "float32"},
    {"family": "large", "form": "minimalistic", "width": 0.5, "side": 128, "precision": "float32"},
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    space = load_space(find_space("mobilenet_v3"))
    for model in _MODELS:
        print(", ".join(map(str, model.values())))
        medians: dict[str, list[float]] = {"model_memory_bytes": [], "peak_memory_bytes": []}
        for buffer in _BUFFERS:
            responses = [_measure(space, Configuration({**model, "buffer_size": buffer})) for _ in range(options.runs)]
            for name, of_buffers in medians.items():
                found = [getattr(response, name) / 2**20 for response in responses]
                of_buffers.append(median(found))
                print(f"  {buffer:5} samples  {name:18} {median(found):8.2f} MiB, {min(found):.2f} to {max(found):.2f}")
        for name, (few, many) in medians.items():
            print(f"  from {_BUFFERS[0]} to {_BUFFERS[1]} samples, {name} changes by {100 * (many / few - 1):+.2f} %")


def _measure(space: Space, configuration: Configuration) -> Response:
    model = space.source(configuration).make(space.variant(configuration))
    request = space.experiment(configuration).request(
        model_path=model.path,
        model_sha256=model.sha256,
        data_set=space.data_set.spec,
        cache=cache_dir(),
    )
    with tempfile.TemporaryDirectory() as folder:
        response = LocalBackend(fresh=True).run(request, Path(folder), space.fidelity.trial_timeout)
    if response.failure:
        raise SystemExit(f"{configuration}: {response.failure.message}")
    return response


if __name__ == "__main__":
    main()
