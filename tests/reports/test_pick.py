"""One configuration for a requirement: the best of those that satisfy it, and what the next ones would cost."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import pytest
from dse_harness.protocol import Accuracy, Performance, Request, Response

from dse.core.metrics import objective
from dse.errors import NothingMeasuredError, UsageError
from dse.reports.pick import Pick, margin_words, pick, pick_document, pick_sentences
from dse.study import Study
from tests.recording import RecordedHarness, answer, make_space, run_study

_FIGURES = {1: (0.90, 1.0), 2: (0.92, 1.5), 3: (0.95, 4.0)}
"""Accuracy and latency in ms, by threads."""


def _answer(request: Request) -> Response:
    accuracy, ms = _FIGURES[request.runtime.threads]
    latency_ns = int(ms * 1e6)
    good = round(accuracy * 10_000)
    return dataclasses.replace(
        answer(request),
        accuracy=Accuracy(good, 10_000, f"{request.runtime.threads:064}", "random", 10_000),
        performance=Performance.constant(
            latency_ns, early_stopping_p90_ns=latency_ns, query_count=500, duration_ns=10**9
        ),
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("picked")
    objectives = ["accuracy", "latency_p90_ns"]
    fidelity = {"explore": {"accuracy_images": 10_000}}
    space = make_space(folder, objectives=objectives, parameters={"side": [48]}, fidelity=fidelity)
    run_study(folder / "study", space, RecordedHarness(_answer))
    return Study.read(folder / "study")


def _threads(found: Pick) -> object:
    return found.point.configuration["threads"]


@pytest.mark.parametrize(
    ("where", "named", "threads"),
    [
        ([], {}, 3),
        (["accuracy >= 91 %"], {}, 2),
        (["accuracy >= 89 %"], {}, 1),
        (["latency_p90_ns <= 2 ms"], {}, 2),
        (["latency_p90_ns <= 2 ms"], {"minimize": "latency_p90_ns"}, 1),
        ([], {"maximize": "accuracy"}, 3),
        ([], {"minimize": "accuracy"}, 1),
        (["threads != 1"], {"minimize": "latency_p50_ns"}, 2),
    ],
)
def test_the_best_in_the_figure_that_is_left_open(
    study: Study, where: list[str], named: dict[str, str], threads: int
) -> None:
    assert _threads(pick(study, where, **named)) == threads


def test_what_the_next_ones_cost(study: Study) -> None:
    found = pick(study, ["accuracy >= 91 %"], baseline=next(iter(pick(study, [], maximize="accuracy").point.trials)))
    assert found.better
    assert found.cheaper
    assert found.baseline
    assert found.baseline.trial == pick(study, maximize="accuracy").point.trials[0]
    assert (found.better.configuration["threads"], found.cheaper.configuration["threads"]) == (3, 1)
    assert found.better.margins == pytest.approx({"accuracy": 0.03, "latency_p90_ns": math.log(1.5 / 4)})
    better, cheaper, against, *rest = pick_sentences(found)
    assert "3 points more accuracy for 2.7 times the p90 latency" in better
    assert "33 % less p90 latency, with 2 points less accuracy" in cheaper
    assert "3 points less accuracy, 1/2.7 of the p90 latency" in against
    assert rest == []
    document = json.loads(json.dumps(pick_document(found)))
    assert document["next_better"]["trial"] == found.better.trial
    assert document["values"]["latency_p90_ns"] == 1_500_000


def test_the_ends_of_the_front_have_one_neighbour(study: Study) -> None:
    best, fastest = pick(study, maximize="accuracy"), pick(study, minimize="latency_p90_ns")
    assert best.cheaper is None
    assert fastest.cheaper is None
    assert fastest.better


def test_a_condition_that_may_not_hold_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    space = make_space(tmp_path, objectives=["accuracy", "latency_p90_ns"], parameters={"side": [48]})
    run_study(folder, space, RecordedHarness(_answer))
    found = pick(Study.read(folder), ["latency_p90_ns <= 1.01 ms"])
    assert [str(c) for c in found.doubtful] == ["latency_p90_ns <= 1010000"]
    assert pick_sentences(found)[-1] == "not certain: p90 latency <= 1.010 ms; the interval of 95 % goes beyond"


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"minimize": "foo"}, "found 'foo', allowed: accuracy"),
        ({"minimize": "accuracy", "maximize": "accuracy"}, "found both"),
        ({"baseline": 99}, "found trial 99"),
    ],
)
def test_what_is_not_there_is_refused(study: Study, named: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        pick(study, **named)  # type: ignore[arg-type]


def test_nothing_satisfies(study: Study) -> None:
    with pytest.raises(NothingMeasuredError, match="no configuration has accuracy >= 99 %"):
        pick(study, ["accuracy >= 99 %"])


@pytest.mark.parametrize(
    ("name", "margin", "words"),
    [
        ("accuracy", 0.004, "0.4 points more accuracy"),
        ("accuracy", -0.004, "0.4 points less accuracy"),
        ("accuracy", 0.0, "the same accuracy"),
        ("latency_p90_ns", math.log(1.25), "20 % less p90 latency"),
        ("latency_p90_ns", -math.log(1.25), "25 % more p90 latency"),
        ("latency_p90_ns", -math.log(3), "3.0 times the p90 latency"),
        ("latency_p90_ns", math.log(4), "1/4.0 of the p90 latency"),
    ],
)
def test_differences_in_words(name: str, margin: float, words: str) -> None:
    assert margin_words(objective(name), margin) == words
