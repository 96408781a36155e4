"""Ways to make a validation or a tree say what LoadGen did not measure, each with the check that refuses it.

Whoever tampers writes every hash again that can be written: in validation.json, and in submission.json beside a tree
whose study is gone. What only a hash tells is marked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dse.files import sha256_file, write_json
from dse.submission.manifest import hashes_of

RESULT = Path("tree/open/Example/results/board/tiny-int8-t1/SingleStream")
SOURCE = Path("tree/open/Example/src/tiny-int8-t1")
COMPLETE = Path("complete_accuracy_logs", *RESULT.parts[1:], "accuracy/mlperf_log_accuracy.json")
ACCURACY_TEXT = RESULT / "accuracy/accuracy.txt"
DETAIL, SUMMARY = "mlperf_log_detail.txt", "mlperf_log_summary.txt"

Change = Callable[[Path], None]


@dataclass(frozen=True)
class Tampering:
    """A change to a point's or a submission's folder; ``rule`` is the check that finds it though hashes fit again."""

    place: str
    what: str
    rule: str
    apply: Change

    def __str__(self) -> str:
        return f"{self.place}: {self.what} -> {self.rule}".replace(" ", "_")


def point_hashed_again(folder: Path) -> None:
    """Write every hash in a point's validation.json anew."""
    record = folder / "validation.json"
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path != record]
    document = json.loads(record.read_text())
    write_json(record, {**document, "sha256": {p.relative_to(folder).as_posix(): sha256_file(p) for p in files}})


def submission_hashed_again(folder: Path) -> None:
    """Write every hash in a submission.json anew."""
    record = folder / "submission.json"
    if record.exists():
        write_json(record, {**json.loads(record.read_text()), "files": hashes_of(folder / "tree")})


def both(*changes: Change) -> Change:
    def apply(folder: Path) -> None:
        for change in changes:
            change(folder)

    return apply


def text(name: str | Path, before: str, after: str) -> Change:
    def apply(folder: Path) -> None:
        path = folder / name
        contents = path.read_text()
        assert before in contents, (path, before)
        path.write_text(contents.replace(before, after))

    return apply


def field(name: str | Path, place: str, value: Any) -> Change:
    """Another value at a place such as ``accuracy.good`` of a JSON file."""

    def apply(folder: Path) -> None:
        path = folder / name
        document = json.loads(path.read_text())
        *parents, last = place.split(".")
        inner = document
        for parent in parents:
            inner = inner[parent]
        assert last in inner, place
        assert inner[last] != value
        inner[last] = value
        path.write_text(json.dumps(document, indent=2))

    return apply


def logged(name: str | Path, **values: Any) -> Change:
    """Another value in a detail log; keys are written with __ for what no identifier has."""

    def apply(folder: Path) -> None:
        path = folder / name
        contents = path.read_text()
        for key, value in values.items():
            real = key.replace("p90", "result_90.00_percentile_latency_ns")
            pattern = re.compile(rf'("key": "{re.escape(real)}", "value": )(.*?)(, "time_ms")')
            assert pattern.search(contents), real
            contents = pattern.sub(lambda m, value=value: f"{m[1]}{json.dumps(value)}{m[3]}", contents)
        path.write_text(contents)

    return apply


def line_added(name: str | Path, key: str, value: Any) -> Change:
    """A second line for a key of a detail log: some readers take the first, others the last."""

    def apply(folder: Path) -> None:
        entry = {"key": key, "value": value, "time_ms": 1.0, "metadata": {"is_error": False, "is_warning": False}}
        with (folder / name).open("a") as file:
            file.write(f":::MLLOG {json.dumps(entry)}\n")

    return apply


def _append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def removed(name: str | Path) -> Change:
    return lambda folder: (folder / name).unlink()


def scaled(detail: str | Path, summary: str | Path, latency: float, rate: float) -> Change:
    """Every latency in both logs times ``latency``, every rate times ``rate``."""

    def number(value: float, factor: float) -> str:
        return str(round(value * factor)) if factor == latency else f"{value * factor:.6g}"

    def apply(folder: Path) -> None:
        for path, pattern in (
            (folder / detail, r'("key": "(?:result_[^"]*latency_ns|early_stopping_latency_..)", "value": )(\d+)()'),
            (folder / detail, r"(percentile estimate: )(\d+)()"),
            (folder / summary, r"(latency \(ns\) *: )(\d+)()"),
            (folder / summary, r"(percentile estimate: )(\d+)()"),
        ):
            contents = path.read_text()
            assert re.search(pattern, contents)
            path.write_text(re.sub(pattern, lambda m: m[1] + number(int(m[2]), latency), contents))
        if rate != 1:
            for path, pattern in (
                (folder / detail, r'("key": "result_qps[^"]*", "value": )([\d.]+)()'),
                (folder / summary, r"(QPS w/o? loadgen overhead *: )([\d.]+)()"),
            ):
                contents = path.read_text()
                assert re.search(pattern, contents)
                path.write_text(re.sub(pattern, lambda m: f"{m[1]}{float(m[2]) * rate:.6g}", contents))

    return apply


def answers(name: str | Path, change: Callable[[list[dict[str, Any]]], Any]) -> Change:
    """Another accuracy log: ``change`` edits its entries in place."""

    def apply(folder: Path) -> None:
        path = folder / name
        entries = json.loads(path.read_text())
        change(entries)
        lines = ",\n".join(
            f'{{ "seq_id" : {e["seq_id"]}, "qsl_idx" : {e["qsl_idx"]}, "data" : "{e["data"]}" }}' for e in entries
        )
        path.write_text(f"[\n{lines}\n]\n")

    return apply


def first_answer_is_another(entries: list[dict[str, Any]]) -> None:
    entries[0]["data"] = "0000803F" if entries[0]["data"] != "0000803F" else "00000040"


PERFORMANCE, ACCURACY = "performance/response.json", "accuracy/response.json"
LOG, SUMMARY_LOG = f"performance/performance/{DETAIL}", f"performance/performance/{SUMMARY}"
ANSWERS = "accuracy/accuracy/mlperf_log_accuracy.json"
SLOWEST = 9_000_000


def _point(what: str, rule: str, apply: Change) -> Tampering:
    return Tampering("validation", what, rule, apply)


POINT_TAMPERINGS = [
    _point("good in the accuracy response", "accuracy-recount", field(ACCURACY, "accuracy.good", 1100)),
    _point("total in the accuracy response", "accuracy-recount", field(ACCURACY, "accuracy.total", 700)),
    _point("digest of the predictions", "accuracy-recount", field(ACCURACY, "accuracy.predictions_sha256", "c" * 64)),
    _point("an answer in the accuracy log", "accuracy-recount", answers(ANSWERS, first_answer_is_another)),
    _point("an answer less", "accuracy-recount", answers(ANSWERS, lambda entries: entries.pop())),
    _point("an answer twice", "accuracy-recount", answers(ANSWERS, lambda e: e.append({**e[0], "seq_id": 1200}))),
    _point(
        "images in the accuracy log",
        "accuracy-recount",
        logged(f"accuracy/accuracy/{DETAIL}", effective_accuracy_sample_count=50_000),
    ),
    _point("p90 in the response", "response", field(PERFORMANCE, "performance.latency_p90_ns", 10_200_000)),
    _point("mean in the response", "response", field(PERFORMANCE, "performance.latency_mean_ns", 10_200_000)),
    _point(
        "early-stopping estimate in the response",
        "response",
        field(PERFORMANCE, "performance.early_stopping_p90_ns", 10_280_000),
    ),
    _point("queries in the response", "response", field(PERFORMANCE, "performance.query_count", 60_000)),
    _point("duration in the response", "response", field(PERFORMANCE, "performance.duration_ns", 700_000_000_000)),
    _point(
        "LoadGen in the response", "response", field(PERFORMANCE, "evidence.loadgen_version", "6.0.16 @ d6147c7eb7")
    ),
    _point("runtime in the evidence", "response", field(PERFORMANCE, "evidence.delegate", "builtin")),
    _point(
        "p90 in response and detail log",
        "performance-figures",
        both(field(PERFORMANCE, "performance.latency_p90_ns", 10_200_000), logged(LOG, p90=10_200_000)),
    ),
    _point("p90 in the summary", "performance-figures", text(SUMMARY_LOG, "(ns) : 10279422", "(ns) : 10200000")),
    _point(
        "early-stopping estimate in the detail log",
        "performance-figures",
        both(
            field(PERFORMANCE, "performance.early_stopping_p90_ns", 50_000),
            logged(LOG, early_stopping_latency_ss=50_000),
        ),
    ),
    _point(
        "p90 below the median in response, detail log and summary",
        "performance-figures",
        both(
            field(PERFORMANCE, "performance.latency_p90_ns", SLOWEST),
            logged(LOG, p90=SLOWEST),
            text(SUMMARY_LOG, "10279422", str(SLOWEST)),
        ),
    ),
    _point("every latency halved", "performance-figures", scaled(LOG, SUMMARY_LOG, 0.5, 1)),
    _point("every latency halved, every rate doubled", "performance-figures", scaled(LOG, SUMMARY_LOG, 0.5, 2)),
    _point(
        "a second p90 in the detail log",
        "performance-figures",
        line_added(LOG, "result_90.00_percentile_latency_ns", 50_000),
    ),
    _point("queries in the detail log", "performance-figures", logged(LOG, result_query_count=90_000)),
    _point(
        "validity in the summary", "performance-figures", text(SUMMARY_LOG, "Result is : VALID", "Result is : INVALID")
    ),
    _point("expected latency in user.conf", "user-conf", text("user.conf", "target_latency = 8", "target_latency = 9")),
    _point(
        "a minimum duration in user.conf",
        "user-conf",
        lambda folder: _append(folder / "user.conf", "resnet50.SingleStream.min_duration = 1\n"),
    ),
    _point("threads in validation.json", "configuration", field("validation.json", "configuration.threads", 4)),
    _point("threads in a request", "configuration", field("performance/request.json", "runtime.threads", 4)),
    _point("buffer in the request", "response", field("performance/request.json", "performance.buffer_size", 64)),
]


def _tree(what: str, rule: str, apply: Change) -> Tampering:
    return Tampering("tree", what, rule, apply)


RUN = RESULT / "performance/run_1"
TREE_TAMPERINGS = [
    _tree(
        "accuracy and good in accuracy.txt",
        "accuracy-recount",
        text(ACCURACY_TEXT, "52.250%, good=627", "99.000%, good=1188"),
    ),
    _tree(
        "accuracy and total in accuracy.txt",
        "accuracy-recount",
        text(ACCURACY_TEXT, "52.250%, good=627, total=1200", "62.700%, good=627, total=1000"),
    ),
    _tree("hash in accuracy.txt", "accuracy-recount", text(ACCURACY_TEXT, "hash=", "hash=00")),
    _tree(
        "a second accuracy in accuracy.txt",
        "accuracy-recount",
        text(ACCURACY_TEXT, "accuracy=52", "accuracy=99.000%, good=1188, total=1200\naccuracy=52"),
    ),
    _tree("answers in the complete accuracy log", "accuracy-recount", answers(COMPLETE, first_answer_is_another)),
    _tree("an answer less in the complete log", "accuracy-recount", answers(COMPLETE, lambda entries: entries.pop())),
    _tree("the complete accuracy log removed", "accuracy-complete", removed(COMPLETE)),
    _tree(
        "the cut accuracy log",
        "accuracy-complete",
        text(RESULT / "accuracy/mlperf_log_accuracy.json", '"qsl_idx" : 296', '"qsl_idx" : 297'),
    ),
    _tree(
        "images in the accuracy log",
        "accuracy-recount",
        logged(RESULT / "accuracy" / DETAIL, effective_accuracy_sample_count=50_000),
    ),
    _tree("p90 in the detail log", "performance-figures", logged(RUN / DETAIL, p90=50_000)),
    _tree(
        "early-stopping estimate in the detail log",
        "performance-figures",
        logged(RUN / DETAIL, early_stopping_latency_ss=50_000),
    ),
    _tree(
        "p90 and estimate in the detail log",
        "performance-figures",
        logged(RUN / DETAIL, p90=50_000, early_stopping_latency_ss=50_000),
    ),
    _tree("p90 in the summary", "performance-figures", text(RUN / SUMMARY, "10279422", "50000")),
    _tree(
        "p90 in detail log and summary",
        "readme-figures",
        both(logged(RUN / DETAIL, p90=10_200_000), text(RUN / SUMMARY, "10279422", "10200000")),
    ),
    _tree("every latency halved", "performance-figures", scaled(RUN / DETAIL, RUN / SUMMARY, 0.5, 1)),
    _tree(
        "every latency halved, every rate doubled", "performance-figures", scaled(RUN / DETAIL, RUN / SUMMARY, 0.5, 2)
    ),
    _tree("queries in the detail log", "performance-figures", logged(RUN / DETAIL, result_query_count=90_000)),
    _tree(
        "samples per second of Offline",
        "performance-figures",
        logged(RUN / DETAIL, result_qps_without_loadgen_overhead=970.0),
    ),
    _tree(
        "a second estimate in the detail log",
        "performance-figures",
        line_added(RUN / DETAIL, "early_stopping_latency_ss", 50_000),
    ),
    _tree(
        "seeds in the summary",
        "performance-figures",
        text(RUN / SUMMARY, "qsl_rng_seed : 2085463073848966840", "qsl_rng_seed : 0"),
    ),
    _tree(
        "LoadGen of the accuracy run",
        "performance-figures",
        logged(RESULT / "accuracy" / DETAIL, loadgen_version="6.0.16 @ d6147c7eb7"),
    ),
    _tree("top-1 in README.md", "readme-figures", text(RESULT / "README.md", "| 627 of", "| 1188 of")),
    _tree("p90 in README.md", "readme-figures", text(RESULT / "README.md", "| 10.279422 ms", "| 1.279422 ms")),
    _tree("queries in README.md", "readme-figures", text(RESULT / "README.md", "over 58121", "over 98121")),
    _tree("estimate in README.md", "readme-figures", text(RESULT / "README.md", "| 10.282726 ms", "| 1.282726 ms")),
    _tree("LoadGen in README.md", "readme-figures", text(RESULT / "README.md", "LoadGen 6.0.17", "LoadGen 6.0.99")),
    _tree("threads in README.md", "readme-figures", text(RESULT / "README.md", "| threads | 1 |", "| threads | 4 |")),
    _tree(
        "hash of the model in README.md",
        "readme-figures",
        text(RESULT / "README.md", "model, SHA-256 | ", "model, SHA-256 | 0"),
    ),
    _tree(
        "weight types in measurements.json",
        "model-types",
        field(RESULT / "measurements.json", "weight_data_types", "fp32"),
    ),
    _tree(
        "another model file",
        "model-file",
        lambda folder: (folder / SOURCE / "tiny-int8-t1.tflite").write_bytes(b"\x18\x00\x00\x00TFL3other") and None,
    ),
    _tree(
        "the model's hash in a request",
        "model-file",
        field(SOURCE / "performance/request.json", "model_sha256", "0" * 64),
    ),
    _tree(
        "the data set's hash in a request",
        "model-file",
        field(SOURCE / "accuracy/request.json", "data_set.sha256", "0" * 64),
    ),
    _tree(
        "the buffer in a request",
        "configuration",
        field(SOURCE / "performance/request.json", "performance.buffer_size", 64),
    ),
    _tree("expected latency in user.conf", "user-conf", text(RESULT / "user.conf", "latency = 8", "latency = 9")),
    _tree("user.conf in src", "user-conf", text(SOURCE / "user.conf", "latency = 8", "latency = 9")),
    _tree("labels", "labels", lambda folder: next((folder / "labels").iterdir()).write_text("1\n" * 1200) and None),
    _tree("labels removed", "labels", lambda folder: next((folder / "labels").iterdir()).unlink()),
    _tree("submission.json removed", "evidence", removed("submission.json")),
]

_SRC = "tree/open/Example/src"

HASH_TAMPERINGS = [
    _tree("the code in src", "tree-files", text("tree/open/Example/src/dse_harness/accuracy.py", "answers", "guesses")),
    _tree("a file more", "tree-files", lambda folder: (folder / SOURCE / "more.txt").write_text("x") and None),
    _tree("the study in src", "tree-files", removed(SOURCE / "performance/request.json")),
    _tree(
        "the system's description",
        "tree-files",
        field("tree/open/Example/systems/board.json", "host_processor_model_name", "faster"),
    ),
    _tree("the mark of a tree that breaks rules", "tree-files", removed("tree/open/Example/NOT_SUBMITTABLE.md")),
    _tree(
        "preprocessing in README.md",
        "tree-files",
        text(RESULT / "README.md", "preprocessing, SHA-256 | b", "preprocessing, SHA-256 | c"),
    ),
]
"""What only the hashes in submission.json tell."""
