"""How many imported figures equal the ones that MLCommons publishes for a round in its summary_results.json.

Prints counts by scenario and unit, and every figure that differs; asserts nothing.

    python benchmarks/published.py inference_results_v5.1 --round v5.1
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Mapping
from math import isclose
from pathlib import Path
from typing import Any

from dse.results.database import open_database
from dse.results.front import select
from dse.results.importing.importer import import_results

PRINTED = 1e-3
"""Summaries print four digits and more, logs six: beyond this ratio two figures are not the same one."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=Path)
    parser.add_argument("--round", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dse-benchmark-") as folder:
        database = Path(folder) / "results.duckdb"
        report = import_results([options.tree], database, round_name=options.round)
        with open_database(database, read_only=True) as opened:
            rows = {row["directory"].lower(): row for row in select(opened)}
    print(f"{report.total} results imported, {len(report.problems)} problems")
    published = json.loads((options.tree / "summary_results.json").read_text())
    compare(published, rows)


def compare(published: list[dict[str, Any]], rows: Mapping[str, Mapping[str, Any]]) -> None:
    performance, accuracy, missing = Counter[tuple[str, str]](), Counter[tuple[str, str]](), 0
    for one in published:
        row = rows.get(one["Location"].lower())
        if row is None:
            missing += 1
            print(f"not imported: {one['Location']}")
            continue
        scale = 1e-6 if one["Performance_Units"] == "Latency (ms)" else 1.0
        count(performance, one, row["performance"], scale, one["Performance_Result"], one["Performance_Units"])
        name, figure = one["Accuracy"].split()[:2]
        percent = 1.0 if float(figure) <= 1 else 100.0
        count(accuracy, one, row["accuracy"], percent, float(figure), name.rstrip(":"))
    for what, counts in (("performance", performance), ("accuracy", accuracy)):
        for (kind, verdict), number in sorted(counts.items()):
            print(f"{what:12} {kind:28} {verdict:10} {number:6}")
    print(f"{len(published)} published, {missing} not imported")


def count(
    counts: Counter[tuple[str, str]], one: Mapping[str, Any], found: float | None, scale: float, said: float, kind: str
) -> None:
    same = found is not None and isclose(found * scale, said, rel_tol=PRINTED)
    counts[kind, "the same" if same else "different"] += 1
    if not same:
        print(f"{one['Location']}: published {said} {kind}, imported {found}")


if __name__ == "__main__":
    main()
