"""``dse compare``: sentences, JSON, and an exit code for a CI that guards a device."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def test_a_study_against_itself(small_study: Path, dse: Any) -> None:
    done = dse("compare", small_study, small_study, "--fail-on", "latency_p90_ns")
    assert done.code == 0
    assert "p90 latency: " in done.out
    assert "slower" not in done.out
    assert "dse front" in done.err


def test_json_is_one_object(small_study: Path, dse: Any) -> None:
    done = dse("compare", small_study, small_study, "--json")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["schema"] == 1


def test_what_is_no_objective_is_refused(small_study: Path, dse: Any) -> None:
    done = dse("compare", small_study, small_study, "--fail-on", "colour")
    assert (done.code, done.out) == (2, "")
    assert "--fail-on: found 'colour', allowed: accuracy" in done.err
