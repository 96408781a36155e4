"""How often the check of the reference configuration takes noise for drift, and how often it misses a drift.

Made-up devices: each run differs by log-normal noise, and from the ninth run of the reference configuration on some
take longer. Prints Markdown; asserts nothing.

    python benchmarks/drift.py --studies 300
"""

from __future__ import annotations

import argparse
import math
import random

from dse_harness.protocol import Performance, Response

from dse.core.configuration import Configuration
from dse.core.exclusions import find_exclusions
from dse.core.measurement import Measurement

BEFORE, AFTER = 8, 4
NOISES = (0.01, 0.02, 0.05, 0.1)
SLOWER = (0.0, 0.05, 0.1, 0.2, 0.5)
CONFIGURATION = Configuration({"reference": True})


def excluded(noise: float, slower: float, seed: int) -> tuple[int, bool]:
    """How many good runs were excluded, and whether the drift that began after them was found."""
    chance = random.Random(seed)
    runs = []
    for trial in range(BEFORE + AFTER):
        factor = math.exp(noise * chance.gauss(0, 1)) * (1 + slower * (trial >= BEFORE))
        response = Response(performance=Performance.constant(round(1e6 * factor)), cores_used=1.0)
        runs.append(Measurement(trial, CONFIGURATION, "reference", response, phase="reference"))
    good = find_exclusions(runs[:BEFORE]).reasons
    return len(good), any(trial >= BEFORE for trial in find_exclusions(runs).reasons)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--studies", type=int, default=300)
    studies = range(parser.parse_args().studies)
    print(
        f"{len(studies)} studies each; {BEFORE} runs of the reference configuration, then {AFTER} that may be slower\n"
    )
    names = [f"found, {slower:.0%} slower" if slower else "found, no slower" for slower in SLOWER]
    print(f"| noise | good runs excluded | {' | '.join(names)} |\n| --- |{' --- |' * (1 + len(names))}")
    for noise in NOISES:
        found = {slower: [excluded(noise, slower, seed) for seed in studies] for slower in SLOWER}
        lost = sum(count for count, _ in found[0.0]) / (BEFORE * len(studies))
        shares = [sum(seen for _, seen in found[slower]) / len(studies) for slower in SLOWER]
        print(f"| {noise:.0%} | {lost:.2%} | {' | '.join(f'{share:.0%}' for share in shares)} |")


if __name__ == "__main__":
    main()
