"""How long a space of a table takes to load, and a space of thousands of configurations to be placed.

Prints CPU seconds, the best of three; a start places a space three times, of which only the first has to work.

    python benchmarks/loading.py --rows 3000
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from dse.spaces.load import find_space, load_space
from dse.spaces.placement import Placement


def write_table(path: Path, rows: int) -> None:
    """A table of ``rows`` networks whose sides and widths do not combine freely."""
    chance = random.Random(0)
    lines = ["variant,width,resolution,precision,accuracy_pct,acc_good,acc_total,p90_latency_ns"]
    for number in range(rows):
        side, precision = 96 + 32 * (number % 5), ("float", "uint8")[number % 2]
        good = chance.randrange(20_000, 40_000)
        figures = f"{good / 500:.3f},{good},50000,{chance.randrange(10**6, 10**9)}"
        lines.append(f"net-{number // 10},{1 + number % 7},{side},{precision},{figures}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def best_s(function: Callable[[], object]) -> float:
    """The shortest of three calls, in seconds."""
    found = []
    for _ in range(3):
        began = time.process_time()
        function()
        found.append(time.process_time() - began)
    return min(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--space", default="mobilenet_v3.yaml")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_table(Path(folder) / "table.csv", options.rows)
        path = Path(folder) / "table.yaml"
        path.write_text(
            "schema: 1\nname: table\nreplay: table.csv\nobjectives: [accuracy, latency_p90_ns]\n", encoding="utf-8"
        )
        space = load_space(path)
        print(f"a table of {space.tree.size} rows loads in {best_s(lambda: load_space(path)):.2f} s")
    space = load_space(find_space(options.space))
    first_s, again_s = best_s(lambda: Placement(replace(space), [])), best_s(lambda: Placement(space, []))
    print(
        f"{space.tree.size} configurations of {space.name} are placed in {first_s:.2f} s, and again in {again_s:.3f} s"
    )


if __name__ == "__main__":
    main()
