"""Results of MLPerf Endpoints: JSON in place of LoadGen's logs. The figures are those of published v6.1 results."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dse.errors import ResultsError
from dse.results.database import open_database
from dse.results.front import cut, select
from dse.results.importing.endpoints import parse_accuracy, parse_summary
from dse.results.importing.importer import import_results

LATENCY = {
    "total": 10607248532779515,
    "min": 532035905,
    "max": 84176712502,
    "median": 6768621875.0,
    "avg": 6864431167.54043,
    "percentiles": {
        "99.9": 20170563645.0,
        "99.0": 10326895939.0,
        "97.0": 9440209623.0,
        "95.0": 9045549869.0,
        "90.0": 8488512568.0,
        "50.0": 6768621875.0,
        "25.0": 5948473488.0,
    },
    "early_stopping_percentiles": {"99.9": None, "99.0": 10344495777.0, "90.0": 8493290408.0, "50.0": 6771551325.0},
}
SUMMARY: dict[str, Any] = {
    "version": "0.1.0",
    "n_samples_issued": 1545248,
    "n_samples_completed": 1545248,
    "n_samples_failed": 0,
    "duration_ns": 667655142694,
    "state": "complete",
    "complete": True,
    "ttft": {},
    "tpot": {},
    "latency": LATENCY,
    "qps": 2323.2698417825063,
    "tps": 99742.4611703127,
    "run_config": {
        "load_pattern": {"type": "poisson", "target_qps": 2340.0},
        "scheduler_random_seed": 16159082839903944936,
        "dataloader_random_seed": 2747215439041700203,
    },
}
SCORE: dict[str, Any] = {
    "dataset_name": "shopify_product_catalogue::q3vl",
    "score": 0.7874153796727632,
    "total_samples": 48289,
    "complete": True,
    "dataset_type": "accuracy",
}


def write(root: Path, model: str, scenario: str, *, run: str = "", scores: Any = None, **more: Any) -> Path:
    """A result directory as `tools/submission/submission_structure.md` of the round has it."""
    result = root / "closed/me/results/VR-NVL72_TRT" / model / scenario
    (result / "performance" / run).mkdir(parents=True)
    (result / "accuracy").mkdir()
    (result / "config.yaml").write_text("type: online\n")
    (result / "performance" / run / "result_summary.json").write_text(json.dumps({**SUMMARY, **more}))
    (result / "accuracy/accuracy_results.json").write_text(
        json.dumps({"average_accuracy": 0, "accuracy_scores": [SCORE] if scores is None else scores})
    )
    (root / "closed/me/systems").mkdir(exist_ok=True)
    (root / "closed/me/systems/VR-NVL72_TRT.json").write_text(json.dumps({"system_type": "datacenter"}))
    return result


def rows_of(root: Path, tmp_path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    report = import_results([root], tmp_path / "r.duckdb", details=True)
    with open_database(tmp_path / "r.duckdb", read_only=True) as database:
        return select(database), [f"{Path(problem.path).name}: {problem.reason}" for problem in report.problems]


@pytest.mark.parametrize("run", ["", "run_1"])
def test_a_server_result_as_published(tmp_path: Path, run: str) -> None:
    write(tmp_path / "v6.1", "qwen3-vl-235b-a22b", "Server", run=run)
    (row,), problems = rows_of(tmp_path / "v6.1", tmp_path)
    assert problems == []
    assert (row["run"], row["scenario_log"], row["validity"], row["errors"]) == (run or ".", "Server", "VALID", 0)
    assert (row["performance"], row["performance_unit"]) == (2323.2698417825063, "samples/s")
    assert (row["throughput"], row["target_qps"]) == (2323.2698417825063, 2340)
    assert (row["latency_p90_ns"], row["latency_p99_9_ns"], row["latency_mean_ns"]) == (
        8488512568,
        20170563645,
        6864431168,
    )
    assert (row["early_stopping_p99_ns"], row["early_stopping_p99_9_ns"]) == (10344495777, None)
    assert row["schedule_rng_seed"] == 16159082839903944936
    assert (row["accuracy_metric"], row["accuracy"], row["mode"]) == ("F1", 0.7874153796727632, "Endpoints 0.1.0")
    assert row["missing"] == "measurements JSON"
    (group,) = cut([row], None, ())
    assert len(group.points) == 1


def test_an_offline_result_is_ranked_by_tokens_where_the_round_says_so(tmp_path: Path) -> None:
    run_config = {"load_pattern": {"type": "max_throughput", "target_qps": None}}
    score = {**SCORE, "dataset_name": "deepseek_r1_accuracy", "score": 81.42661804922516}
    write(
        tmp_path / "v6.1",
        "deepseek-r1",
        "Offline",
        qps=312.2314212203155,
        tps=1183326.8,
        run_config=run_config,
        scores=[score],
    )
    (row,), problems = rows_of(tmp_path / "v6.1", tmp_path)
    assert problems == []
    assert (row["performance"], row["performance_unit"]) == (1183326.8, "tokens/s")
    assert (row["throughput"], row["throughput_source"]) == (312.2314212203155, "samples_per_second")
    assert (row["accuracy_metric"], row["accuracy"]) == ("exact_match", pytest.approx(0.8142661804922516))
    assert row["task"] == "text-generation"


@pytest.mark.parametrize(("model", "figure"), [("wan-2.2-t2v-a14b", 6864431168), ("llama3.1-8b-edge", 8493290408)])
def test_a_singlestream_result_is_ranked_by_its_mean_but_for_one_model(tmp_path: Path, model: str, figure: int) -> None:
    score = {**SCORE, "score": {"rouge1": 38.8, "rouge2": 16.0} if "llama" in model else 69.9}
    write(
        tmp_path / "v6.1", model, "SingleStream", run_config={"load_pattern": {"type": "concurrency"}}, scores=[score]
    )
    (row,), problems = rows_of(tmp_path / "v6.1", tmp_path)
    assert problems == []
    assert (row["performance"], row["performance_unit"]) == (figure, "ns")
    assert row["accuracy_metric"] == ("ROUGE1" if "llama" in model else "vbench_score")
    assert row["task"] == ("text-generation" if "llama" in model else "text-to-video")


@pytest.mark.parametrize(
    ("more", "validity"),
    [
        ({"n_samples_failed": 3}, "INVALID"),
        ({"complete": False}, "INCOMPLETE"),
        ({"state": "interrupted"}, "INCOMPLETE"),
    ],
)
def test_a_run_that_is_not_whole_is_not_valid(more: dict[str, Any], validity: str) -> None:
    assert parse_summary(json.dumps({**SUMMARY, **more}).encode(), "Server", "x").validity == validity


def test_scores_of_several_data_sets_have_a_mean() -> None:
    scores = [{**SCORE, "score": value} for value in (0.8, 0.9)] + [
        {**SCORE, "score": 0, "dataset_type": "performance"}
    ]
    accuracy = parse_accuracy(json.dumps({"accuracy_scores": scores}).encode(), "gpt-oss-120b")
    assert (accuracy.metric, accuracy.value) == ("exact_match", pytest.approx(0.85))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("[]", "a JSON list"),
        ("[" * 100_000, "too deeply nested"),
        ('{"complete": true, "state": "complete"}', "no latency"),
        ('{"latency": []}', "found a list"),
        ('{"latency": {"min": "fast"}}', "found 'fast'"),
        ('{"latency": {"min": -5}}', "found '-5'"),
        ('{"latency": {"min": 1e300}}', "too large"),
        ('{"qps": true}', "found 'True'"),
        ('{"n_samples_failed": NaN}', "found NaN"),
        ('{"run_config": {"scheduler_random_seed": -1}}', "expected a seed"),
        ('{"run_config": 3}', "found a int"),
    ],
)
def test_a_summary_that_cannot_be_is_said(document: str, said: str) -> None:
    with pytest.raises(ResultsError, match=said):
        parse_summary(document.encode(), "Server", "x")


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (None, "no accuracy_scores"),
        ([7], "no accuracy_scores"),
        ([], "no score"),
        ([{**SCORE, "dataset_type": "performance"}], "no score"),
        ([{**SCORE, "complete": False}], "is not complete"),
        ([{**SCORE, "score": None}], "expected a number"),
        ([{**SCORE, "score": "0.9"}], "expected a number"),
        ([{**SCORE, "score": 900}], "is no accuracy"),
        ([{**SCORE, "score": {"bleu": 3}}], "a score of none of"),
        ([{**SCORE, "score": {"f1": 0.3}}, {**SCORE, "score": {"rouge1": 0.3}}], "which have no mean"),
    ],
)
def test_scores_that_cannot_be_are_said(scores: Any, said: str) -> None:
    with pytest.raises(ResultsError, match=said):
        parse_accuracy(json.dumps({"accuracy_scores": scores}).encode(), "x")


def test_loadgens_logs_come_first(tmp_path: Path, write_result: Callable[..., Path]) -> None:
    result = write_result(tmp_path / "v6.1")
    (result / "performance/result_summary.json").write_text("{}")
    (row,), problems = rows_of(tmp_path / "v6.1", tmp_path)
    assert problems == []
    assert row["run"] == "run_1"


def test_a_damaged_file_is_a_problem_of_its_own(tmp_path: Path) -> None:
    result = write(tmp_path / "v6.1", "deepseek-r1", "Server")
    (result / "accuracy/accuracy_results.json").write_text("{")
    (row,), problems = rows_of(tmp_path / "v6.1", tmp_path)
    assert row["accuracy"] is None
    assert [problem.partition(":")[0] for problem in problems] == ["accuracy_results.json"]
    (result / "performance/result_summary.json").write_text("{}{")
    _, problems = rows_of(tmp_path / "v6.1", tmp_path)
    assert [problem.partition(":")[0] for problem in problems] == ["result_summary.json"]
