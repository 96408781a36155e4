"""Good things that inputs are made from: each a folder in which commands run, made once and copied for every input."""

from __future__ import annotations

import csv
import dataclasses
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import yaml
from dse_harness.protocol import write

from dse.core.configuration import Configuration
from dse.study.record import TrialRecord
from tests.fuzz.documents import SETTINGS
from tests.fuzz.running import Runner
from tests.harness.tiny_models import write_tiny_model
from tests.recording import make_space, run_study
from tests.results.conftest import _write_result as write_result

STUDY = "small_study"
RECORDED_STUDY = "recorded"
CLASSES = 10
SYSTEM = "board-tflite-v2.4.1-ruy"
MODELS = ("mobilenet-v1-0.25-128", "mobilenet-v1-0.5-128", "mobilenet-v1-0.75-128", "mobilenet-v1-1.0-128")
TABLE = ("width", "resolution", "precision", "accuracy_pct", "acc_good", "acc_total", "p90_latency_ns")


_OBJECTIVES = "objectives: [accuracy, latency_p90_ns]\n"


def table_rows() -> list[list[object]]:
    """A replay table of eight rows."""
    rows: list[list[object]] = []
    for width in (0.25, 0.5):
        for resolution in (96, 128):
            for precision in ("float", "uint8"):
                good = 400 + int(200 * width) + resolution // 4 + (9 if precision == "float" else 0)
                latency_ns = int(width * resolution * 1e5) * (2 if precision == "float" else 1)
                rows.append([width, resolution, precision, good / 10, good, 1000, latency_ns])
    return rows


def write_table(path: Path, rows: list[list[object]], header: tuple[str, ...] = TABLE) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def _table(folder: Path) -> None:
    write_table(folder / "table.csv", table_rows())
    (folder / "recorded.yaml").write_text("schema: 1\nname: recorded\nreplay: table.csv\n" + _OBJECTIVES)


SPACE = {
    "schema": 1,
    "name": "own",
    "description": "A model, a few images.",
    "data_set": {
        "file": "images.npz",
        "name": "few",
        "classes": CLASSES,
        "preprocessing": {"crop_percent": 100.0, "interpolation": "area", "mean": 127.5, "scale": 127.5},
    },
    "models": {"tiny": {"path": "models/tiny.tflite"}, "all": {"glob": "more/*.tflite"}},
    "runtimes": {"litert": {"engine": "litert"}},
    "parameters": {"threads": [1, 2], "delegate": {"xnnpack": None, "builtin": {"buffer_size": [16]}}},
    "objectives": ["accuracy", {"latency_p90_ns": "minimize"}, "peak_memory_bytes"],
    "constraints": ["accuracy >= 0.0"],
    "fidelity": {
        "explore": {"min_duration": "50ms", "min_query_count": 64, "accuracy_images": 16, "trial_timeout": "20s"}
    },
    "budget": {"time": "5s", "trials": 2},
    "sampler": "random",
    "seed": 1,
}


DEVICES: dict[str, Any] = {
    "schema": 1,
    "systems": {
        "rpi4": {
            "devices": {
                "pi1": {"transport": "ssh", "host": "pi1.local", "port": 22, "config": "none", "root": "~/.dse"},
                "pi2": {"transport": "dask", "python": "/usr/bin/python3"},
            }
        },
        "here": {"devices": {"this": {"transport": "local", "root": "root", "python": "python3"}}},
    },
}


def write_images(folder: Path, count: int = 24) -> None:
    """``images.npz``, and the same images as files with their label list."""
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (count, 12, 12, 3), np.uint8), rng.integers(0, CLASSES, count)
    np.savez(folder / "images.npz", images=images, labels=labels)
    (folder / "images").mkdir()
    lines = []
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        name = f"{number:02}.png"
        cv2.imwrite(str(folder / "images" / name), image)
        lines.append(f"{name} {label}\n")
    (folder / "labels.txt").write_text("".join(lines))


def _space(folder: Path) -> None:
    (folder / "models").mkdir()
    (folder / "more").mkdir()
    write_tiny_model(folder / "models/tiny.tflite")
    write_tiny_model(folder / "more/other.tflite", seed=1)
    write_images(folder)
    (folder / "space.yaml").write_text(yaml.safe_dump(SPACE, sort_keys=False))
    listed = {**SPACE, "name": "listed", "data_set": {"images": "images", "labels": "labels.txt", "classes": CLASSES}}
    (folder / "listed.yaml").write_text(yaml.safe_dump(listed, sort_keys=False))


def _devices(folder: Path) -> None:
    (folder / "devices.yaml").write_text(yaml.safe_dump(DEVICES, sort_keys=False))


def _study(folder: Path) -> None:
    """A study that a formula measured, with its space, and one of recorded figures."""
    os.environ["DSE_CACHE"] = str(folder / "cache")
    run_study(folder / "studies" / STUDY, make_space(folder))
    (folder / "system.yaml").write_text(yaml.safe_dump(system_document()))


def _results(folder: Path) -> None:
    _table(folder)
    for number, model in enumerate(MODELS):
        write_result(folder / "tree/v6.1", system=SYSTEM, model=model, good=400 + 50 * number, p90=10**6 * (number + 1))


def submission_parts() -> ModuleType:
    """The helpers of the tests of submissions, which are no package."""
    path = Path(__file__).parents[1] / "submission/conftest.py"
    spec = importlib.util.spec_from_file_location("submission_parts", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _submission(folder: Path) -> None:
    from dse.submission.rounds import ROUNDS
    from dse.submission.tree import Submission, write_tree

    parts = submission_parts()
    point = parts.write_good_point(folder)
    description = parts.system_description()
    submission = Submission("Example", "board", description, ROUNDS.get("v6.1"), [point], ("SingleStream",))
    write_tree(submission, folder / "submission", allow=["data-set-size"])


def _url(folder: Path) -> None:
    write_images(folder)


def system_document() -> dict[str, object]:
    """A complete system.yaml."""
    fields = submission_parts().system_description()
    return {"schema": 1, "id": "board"} | {n: v for n, v in fields.items() if n not in ("division", "submitter")}


def _validated(folder: Path) -> None:
    """A study of one trial that ran officially, and what a submission of it needs."""
    parts = submission_parts()
    study = folder / "studies/own"
    point = parts.write_good_point(folder)
    study.parent.mkdir()
    (folder / "study").rename(study)
    trial = study / "trials/7"
    TrialRecord(7, Configuration({"threads": 1}), "7", "accuracy", 7).write(trial)
    write(dataclasses.replace(point.performance.request, performance=None), trial / "request.json")
    response = dataclasses.replace(point.performance.response, accuracy=point.accuracy.response.accuracy)
    write(response, trial / "response.json")
    space = {**SETTINGS["space"], "name": "own", "objectives": {"accuracy": "maximize", "latency_p90_ns": "minimize"}}
    space |= {"data_set": {**space["data_set"], "size": 1200}, "constraints": []}
    space["models"] = {"tiny": {"path": "models/tiny.tflite"}}
    space["fidelity"] = {"explore": {"accuracy_images": None}}
    space["parameters"] = {"threads": [1, 2]}
    (study / "study.yaml").write_text(yaml.safe_dump({**SETTINGS, "space": space, "placed": {}}))
    (folder / "system.yaml").write_text(yaml.safe_dump(system_document()))


_BASES: dict[str, Callable[[Path], None]] = {
    "table": _table,
    "space": _space,
    "study": _study,
    "results": _results,
    "submission": _submission,
    "validated": _validated,
    "url": _url,
    "devices": _devices,
}
_GROWN: dict[str, tuple[str, tuple[str, ...]]] = {
    "recorded-study": ("table", ("explore", "--space", "recorded.yaml", "--trials", "4")),
    "database": ("results", ("results", "import", "tree", "--db", "results.duckdb")),
}
"""Those that a command of dse makes of another one."""


def make_base(name: str, root: Path, runner: Runner) -> Path:
    """Make a good thing in ``root / "work"``, and return that folder."""
    (root / "work").mkdir(parents=True)
    for beside in ("home", "temporary"):
        (root / beside).mkdir()
    base, words = _GROWN.get(name, (name, ()))
    _BASES[base](root / "work")
    if words:
        ended = runner.run(words, root, limit_s=60.0)
        assert ended.returncode == 0, ended.err
    return root / "work"
