"""A real study of one point, rehearsed with real LoadGen runs: recorded with its evidence, and never submitted."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from dse import open_study
from dse.cli import make_app
from dse.errors import NothingMeasuredError, SubmissionError
from dse.submission.point import check_evidence, validated_points
from tests.integration.exploring import skip_if_starved

SPACE = """\
schema: 1
name: one
data_set: {embedded: fashion_mnist}
models:
  mobilenet_v3: {zoo: mobilenet_v3}
parameters:
  family: {small: {form: {minimalistic: {width: [0.35]}}}}
  side: [48]
  precision: [float32]
  threads: [1]
  buffer_size: [1024]
  delegate: [xnnpack]
objectives: [accuracy, latency_p90_ns]
fidelity: {explore: {min_duration: 50ms, accuracy_images: 100}}
"""


def test_a_rehearsal_of_a_real_front(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.yaml").write_text(SPACE)

    def dse(*arguments: str) -> None:
        try:
            CliRunner().invoke(make_app(), arguments, catch_exceptions=False)
        except NothingMeasuredError as error:
            skip_if_starved(str(error))
            raise

    dse("explore", "--space", "one.yaml", "--trials", "1")
    dse("system", "init", "board")
    dse("validate", "one", "--duration", "500ms")
    (point,) = validated_points(tmp_path / "studies/one")
    assert point.rehearsal
    assert point.accuracy.response.accuracy.total == 10_000
    assert point.accuracy.response.evidence == point.performance.response.evidence
    assert point.performance.response.performance.duration_ns >= 500_000_000
    (row,) = open_study(tmp_path / "studies/one").front()
    assert point.explored["latency_p90_ns"] == row.values["latency_p90_ns"]
    assert point.p90_ratio == point.performance.response.performance.latency_p90_ns / row.values["latency_p90_ns"]
    with pytest.raises(SubmissionError, match=r"is not submitted: its runs are a rehearsal$"):
        check_evidence(point)
    with pytest.raises(SubmissionError, match="a rehearsal"):
        dse("submit", "one", "--submitter", "Example", "--allow", "data-set-size")
    assert not (tmp_path / "studies/one/submission").exists()
