"""One search over the engines side by side, and which share of its front each of them has.

    python benchmarks/engine_shares.py [--minutes 3] [--tflite-python PYTHON] [--study FOLDER]

Searches the shipped engines.yaml, with LiteRT, OpenVINO and ONNX Runtime; with the interpreter PYTHON, which has
tflite-runtime 2.14.0 (Python 3.11, NumPy 1, OpenCV, mlcommons-loadgen), as a fourth. Prints Markdown, asserts nothing.
Latencies are worth what the machine is: beside other programs runs are excluded, and it says so.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

import dse
from dse.reports.front import front_report
from dse.shipped import shipped
from dse.trust import trust

_TFLITE = {
    "precision": ["float32", "float16", "int8", "int8_dynamic", "int8_weight_only"],
    "delegate": ["xnnpack", "builtin"],
}


def space_of(python: Path | None) -> dict[str, Any]:
    """The shipped space, with a fourth engine where ``python`` has it."""
    space: dict[str, Any] = yaml.safe_load(shipped("engines.yaml").read_text(encoding="utf-8"))
    if python is not None:
        space["runtimes"]["tflite"] = {"engine": "tflite-runtime", "python": str(python.absolute())}
        space["parameters"]["runtime"]["tflite"] = _TFLITE
    return space


def show(study: dse.Study) -> None:
    report = front_report(study)
    verdicts: Counter[tuple[object, str]] = Counter(
        (row.configuration["runtime"], row.verdict) for row in study.configurations()
    )
    others = ("infeasible", "failed", "excluded")
    print(f"{report.title}\n\n| engine | on the front | measured | {' | '.join(others)} |\n| --- |{' --- |' * 5}")
    for name, (shown, measured) in report.runtimes.items():
        print(f"| {name} | {shown} | {measured} | {' | '.join(str(verdicts[name, each]) for each in others)} |")
    print("\n| accuracy | p90 us | model memory MB | configuration |\n| --- | --- | --- | --- |")
    for point in sorted(report.points, key=lambda point: point.values["latency_p90_ns"]):
        values, configuration = point.values, dict(point.configuration)
        words = " ".join(str(value) for name, value in configuration.items() if name not in ("threads", "buffer_size"))
        memory = values["model_memory_bytes"] / 1e6
        print(f"| {values['accuracy']:.4f} | {values['latency_p90_ns'] / 1e3:.1f} | {memory:.2f} | {words} |")
    for note in report.notes:
        print(f"\n{note}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--tflite-python", type=Path)
    parser.add_argument("--study", type=Path, help="A study that is there goes on, and is kept.")
    arguments = parser.parse_args()
    space = space_of(arguments.tflite_python)
    if arguments.tflite_python:
        trust([str(arguments.tflite_python.absolute())])
    with tempfile.TemporaryDirectory() as folder:
        study = arguments.study or Path(folder, "engines")
        show(dse.explore(space, study, dse.Budget(device_s=60 * arguments.minutes)))


if __name__ == "__main__":
    main()
