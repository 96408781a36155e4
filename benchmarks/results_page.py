"""How long the page of a results database takes to be written, how large it is, and how soon it reacts in a browser.

The results are made up: so many rows of many submitters, devices and models in all rounds. Prints processor time of
writing, megabytes, and, where Chromium is installed, seconds of the browser's own clock and of the tab's processor:
until all is drawn; then until a choice, another axis and another order are.

    python benchmarks/results_page.py --rows 24000
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from dse.reports.published import results_report
from dse.results.database import COLUMNS, open_database
from dse.results.front import select

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.in_browser import look

_ROUNDS = ["v0.5", "v0.7", "v1.0", "v1.1", "v2.0", "v2.1", "v3.0", "v3.1", "v4.0", "v4.1", "v5.0", "v5.1", "v6.0"]
_TASKS = {"image-classification": "top1", "object-detection": "mAP", "question-answering": "F1"}
_SCENARIOS = ["SingleStream", "SingleStream", "Offline", "Server", "MultiStream"]


def _choice(element: str, value: str, event: str = "change") -> str:
    return (
        f"() => {{ const e = document.getElementById('{element}'); e.value = '{value}'; "
        f"e.dispatchEvent(new Event('{event}')); }}"
    )


_ACTS = {
    "all scenarios": _choice("choose-scenario", ""),
    "all tasks": _choice("choose-task", ""),
    "one front for all groups": _choice("by", ""),
    "a round": _choice("choose-round", "v5.1"),
    "a part of the path": _choice("path", "board12", "input"),
    "no filter but the round": _choice("path", "", "input"),
    "all rounds again": _choice("choose-round", ""),
    "another axis": _choice("axis-x", "latency_p50"),
    "another order": "() => document.querySelector(\"#table th[data-column='directory'] button\").click()",
}


def make_rows(count: int, *, seed: int = 0, submitters: int = 40, devices: int = 400) -> list[dict[str, Any]]:
    """So many results, as `dse.results.front.select` gives them; some have equal figures, some lack one or are invalid.

    Accuracies of some image classifiers are on 10,000 images, and some of them have another measure.
    """
    chance = random.Random(seed)
    return [_made_row(number, chance, submitters, devices) for number in range(1, count + 1)]


def _made_row(number: int, chance: random.Random, submitters: int, devices: int) -> dict[str, Any]:
    task = chance.choice([*_TASKS, "image-classification"])
    place = int(devices * chance.random() ** 3)  # a few have most of the results, as in the published rounds
    device, submitter = f"board{place}", f"submitter{place % submitters}"
    scenario, model = chance.choice(_SCENARIOS), f"network-{chance.randrange(120)}-quantized"
    system, total = f"{device}-litert-2.1.0-xnnpack", chance.choice([50_000, 50_000, 10_000])
    slow = chance.random()
    good = round(total * (0.4 + 0.4 * slow**0.3 + 0.1 * round(chance.random(), 1)))
    latency_ns = round(10 ** (5 + 3 * slow + chance.random()), -4)
    judged = chance.random() > 0.03
    row = dict.fromkeys(COLUMNS) | {
        "id": number,
        "round": _ROUNDS[(place + chance.randrange(2)) % len(_ROUNDS)],
        "division": "open",
        "submitter": submitter,
        "system": system,
        "model": model,
        "scenario": scenario,
        "directory": f"open/{submitter}/results/{system}/{model}/{scenario.lower()}/{number}",
        "name": f"{task}-edge-{scenario.lower()}",
        "task": task,
        "category": chance.choice(["edge", "datacenter"]),
        "device": device,
        "accuracy": good / total if judged else None,
        "accuracy_metric": (_TASKS[task] if chance.random() > 0.05 else "other") if judged else None,
        "good": good if judged and task == "image-classification" else None,
        "total": total if judged and task == "image-classification" else None,
        "validity": "VALID" if chance.random() > 0.02 else "INVALID",
        "performance_unit": "ns" if scenario in ("SingleStream", "MultiStream") else "samples/s",
        "performance": float(latency_ns),
        "throughput": None if scenario in ("SingleStream", "MultiStream") else round(1e10 / latency_ns, 2),
    }
    names = ("p50", "p90", "p95", "p97", "p99", "mean")
    return row | {f"latency_{name}_ns": int(latency_ns * (1 + 0.1 * place)) for place, name in enumerate(names)}


def fill_database(path: Path, rows: list[dict[str, Any]]) -> None:
    """A results database of ``rows``."""
    needed = {"run": "run_1", "runs": 1, "path": "", "signature": "", "content": "", "sha256": "", "missing": ""}
    needed |= {"category_declared": True, "warnings": 0, "errors": 0}
    with open_database(path) as database, database.transaction():
        lines = [{k: v for k, v in row.items() if k != "id" and v is not None} for row in rows]
        database.add_rows([json.dumps(needed | line).encode() for line in lines])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=24_000)
    parser.add_argument("--times", type=int, default=3, help="open it so often, and tell the least")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, page = Path(folder) / "results.duckdb", Path(folder) / "results.html"
        fill_database(path, make_rows(options.rows))
        began = time.process_time()
        with open_database(path, read_only=True) as database:
            rows = select(database)
        read_s = time.process_time() - began
        results_report(rows, page)
        print(
            f"{len(rows)} results, {page.stat().st_size / 1e6:.2f} MB; processor time: read in {read_s:.2f} s, ", end=""
        )
        print(f"written in {time.process_time() - began - read_s:.2f} s")
        look(page, _ACTS, times=options.times)


if __name__ == "__main__":
    main()
