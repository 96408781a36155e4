"""How often `dse compare` says of a device on which one engine's kernels became 5 % slower just that.

Two searches of a made-up device for each seed, the second with slower builtin kernels ("worse", as of any figure), and
a comparison of the first with itself. Prints Markdown; asserts nothing.

    python benchmarks/compare.py --seeds 20
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

import yaml
from dse_harness.protocol import Request

import dse
from dse.backends import FakeDevice

SPACE = {
    "schema": 1,
    "name": "compared",
    "data_set": {"embedded": "fashion_mnist"},
    "models": {"mobilenet_v3": {"zoo": "mobilenet_v3"}},
    "parameters": {
        "family": ["small"],
        "form": ["minimalistic"],
        "width": [0.35],
        "precision": ["float32", "int8"],
        "side": [48, 64, 96, 128],
        "delegate": ["xnnpack", "builtin"],
        "threads": [1],
        "buffer_size": [64],
    },
    "objectives": ["accuracy", "latency_p90_ns"],
    "sampler": "grid",
    "fidelity": {"explore": {"accuracy_images": 200}},
}


def size(request: Request) -> float:
    return 1 + int(request.model_sha256[:2], 16) / 64


def search(folder: Path, seed: int, slower: float, noise: float) -> dse.Study:
    """A search of the made-up device, whose builtin kernels take ``slower`` times as long."""

    def latency_ns(request: Request) -> float:
        return 1e6 * size(request) * (slower if request.runtime.delegate == "builtin" else 1.0)

    device = FakeDevice(latency_ns, lambda request: 0.6 + size(request) / 16, noise=noise, seed=seed, images=200)
    path = folder / "space.yaml"
    path.write_text(yaml.safe_dump(SPACE, sort_keys=False), encoding="utf-8")
    return dse.explore(dse.load_space(path), folder / f"{seed}", dse.Budget(device_s=60), seed=seed, backend=device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--slower", type=float, default=1.05)
    parser.add_argument("--noise", type=float, default=0.002, help="standard deviation of a run's latency")
    options = parser.parse_args()
    right: Counter[str] = Counter()
    verdicts: Counter[tuple[str, str]] = Counter()
    for seed in range(options.seeds):
        with tempfile.TemporaryDirectory() as folder:
            before = search(Path(folder), 2 * seed, 1.0, options.noise)
            after = search(Path(folder), 2 * seed + 1, options.slower, options.noise)
            itself, other = dse.compare(before, before), dse.compare(before, after)
        right["itself"] += {d.verdict for c in itself.found.compared for d in c.differences.values()} == {"same"}
        found = Counter(
            (
                "builtin" if c.configuration["delegate"] == "builtin" else "xnnpack",
                c.differences["latency_p90_ns"].verdict,
            )
            for c in other.found.compared
        )
        verdicts += found
        right["other"] += {verdict for kernels, verdict in found if kernels == "builtin"} == {"worse"} and not any(
            kernels == "xnnpack" and verdict in ("worse", "better") for kernels, verdict in found
        )
        print(f"seed {seed}: {dict(found)}", file=sys.stderr, flush=True)
    print(f"With itself, all the same: {right['itself']} of {options.seeds}.")
    print(f"Builtin kernels slower, and no others: {right['other']} of {options.seeds}.\n")
    print("| kernels | verdict | configurations |\n| --- | --- | --- |")
    for (kernels, verdict), count in sorted(verdicts.items()):
        print(f"| {kernels} | {verdict} | {count} |")


if __name__ == "__main__":
    main()
