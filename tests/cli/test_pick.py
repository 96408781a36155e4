"""``dse pick``: one row, and what the next ones would cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def test_a_row_sentences_and_the_next_command(small_study: Path, dse: Any) -> None:
    done = dse("pick", small_study)
    assert done.code == 0
    assert "small_study: the most accuracy on the front" in done.out
    assert f"dse explain {small_study} " in done.err.replace("\n", "")


def test_json_is_one_object(small_study: Path, dse: Any) -> None:
    done = dse("pick", small_study, "--min", "latency_p90_ns", "--json")
    assert (done.code, done.err) == (0, "")
    document = json.loads(done.out)
    assert document["schema"] == 1
    front = json.loads(dse("front", small_study, "--json").out)["points"]
    assert document["values"]["latency_p90_ns"] == min(p["values"]["latency_p90_ns"] for p in front)


def test_what_is_no_metric_is_refused(small_study: Path, dse: Any) -> None:
    done = dse("pick", small_study, "--min", "foo")
    assert (done.code, done.out) == (2, "")
    assert "--min: found 'foo', allowed: accuracy" in done.err


def test_what_says_nothing_of_its_model_is_not_written(small_study: Path, tmp_path: Path, dse: Any) -> None:
    done = dse("pick", small_study, "-o", tmp_path / "deployed")
    assert (done.code, done.out) == (3, "")
    assert "its response does not say what ran" in done.err
    assert not (tmp_path / "deployed").exists()
