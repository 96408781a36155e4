"""How often 95 % intervals of latencies hold, and how wide they are: one noise for all, and one for each group.

Made-up studies of three groups of configurations (one, two and four threads) whose runs differ by 1.5, 5 and 40 %. A
few configurations of each group are repeated, the others run once. Prints Markdown; asserts nothing.

    python benchmarks/noise.py --studies 300
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from statistics import mean

import numpy as np
from dse_harness.protocol import Performance, Response

from dse.core.configuration import Configuration
from dse.core.estimate import estimate, interval
from dse.core.measurement import Measurement
from dse.core.noise import Group, repeat_noise, settings_of, spread_of

NOISES = {1: 0.015, 2: 0.05, 4: 0.4}
METRIC = "latency_p90_ns"
TRUTH_NS = 1e6
CONFIGURATIONS = 12
REPEATED = ((1, 2), (2, 2), (2, 3), (4, 3), (8, 3))
"""How many configurations of each group are repeated, and how often each runs."""
BY: dict[str, Callable[[Configuration], Group]] = {"one for all": lambda _: None, "by group": settings_of}
Runs = list[tuple[Configuration, list[Measurement]]]


def study(repeated: int, runs: int, seed: int, noises: dict[int, float]) -> Runs:
    """All configurations of a study with their runs."""
    rng = np.random.default_rng(seed)
    found: Runs = []
    for threads, noise in noises.items():
        for number in range(CONFIGURATIONS):
            configuration = Configuration({"threads": threads, "n": number})
            latencies = TRUTH_NS * np.exp(noise * rng.standard_normal(runs if number < repeated else 1))
            responses = (Response(performance=Performance.constant(round(float(ns)))) for ns in latencies)
            found.append((configuration, [Measurement(t, configuration, "", r) for t, r in enumerate(responses)]))
    return found


def intervals(measured: Runs, group_of: Callable[[Configuration], Group]) -> dict[int, list[tuple[bool, float]]]:
    """By threads: whether each configuration's interval has the truth, and its ratio up (0.03: 3 % up or down)."""
    noise = repeat_noise([(configuration, spread_of(runs)) for configuration, runs in measured], group_of)
    found: dict[int, list[tuple[bool, float]]] = {}
    for configuration, runs in measured:
        known = estimate(configuration, runs, noise.of(configuration), None)
        low, high = interval(known, METRIC, None)
        ratio = math.sqrt(high / low) - 1
        found.setdefault(int(configuration["threads"]), []).append((low <= TRUTH_NS <= high, ratio))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--studies", type=int, default=300)
    seeds = range(parser.parse_args().studies)
    print(
        f"{len(seeds)} studies each; {CONFIGURATIONS} configurations in a group. Share of 95 % intervals that hold, and"
    )
    print("the mean of their widths (up or down):\n")
    for noises in (NOISES, dict.fromkeys(NOISES, 0.02)):
        names = " | ".join(f"{noise:.1%} noise" for noise in noises.values())
        print(f"| noise | repeated in a group | {names} |\n| --- | --- |{' --- |' * len(noises)}")
        for repeated, runs in REPEATED:
            studies = [study(repeated, runs, seed, noises) for seed in seeds]
            for words, group_of in BY.items():
                found = [intervals(measured, group_of) for measured in studies]
                cells = []
                for threads in noises:
                    held = [one for by_group in found for one in by_group[threads]]
                    cells.append(f"{mean(hit for hit, _ in held):.1%}, ±{mean(ratio for _, ratio in held):.1%}")
                print(f"| {words} | {repeated} of {runs} runs | {' | '.join(cells)} |")
        print()


if __name__ == "__main__":
    main()
