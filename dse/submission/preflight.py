"""Before any long run: a tree with the real metadata and made-up logs, and every rule that it breaks."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from dse_harness.protocol import Accuracy, Evidence

from dse.files import sha256_file, write_text
from dse.submission.candidate import Candidate
from dse.submission.checks import check_tree
from dse.submission.findings import Finding, finding
from dse.submission.point import ACCURACY_LOG, Run, ValidatedPoint, model_is_gone
from dse.submission.queries import plan_queries
from dse.submission.rounds import (
    MIN_DURATION_MS,
    MIN_QUERIES_FOR_ESTIMATE,
    MIN_SAMPLES,
    RESULT_KEY,
    SAMPLES_PER_QUERY,
    Round,
    Scenario,
    round_of_loadgen,
)
from dse.submission.tree import Submission, lay_out
from dse.submission.user_conf import user_conf


def preflight(
    candidates: Sequence[Candidate],
    *,
    submitter: str,
    system_id: str,
    system: Mapping[str, Any],
    round_: Round,
    loadgen_version: str | None,
    scenarios: Sequence[Scenario] = (),
) -> list[Finding]:
    """The rules that a submission of ``candidates`` would break however well the runs go.

    ``loadgen_version`` is the mlcommons-loadgen of the harness's environment: it decides the seeds (None: nobody asked,
    and it is taken to be the round's). What measuring can
    mend is made up as if it had gone well. Raises ModelError, SubmissionError.
    """
    findings = [] if loadgen_version is None else _check_loadgen(loadgen_version, round_)
    loadgen_version = loadgen_version or next(iter(round_.loadgen_versions), "")
    measured_for = round_of_loadgen(loadgen_version) or round_
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        points = [
            _made_up(candidate, measured_for, loadgen_version, folder / str(candidate.trial))
            for candidate in candidates
        ]
        submission = Submission(submitter, system_id, system, round_, points, scenarios)
        lay_out(submission, folder / "submission")
        findings += check_tree(folder / "submission" / "tree", round_)
    return findings


def _check_loadgen(version: str, round_: Round) -> list[Finding]:
    if version in round_.loadgen_versions:
        return []
    other = round_of_loadgen(version)
    known = ", ".join(round_.loadgen_versions) or "no wheel is known"
    found = f"mlcommons-loadgen {version}, {f'of round {other.name}' if other else 'not known to dse'}"
    return [finding("the harness's environment", "loadgen-version", found, allowed=f"{known} (round {round_.name})")]


def _made_up(candidate: Candidate, round_: Round, loadgen_version: str, folder: Path) -> ValidatedPoint:
    """A point whose runs went well. Its model file is the real one."""
    performance, accuracy = folder / "performance", folder / "accuracy"
    scenario, explored = candidate.scenario, candidate.explored
    mean_ns = explored.latency_mean_ns if explored else round(candidate.sample_ns)
    queries = MIN_DURATION_MS * 1_000_000 // mean_ns
    if scenario == "MultiStream":  # LoadGen's own configuration has it go on until there are so many
        queries = max(queries, MIN_QUERIES_FOR_ESTIMATE["p99"])
    enough = {percentile: queries >= least for percentile, least in MIN_QUERIES_FOR_ESTIMATE.items()}
    settings = {f"effective_{key}": value for key, value in asdict(round_.seeds).items()}
    settings |= {
        "effective_scenario": scenario,
        "effective_performance_sample_count": candidate.buffer_size,
        "effective_min_duration_ms": MIN_DURATION_MS,
        "early_stopping_met": scenario != "SingleStream" or enough["p90"],
        "early_stopping_result": f"about {queries} queries in {MIN_DURATION_MS // 1000} s",
        "result_validity": "VALID",
    }
    if explored:
        settings |= {
            "result_qps_without_loadgen_overhead": 1e9 / mean_ns,
            RESULT_KEY["SingleStream"]: explored.latency_p90_ns,
            RESULT_KEY["MultiStream"]: explored.latency_p99_ns if enough["p99"] else 0,
            "effective_samples_per_query": SAMPLES_PER_QUERY if scenario == "MultiStream" else 1,
            "result_mean_query_latency_ns": mean_ns,
        }
    else:
        settings |= {
            RESULT_KEY["Offline"]: 1e9 / mean_ns,
            "effective_samples_per_query": max(MIN_SAMPLES, queries),
            "effective_min_query_count": 1,
        }
    _write_logs(performance, {**settings, "effective_test_mode": "PerformanceOnly"})
    _write_logs(accuracy, {"effective_test_mode": "AccuracyOnly", "qsl_reported_total_count": candidate.images})
    write_text(accuracy / ACCURACY_LOG, "[\n]\n")
    planned = plan_queries(candidate.query_ns, MIN_DURATION_MS, 0, scenario)
    write_text(folder / "user.conf", user_conf(candidate.buffer_size, planned))
    model = Path(candidate.request.model_path)
    if not model.is_file() or sha256_file(model) != candidate.request.model_sha256:
        raise model_is_gone(candidate.trial, model)
    evidence = Evidence(
        model_sha256=candidate.request.model_sha256,
        data_set_sha256=candidate.request.data_set.sha256,
        preprocessing_sha256="",
        runtime=candidate.request.runtime.name,
        runtime_version="",
        delegate=candidate.request.runtime.delegate,
        loadgen_version=loadgen_version,
    )
    return ValidatedPoint(
        trial=candidate.trial,
        name=candidate.name,
        configuration=candidate.official_configuration,
        origin=candidate.origin,
        round=round_.name,
        rehearsal=False,
        folder=folder,
        performance=Run(
            replace(candidate.performance_request(), model_path=str(model)),
            replace(candidate.response, evidence=evidence),
            folder,
            performance,
        ),
        accuracy=Run(
            candidate.accuracy_request(),
            replace(candidate.response, accuracy=Accuracy(0, candidate.images, ""), evidence=evidence),
            folder,
            accuracy,
        ),
        sha256={},
    )


def _write_logs(folder: Path, values: dict[str, Any]) -> None:
    metadata = {"is_error": False, "is_warning": False}
    lines = (json.dumps({"key": key, "value": value, "metadata": metadata}) for key, value in values.items())
    write_text(folder / "mlperf_log_detail.txt", "".join(f":::MLLOG {line}\n" for line in lines))
    write_text(folder / "mlperf_log_summary.txt", "made up\n")
