"""A table as a harness: exact figures, reasons where there are none, and whole searches, resumed and marked."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import yaml
from dse_harness import protocol
from dse_harness.protocol import AccuracySpec, Request, Response
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from dse.backends import Backend
from dse.cli import make_app
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement
from dse.errors import SubmissionError
from dse.paths import cache_dir
from dse.reports.front import front_document, front_report
from dse.results.convert.replay_table import to_csv
from dse.spaces.load import load_space
from dse.spaces.space import Space
from dse.study import Study
from dse.submission.front import front_candidates
from dse.tabular.benchmark import BenchmarkProblem
from dse.tabular.table import read_table

NAMES = ("family", "width", "accuracy_pct", "acc_good", "acc_total", "p90_latency_ns", "p50_latency_ns", "queries")
FIGURES = st.tuples(st.integers(0, 50_000), st.integers(2, 2**53))


def write(folder: Path, figures: list[tuple[int, int] | None]) -> Path:
    """A space of ``figures``: (good, p90 in nanoseconds) or nothing for each configuration."""
    lines = [
        {
            "family": f"v{number % 2}",
            "width": number,
            **(
                {
                    "accuracy_pct": f"{known[0] / 500:.3f}",
                    "acc_good": known[0],
                    "acc_total": 50_000,
                    "p90_latency_ns": known[1],
                    "p50_latency_ns": known[1] // 2,
                }
                if known
                else {}
            ),
        }
        for number, known in enumerate(figures)
    ]
    (folder / "t.csv").write_text(to_csv(lines, NAMES))
    content = {"schema": 1, "name": "t", "replay": "t.csv", "objectives": ["accuracy", "latency_p90_ns"]}
    (folder / "t.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return folder / "t.yaml"


def ask_for(space: Space, configuration: Configuration, sha256: str) -> Request:
    return space.experiment(configuration).request(
        model_path=space.data_set.path,
        model_sha256=sha256,
        data_set=space.data_set.spec,
        cache=cache_dir(),
        accuracy=AccuracySpec(samples=1),
        spot_check_images=64,
    )


def ask(space: Space, harness: Backend, folder: Path) -> list[Response]:
    """What the harness answers for each configuration of the space, as the search asks."""
    responses = []
    for configuration in space.tree.configurations():
        model = space.source(configuration).make(space.variant(configuration))
        request = ask_for(space, configuration, model.sha256)
        responses.append(harness.run(request, folder, 1.0))
        assert protocol_read(Response, folder / "response.json") == responses[-1]
        assert protocol_read(Request, folder / "request.json") == request
    return responses


def protocol_read(kind: type[Request] | type[Response], path: Path) -> Request | Response:
    return protocol.read(kind, path)


@given(figures=st.lists(FIGURES, min_size=1, max_size=6))
def test_recorded_figures_come_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, figures: list[tuple[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("table")
    space = load_space(write(folder, list(figures)), {})
    found = []
    for response in ask(space, space.backend, folder):
        assert response.performance
        assert response.accuracy
        assert response.accuracy.total == 50_000
        assert response.performance.latency_p50_ns == response.performance.latency_p90_ns // 2
        assert "p99 latency is not recorded; p90 stands in its place" in response.performance.warnings
        found.append((response.accuracy.good, response.performance.latency_p90_ns))
    assert sorted(found) == sorted(figures)


def test_what_is_not_recorded_fails_with_a_reason(tmp_path: Path) -> None:
    space = load_space(write(tmp_path, [(500, 1000), None, (700, 2000)]), {})
    failures = [response.failure for response in ask(space, space.backend, tmp_path)]
    reasons = {(failure.error, failure.message) if failure else None for failure in failures}
    assert reasons == {None, ("invoke_failed", "t.csv has no figures for this configuration")}
    configuration = next(iter(space.tree.configurations()))
    unknown = ask_for(space, configuration, "0" * 64)
    failure = space.backend.run(unknown, tmp_path, 1.0).failure
    assert failure
    assert (failure.error, failure.message) == ("model_unsupported", "t.csv has no such configuration")
    assert Measurement(0, configuration, "", Response(failure=failure)).infeasible


def test_only_what_was_asked_for_is_answered(tmp_path: Path) -> None:
    space = load_space(write(tmp_path, [(500, 1000), (600, 2000)]), {})
    configuration = next(iter(space.tree.configurations()))
    sha256 = space.source(configuration).make(space.variant(configuration)).sha256
    request = dataclasses.replace(ask_for(space, configuration, sha256), accuracy=None)
    assert space.backend.run(request, tmp_path, 1.0).accuracy is None


def dse(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(make_app(), [str(word) for word in words])
    return result.exit_code, result.stdout


def test_a_search_finds_the_true_front_and_goes_on_where_it_was(tmp_path: Path) -> None:
    figures = [None if n == 5 else (1000 * (n % 7) + n, 10_000 * (n % 7) ** 2 + 100 * (n % 5) + 2) for n in range(24)]
    path = write(tmp_path, figures)
    common = ("explore", "--space", path, "--studies", tmp_path)
    assert dse(*common, "--dry-run")[1].startswith("t: 24 configurations, 0 of them known")
    assert dse(*common, "--trials", 7)[0] == 0
    assert len(Study.read(tmp_path / "t").measurements) == 7
    code, shown = dse(*common, "--budget", "1h", "--json")
    study = Study.read(tmp_path / "t")
    assert (code, len(study.measurements), sum(m.failed for m in study.measurements)) == (0, 24, 1)
    assert {m.phase for m in study.measurements} == {"search"}, "a record is asked once"
    document = json.loads(shown)
    table = BenchmarkProblem(tmp_path / "t.csv")
    assert document["recorded_in"] == study.recorded_in == str(tmp_path / "t.csv")
    assert {point.configuration for point in study.analysis.front} == table.front()
    assert document == front_document(front_report(study))
    assert front_report(study).title.endswith("recorded in t.csv, not measured here")
    shown = dse("front", "t", "--studies", tmp_path)[1]
    assert "recorded in t.csv, not measured here" in shown
    assert not [mark for mark in ("\u00b1", "\u00d7", "P(front)", "undecided") if mark in shown], "exact figures"
    assert all((p["p_front"], p["intervals"]) == (None, {}) for p in document["points"])
    assert f"recorded in {tmp_path / 't.csv'}, not measured here" in dse("explain", "t", 3, "--studies", tmp_path)[1]


def test_what_is_recorded_is_never_submitted(tmp_path: Path) -> None:
    path = write(tmp_path, [(500, 1000), (600, 2000)])
    assert dse("explore", "--space", path, "--studies", tmp_path)[0] == 0
    with pytest.raises(
        SubmissionError, match=r"recorded in .*t\.csv, not measured: there is no model to run"
    ) as caught:
        front_candidates(Study.read(tmp_path / "t"))
    assert caught.value.exit_code == 3


def test_a_space_is_shown_as_recorded(tmp_path: Path) -> None:
    path = write(tmp_path, [(500, 1000), (600, 2000)])
    assert f"2 configurations, recorded in {tmp_path / 't.csv'}" in dse("space", "check", path)[1].replace("\n", "")
    assert "nothing is measured; accuracies are over 50000 images" in dse("space", "show", path)[1]


def test_a_row_without_counts_fails(tmp_path: Path) -> None:
    path = write(tmp_path, [(500, 1000), (600, 2000)])
    lines = (tmp_path / "t.csv").read_text().splitlines()
    cells = lines[2].split(",")
    (tmp_path / "t.csv").write_text("\n".join([*lines[:2], ",".join([*cells[:3], "", "", *cells[5:]])]) + "\n")
    space = load_space(path, {})
    assert space.tree == read_table(tmp_path / "t.csv").tree
    messages = [r.failure.message for r in ask(space, space.backend, tmp_path) if r.failure]
    assert messages == ["t.csv has no acc_good and acc_total for this configuration"]


def test_accuracies_over_fewer_images_are_not_asked_for_again(tmp_path: Path) -> None:
    path = write(tmp_path, [(500, 1000), (600, 2000), (700, 3000)])
    table = (tmp_path / "t.csv").read_text().replace("1.200,600,50000,", "60.000,600,1000,")
    (tmp_path / "t.csv").write_text(table)
    assert load_space(path, {}).accuracy_images == 1_000
    for _ in range(2):
        assert dse("explore", "--space", path, "--studies", tmp_path)[0] == 0
        measurements = Study.read(tmp_path / "t").measurements
        assert sorted(m.accuracy.total for m in measurements if m.accuracy) == [1000, 50_000, 50_000]
