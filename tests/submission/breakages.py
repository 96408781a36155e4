"""Ways to break an otherwise good tree, each with the rule that it breaks."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dse.submission.fields import MEASUREMENT_FIELDS
from dse.submission.rounds import Round

HOME = Path("open/Example")
RESULT = HOME / "results/board/tiny-int8-t1"
PERFORMANCE_LOG = "SingleStream/performance/run_1/mlperf_log_detail.txt"
OFFLINE_LOG = PERFORMANCE_LOG.replace("SingleStream", "Offline")
MULTISTREAM_LOG = PERFORMANCE_LOG.replace("SingleStream", "MultiStream")
ACCURACY = "SingleStream/accuracy"


@dataclass(frozen=True)
class Breakage:
    """A way to break ``rule``; ``also`` are rules that break with it, ``official`` what MLCommons' checker calls it."""

    rule: str
    name: str
    apply: Callable[[Path, Round], None]
    also: frozenset[str] = frozenset()
    official: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.rule}-{self.name}"


def in_log(name: str, key: str, value: Any) -> Callable[[Path, Round], None]:
    """Give ``key`` another value (None: remove its line) in a detail log."""

    def apply(tree: Path, _: Round) -> None:
        path = tree / RESULT / name
        lines = path.read_text().splitlines(keepends=True)
        pattern = re.compile(rf'("key": "{key}", "value": )(.*?)(, "time_ms")')
        assert any(pattern.search(line) for line in lines)
        if value is None:
            lines = [line for line in lines if not pattern.search(line)]
        else:
            lines = [pattern.sub(lambda m: f"{m[1]}{json.dumps(value)}{m[3]}", line) for line in lines]
        path.write_text("".join(lines))

    return apply


def error_in_log(name: str, message: str) -> Callable[[Path, Round], None]:
    def apply(tree: Path, _: Round) -> None:
        with (tree / RESULT / name).open("a") as file:
            metadata = {"is_error": True, "is_warning": False}
            entry = {"key": "error_invalid_config", "value": message, "time_ms": 1.0, "metadata": metadata}
            file.write(f":::MLLOG {json.dumps(entry)}\n")

    return apply


def in_json(find: Callable[[Path, Round], Path], **changes: Any) -> Callable[[Path, Round], None]:
    """Change fields of a JSON object; Ellipsis removes one."""

    def apply(tree: Path, round_: Round) -> None:
        path = find(tree, round_)
        document = {**json.loads(path.read_text()), **changes}
        path.write_text(json.dumps({name: value for name, value in document.items() if value is not ...}))

    return apply


def system(tree: Path, _: Round) -> Path:
    return tree / HOME / "systems/board.json"


def measurements(tree: Path, round_: Round) -> Path:
    names = ("board", "tiny-int8-t1", "SingleStream")
    return tree / HOME / round_.measurements(*names) / round_.measurements_name("board", "SingleStream")


def mapping(tree: Path, _: Round) -> Path:
    return tree / HOME / "model_mapping.json"


def remove(*names: str) -> Callable[[Path, Round], None]:
    def apply(tree: Path, _: Round) -> None:
        for name in names:
            path = tree / RESULT / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return apply


def write(name: str, text: str) -> Callable[[Path, Round], None]:
    def apply(tree: Path, _: Round) -> None:
        (tree / RESULT / name).write_text(text)

    return apply


def beside_measurements(name: str, text: str | None) -> Callable[[Path, Round], None]:
    def apply(tree: Path, round_: Round) -> None:
        path = measurements(tree, round_).with_name(name)
        path.unlink() if text is None else path.write_text(text)

    return apply


def datacenter(tree: Path, round_: Round) -> None:
    in_json(system, system_type="datacenter")(tree, round_)


def offline_log(scenario: str, good: dict[str, Any], **values: Any) -> Callable[[Path, Round], None]:
    """Make Offline's log one of a run of ``scenario`` that is ``good`` but for ``values``; None: no such line."""

    def apply(tree: Path, round_: Round) -> None:
        path = tree / RESULT / OFFLINE_LOG
        wanted = {"effective_scenario": scenario, **good, **values}
        lines = [line for line in path.read_text().splitlines(True) if line.split('"')[3] not in wanted]
        for key, value in wanted.items():
            entry = {"key": key, "value": value, "metadata": {"is_error": False, "is_warning": False}}
            lines += [f":::MLLOG {json.dumps(entry)}\n"] if value is not None else []
        path.write_text("".join(lines))

    return apply


offline = partial(offline_log, "Offline", {"result_samples_per_second": 97.01, "effective_min_query_count": 1})
multistream = partial(
    offline_log, "MultiStream", {"effective_samples_per_query": 8, "result_mean_query_latency_ns": 82_000_000}
)
MEASURED = [offline, multistream]


def with_mark(find: Callable[[Path, Round], Path]) -> Callable[[Path, Round], None]:
    """Put a UTF-8 byte order mark before the text, as some editors do."""

    def apply(tree: Path, round_: Round) -> None:
        path = find(tree, round_)
        path.write_text(path.read_text(), encoding="utf-8-sig")

    return apply


def of_another_name(tree: Path, round_: Round) -> None:
    path = measurements(tree, round_)
    path.rename(path.with_name("measurements.json" if round_.layout == "v5" else "board_SingleStream.json"))


def power(tree: Path, _: Round) -> None:
    (tree / RESULT / "SingleStream/performance/power").mkdir()


def rename_scenario(old: str, new: str) -> Callable[[Path, Round], None]:
    def apply(tree: Path, _: Round) -> None:
        for kind in ("results", "measurements"):
            path = tree / HOME / kind / "board/tiny-int8-t1" / old
            if path.exists():
                path.rename(path.with_name(new))

    return apply


def drop_line(name: str, start: str) -> Callable[[Path, Round], None]:
    def apply(tree: Path, _: Round) -> None:
        path = tree / RESULT / name
        path.write_text("".join(x for x in path.read_text().splitlines(True) if not x.startswith(start)))

    return apply


def write_figure(line: str) -> Callable[[Path, Round], None]:
    def apply(tree: Path, _: Round) -> None:
        path = tree / RESULT / ACCURACY / "accuracy.txt"
        path.write_text("".join([line, "\n", *path.read_text().splitlines(True)[1:]]))

    return apply


def without_every_result(tree: Path, _: Round) -> None:
    shutil.rmtree(tree / HOME / "results/board")


def untruncated(tree: Path, _: Round) -> None:
    complete = tree.parent / "complete_accuracy_logs" / RESULT / ACCURACY / "mlperf_log_accuracy.json"
    shutil.copy(complete, tree / RESULT / ACCURACY)


def accuracy_log_of_another_run(tree: Path, _: Round) -> None:
    (tree / RESULT / ACCURACY / "mlperf_log_accuracy.json").write_text("[\n]\n")


def large_file(tree: Path, round_: Round) -> None:
    with (tree / HOME / round_.source / "weights.bin").open("wb") as file:
        file.truncate(50 * 2**20 + 1)


_SYSTEM_FIELDS = ("system_name", "host_processor_caches", "accelerator_on-chip_memories", "host_network_card_count")
FIELD_BREAKAGES = [
    *(Breakage("system-field-missing", name, in_json(system, **{name: ...})) for name in _SYSTEM_FIELDS),
    *(Breakage("system-field-empty", name, in_json(system, **{name: ""})) for name in ("framework", "cooling")),
    Breakage("system-field-empty", "zero", in_json(system, accelerators_per_node=0)),
    *(
        Breakage("measurements-field-missing", name, in_json(measurements, **{name: ...}))
        for name in MEASUREMENT_FIELDS
    ),
    Breakage("measurements-field-empty", "weights", in_json(measurements, weight_data_types="")),
]
BREAKAGES = [
    *FIELD_BREAKAGES,
    Breakage("results", "removed", lambda tree, _: shutil.rmtree(tree / HOME / "results"), frozenset({"nothing"})),
    Breakage("nothing", "no-system", without_every_result),
    Breakage("division", "closed", lambda tree, _: (tree / "closed").mkdir()),
    Breakage("source", "removed", lambda tree, round_: shutil.rmtree(tree / HOME / round_.source)),
    Breakage("scenario", "unknown", rename_scenario("Offline", "Sometimes"), official=frozenset({"inferred"})),
    Breakage("scenario", "mixed-case", rename_scenario("Offline", "offLine")),
    Breakage("model-mapping", "not-json", lambda t, r: mapping(t, r).write_text("{") and None, frozenset({"model"})),
    Breakage("model-mapping", "list", lambda t, r: mapping(t, r).write_text("[]") and None, frozenset({"model"})),
    Breakage("model", "absent", lambda t, r: mapping(t, r).unlink()),
    Breakage("model", "alias", in_json(mapping, **{"tiny-int8-t1": "resnet50"})),
    Breakage(
        "model", "other-benchmark", in_json(mapping, **{"tiny-int8-t1": "bert-99"}), official=frozenset({"buffer-size"})
    ),
    Breakage("system", "removed", lambda t, r: system(t, r).unlink()),
    Breakage("system", "not-json", lambda t, r: system(t, r).write_text("{") and None),
    Breakage("system-status", "unknown", in_json(system, status="sold out")),
    Breakage("system-type", "unknown", in_json(system, system_type="embedded"), frozenset({"inferred"})),
    Breakage("system-submitter", "other", in_json(system, submitter="Somebody")),
    Breakage("system-division", "closed", in_json(system, division="closed")),
    Breakage("system-count", "nodes", in_json(system, number_of_nodes="one")),
    Breakage("system-count", "accelerators", in_json(system, accelerators_per_node="-")),
    Breakage("system", "infinite", in_json(system, number_of_nodes=float("inf"))),
    Breakage("system-notes", "hardware", in_json(system, hw_notes=5, sw_notes="none")),
    Breakage("system-notes", "software", in_json(system, sw_notes=["none"])),
    Breakage("system-network", "flag", in_json(system, is_network=False)),
    Breakage(
        "system-network",
        "text",
        in_json(system, is_network="false"),
        official=frozenset({"system-field-missing"}),
    ),
    Breakage("system", "mark", with_mark(system)),
    Breakage("system", "not-utf-8", lambda t, r: system(t, r).write_text(system(t, r).read_text(), "utf-16") and None),
    Breakage("model-mapping", "mark", with_mark(mapping), frozenset({"model"})),
    Breakage("measurements", "mark", with_mark(measurements)),
    Breakage("power", "empty", power),
    Breakage("measurements", "other-name", of_another_name),
    Breakage("measurements", "removed", lambda t, r: measurements(t, r).unlink()),
    Breakage("measurements", "not-json", lambda t, r: measurements(t, r).write_text("{") and None),
    Breakage("run-file-missing", "user.conf", beside_measurements("user.conf", None)),
    Breakage("run-file-missing", "README.md", beside_measurements("README.md", None)),
    Breakage("run-file-empty", "user.conf", beside_measurements("user.conf", "")),
    Breakage("run-file-empty", "README.md", beside_measurements("README.md", "")),
    Breakage("performance-log", "removed", remove(PERFORMANCE_LOG)),
    Breakage("performance-log", "not-loadgen", write(PERFORMANCE_LOG, "hello\n")),
    Breakage("performance-log", "cut", write(PERFORMANCE_LOG, ':::MLLOG {"key": "a", "va')),
    Breakage("performance-mode", "accuracy", in_log(PERFORMANCE_LOG, "effective_test_mode", "AccuracyOnly")),
    Breakage("performance-errors", "conf", error_in_log(PERFORMANCE_LOG, "Multiple conf files are used.")),
    Breakage("result-invalid", "invalid", in_log(PERFORMANCE_LOG, "result_validity", "INVALID")),
    Breakage("buffer-size", "1023", in_log(PERFORMANCE_LOG, "effective_performance_sample_count", 1023)),
    Breakage("buffer-size", "unsaid", in_log(PERFORMANCE_LOG, "effective_performance_sample_count", None)),
    Breakage("buffer-size", "text", in_log(PERFORMANCE_LOG, "effective_performance_sample_count", "1024")),
    Breakage("seeds", "text", in_log(PERFORMANCE_LOG, "effective_qsl_rng_seed", "2085463073848966840")),
    Breakage("min-duration", "text", in_log(PERFORMANCE_LOG, "effective_min_duration_ms", "600000")),
    Breakage("result-figure", "no-number", in_log(PERFORMANCE_LOG, "early_stopping_latency_ss", "fast")),
    Breakage("result-figure", "zero", in_log(PERFORMANCE_LOG, "early_stopping_latency_ss", 0)),
    Breakage("inferred", "offline", in_log(OFFLINE_LOG, "result_qps_without_loadgen_overhead", None)),
    Breakage("inferred", "offline-zero", in_log(OFFLINE_LOG, "result_qps_without_loadgen_overhead", 0)),
    Breakage("inferred", "multistream", in_log(MULTISTREAM_LOG, "early_stopping_latency_ms", None)),
    Breakage("inferred", "multistream-text", in_log(MULTISTREAM_LOG, "early_stopping_latency_ms", "13946591")),
    Breakage("inferred", "multistream-mean", multistream(result_mean_query_latency_ns=None)),
    Breakage("inferred", "multistream-samples", multistream(effective_samples_per_query="8")),
    Breakage("result-figure", "offline-samples", offline(effective_samples_per_query=None)),
    Breakage("result-figure", "offline-measured", offline(result_samples_per_second=None)),
    Breakage("min-queries", "offline", offline(effective_min_query_count=0)),
    Breakage("min-queries", "offline-text", offline(effective_min_query_count="1")),
    Breakage("inferred", "too-few-queries", in_log(MULTISTREAM_LOG, "early_stopping_latency_ms", 0)),
    Breakage("seeds", "qsl", in_log(PERFORMANCE_LOG, "effective_qsl_rng_seed", 3133965575612453542)),
    Breakage("seeds", "sample", in_log(PERFORMANCE_LOG, "effective_sample_index_rng_seed", 0)),
    Breakage("seeds", "schedule", in_log(PERFORMANCE_LOG, "effective_schedule_rng_seed", 0)),
    Breakage("min-duration", "599999", in_log(PERFORMANCE_LOG, "effective_min_duration_ms", 599_999)),
    Breakage("early-stopping", "unmet", in_log(PERFORMANCE_LOG, "early_stopping_met", False)),
    Breakage("early-stopping", "unsaid", in_log(PERFORMANCE_LOG, "early_stopping_met", None)),
    Breakage("result-figure", "removed", in_log(PERFORMANCE_LOG, "early_stopping_latency_ss", None)),
    Breakage("inferred", "datacenter", datacenter),
    Breakage("accuracy-log", "removed", remove(f"{ACCURACY}/mlperf_log_detail.txt")),
    Breakage("accuracy-log", "not-loadgen", write(f"{ACCURACY}/mlperf_log_detail.txt", "hello\n")),
    Breakage(
        "accuracy-mode",
        "performance",
        in_log(f"{ACCURACY}/mlperf_log_detail.txt", "effective_test_mode", "PerformanceOnly"),
    ),
    Breakage(
        "accuracy-errors", "conf", error_in_log(f"{ACCURACY}/mlperf_log_detail.txt", "Multiple conf files are used.")
    ),
    Breakage("accuracy-text", "removed", remove(f"{ACCURACY}/accuracy.txt")),
    Breakage("accuracy-figure", "removed", drop_line(f"{ACCURACY}/accuracy.txt", "accuracy=")),
    Breakage("accuracy-figure", "no-counts", write_figure("accuracy=52.250%")),
    Breakage("accuracy-text", "no-number", write_figure("accuracy=5.2.25%"), frozenset({"accuracy-figure"})),
    Breakage("accuracy-hash", "removed", drop_line(f"{ACCURACY}/accuracy.txt", "hash=")),
    Breakage("accuracy-hash", "of-another-log", accuracy_log_of_another_run),
    Breakage("accuracy-json", "removed", remove(f"{ACCURACY}/mlperf_log_accuracy.json")),
    Breakage("accuracy-json-size", "complete", untruncated),
    Breakage("summary", "performance", remove("SingleStream/performance/run_1/mlperf_log_summary.txt")),
    Breakage("summary", "accuracy", write(f"{ACCURACY}/mlperf_log_summary.txt", "")),
    Breakage("upload-link", "file", lambda tree, _: (tree / HOME / "link").symlink_to("/etc/hostname")),
    Breakage("upload-name", "space", lambda tree, _: (tree / HOME / "a b").touch()),
    Breakage("upload-name", "hidden", lambda tree, _: (tree / HOME / ".DS_Store").touch()),
    Breakage("upload-size", "large", large_file),
]
