"""The translation of the official checker's output, from a checkout that is a small script."""

from __future__ import annotations

from pathlib import Path

import pytest

from dse.errors import SubmissionError, UsageError
from dse.submission.mlcommons_checker import VARIABLE, find_checkout, run_official
from dse.submission.rounds import ROUNDS


@pytest.fixture
def checkout(tmp_path):
    """A function: a checkout whose checker prints these lines and ends with this status."""

    def make(lines: list[str], status: int) -> Path:
        package = tmp_path / "inference/tools/submission/submission_checker"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "main.py").write_text(
            "import sys\n"
            "tree = sys.argv[sys.argv.index('--input') + 1]\n"
            f"for line in {lines!r}:\n"
            "    print(line.replace('TREE', tree).replace('ARGS', ' '.join(sys.argv[1:])))\n"
            f"sys.exit({status})\n"
        )
        return tmp_path / "inference"

    return make


def error(text: str) -> str:
    return f"[2026-11-24 02:00:00,123 performance_check.py:200 ERROR] {text}"


def test_lines_become_findings(checkout, tmp_path):
    perf = "TREE/open/E/results/s/m/SingleStream/performance/run_1/mlperf_log_detail.txt"
    made = checkout(
        [
            f"[2026-11-24 02:00:00,123 base.py:50 INFO] Starting performance checks for: {perf}",
            error(f"{perf} performance_sample_count, found 500, needs to be >= 1024"),
            error(f"{perf} qsl_rng_seed is wrong, expected=1, found=2"),
            error("Early stopping condition was not met, msg= * Need more"),
            error(f"Some performance checks Checks failed for: {perf}"),
            error("TREE/open/E/results/s, field cooling is missing"),
            error("TREE/x/measurements.json, field retraining is missing"),
            error("something that dse has never seen"),
            error(f"NoResults {perf}"),
            "[2026-11-24 02:00:00,123 main.py:360 ERROR] SUMMARY: submission has errors",
        ],
        1,
    )
    (tmp_path / "tree").mkdir()
    verdict = run_official(made, tmp_path / "tree", ROUNDS.get("v6.1"))
    assert not verdict.ok
    place = perf.removeprefix("TREE/")
    assert [(item.path, item.rule) for item in verdict.findings] == [
        (place, "buffer-size"),
        (place, "seeds"),
        (place, "early-stopping"),
        ("open/E/results/s", "system-field-missing"),
        ("x/measurements.json", "measurements-field-missing"),
        (place, "official-checker"),
    ]


@pytest.mark.parametrize(("allow", "flag"), [([], False), (["data-set-size"], True)])
def test_the_round_is_always_said(checkout, tmp_path, allow, flag):
    made = checkout(["ARGS", "INFO:main:SUMMARY: submission looks OK"], 0)
    (tmp_path / "tree").mkdir()
    verdict = run_official(made, tmp_path / "tree", ROUNDS.get("v5.1"), allow)
    assert verdict.ok
    assert "--version v5.1" in verdict.output
    assert ("--skip-dataset-size-check" in verdict.output) is flag


def test_a_crash_is_a_finding(checkout, tmp_path):
    made = checkout(["Traceback (most recent call last):", "  File ...", "TypeError: 'NoneType'"], 1)
    (tmp_path / "tree").mkdir()
    (found,) = run_official(made, tmp_path / "tree", ROUNDS.get("v6.1")).findings
    assert (found.rule, found.found) == ("official-checker", "it ended with TypeError: 'NoneType'")


def test_silence_is_no_approval(checkout, tmp_path):
    (tmp_path / "tree").mkdir()
    verdict = run_official(checkout([], 0), tmp_path / "tree", ROUNDS.get("v6.1"))
    assert not verdict.ok
    assert verdict.findings[0].rule == "official-checker"


def test_the_checkout_is_named_or_in_the_environment(checkout, tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert find_checkout(None) is None
    made = checkout([], 0)
    assert find_checkout(made) == made
    monkeypatch.setenv(VARIABLE, str(made))
    assert find_checkout(None) == made
    with pytest.raises(UsageError, match="no tools/submission"):
        find_checkout(tmp_path)
    with pytest.raises(SubmissionError, match="no such folder"):
        run_official(made, tmp_path / "nowhere", ROUNDS.get("v6.1"))
