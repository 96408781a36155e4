"""How often a calibration is wrong: simulated boards that are the same, or differ by a known amount.

Four configurations run on all boards, round by round, until it is known whether the boards are the same. Noise is
normal by ratio; in the harder cases every twentieth run takes half as long again, each board drifts slowly on its own,
configurations differ each by another ratio, or half of the runs do not count. Passed are boards that may share a study:
of those that differ by the indifference or more at most 5 % should be. Prints Markdown; asserts nothing.

    python benchmarks/calibration.py --calibrations 1000
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from dataclasses import dataclass
from statistics import median

import numpy as np

from dse.core.calibration import LOOKS, BoardRun, Sameness, compare_boards
from dse.core.configuration import Configuration

METRIC, INDIFFERENCE = "latency_p90_ns", 0.03
CONFIGURATIONS = tuple(Configuration({"threads": threads}) for threads in (1, 2, 3, 4))
RATIOS = (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1)
DRIFT_KEPT = 0.9
"""Of a board's drift from one round to the next."""


@dataclass(frozen=True)
class Case:
    """Boards of which the last one is slower; ``scatter`` is by how much its configurations differ among themselves,
    ``lost`` the share of runs that do not count."""

    title: str
    noise: float = 0.01
    boards: int = 2
    outliers: float = 0.0
    drift: float = 0.0
    scatter: float = 0.0
    lost: float = 0.0


CASES = (
    Case("noise of 1 %"),
    Case("noise of 2 %", noise=0.02),
    Case("noise of 3 %", noise=0.03),
    Case("noise of 1 %, 1 run in 20 takes half as long again", outliers=0.05),
    Case("noise of 1 %, each board drifts by 0.5 %", drift=0.005),
    Case("noise of 1 %, four boards", boards=4),
    Case("noise of 1 %, ratios differ by 3 % between configurations", scatter=0.03),
    Case("noise of 1 %, half of the runs do not count", lost=0.5),
    Case("noise of 1 %, half do not count, each board drifts by 0.5 %", lost=0.5, drift=0.005),
)


def calibration(case: Case, ratio: float, rng: np.random.Generator) -> tuple[Sameness, int]:
    """What a calibration finds, and after how many rounds."""
    boards = [f"board{number}" for number in range(case.boards)]
    own = dict(zip(CONFIGURATIONS, case.scatter * rng.standard_normal(len(CONFIGURATIONS)), strict=True))
    drift = case.drift * rng.standard_normal(case.boards)
    runs: list[BoardRun] = []
    verdict: Sameness = "undecided"
    for number in range(1, LOOKS[-1] + 1):
        step = case.drift * math.sqrt(1 - DRIFT_KEPT**2) * rng.standard_normal(case.boards)
        drift = DRIFT_KEPT * drift + step
        for configuration in CONFIGURATIONS:
            for place, board in enumerate(boards):
                slower = math.log1p(ratio) + own[configuration] if place == len(boards) - 1 else 0.0
                outlier = math.log(1.5) if rng.random() < case.outliers else 0.0
                scaled = slower + drift[place] + outlier + case.noise * rng.standard_normal()
                if rng.random() >= case.lost:
                    runs.append(BoardRun(board, number, configuration, {METRIC: float(scaled)}))
        if number in LOOKS:
            verdict = compare_boards(runs, boards, {METRIC: math.log1p(INDIFFERENCE)}).verdict
            if verdict != "undecided":
                return verdict, number
    return verdict, LOOKS[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calibrations", type=int, default=1000, help="of each case and ratio")
    asked = parser.parse_args()
    print(f"{asked.calibrations} calibrations of each; {100 * INDIFFERENCE:.0f} % does not matter.\n")
    print("| boards | slower by | passed | known ratio | refused | undecided | rounds (median) |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for number, case in enumerate(CASES):
        for ratio in RATIOS:
            rng = np.random.default_rng((number, round(1000 * ratio)))
            found = [calibration(case, ratio, rng) for _ in range(asked.calibrations)]
            counts = Counter(verdict for verdict, _ in found)
            shares = [100 * counts[v] / len(found) for v in ("same", "ratio", "different", "undecided")]
            cells = " | ".join(f"{share:.1f} %" for share in shares)
            rounds = median(rounds for _, rounds in found)
            print(f"| {case.title} | {100 * ratio:.1f} % | {cells} | {rounds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
