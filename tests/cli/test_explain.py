"""``dse explain`` as people read it: the verdict, the figures, and by how much another one is better."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import replace
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from dse_harness.protocol import Accuracy, DeviceState, ModelInfo, Request, Response

from dse.cli.outcome import show_result
from dse.study import Study
from tests.recording import RecordedHarness, answer, make_space, run_study


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


Explored = Callable[[int], dict[Any, int]]


@pytest.fixture(scope="module")
def _studies(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Searches by latency alone, which grows by ``step_ns`` a thread from 1 ms: each once, tests copy it."""

    @cache
    def search(step_ns: int) -> Path:
        def respond(request: Request) -> Response:
            response = answer(request)
            assert response.performance is not None
            latency_ns = 1_000_000 + step_ns * (request.runtime.threads - 1)
            return replace(response, performance=replace(response.performance, latency_p90_ns=latency_ns))

        folder = tmp_path_factory.mktemp("explored")
        space = make_space(folder, objectives=["latency_p90_ns"], parameters={"side": [48], "threads": [1, 2, 5]})
        run_study(folder / "studies" / "s", space, RecordedHarness(respond))
        return folder

    return search


@pytest.fixture
def explored(tmp_path: Path, _studies: Callable[[int], Path]) -> Explored:
    """Puts the study of so many ns a thread here, and returns its first trials by threads."""

    def put(step_ns: int) -> dict[Any, int]:
        shutil.copytree(_studies(step_ns), tmp_path, dirs_exist_ok=True)
        trials = [m for m in Study.read(tmp_path / "studies" / "s").measurements if m.phase == "search"]
        return {m.configuration["threads"]: m.trial for m in trials}

    return put


def test_a_point_of_the_front(explored: Explored, dse: Any) -> None:
    trial = explored(100_000)[1]
    done = dse("explain", "s", trial)
    assert done.code == 0
    assert "front: nothing dominates it" in done.out
    assert "1.000 ms" in done.out


@pytest.mark.parametrize(
    ("step_ns", "threads", "better"),
    [(10_000, 2, "1 %"), (100_000, 2, "10 %"), (100_000, 5, "40 %"), (2_000_000, 2, "a factor of 3.0")],
)
def test_by_how_much_another_is_better(explored: Explored, dse: Any, step_ns: int, threads: int, better: str) -> None:
    trial = explored(step_ns)[threads]
    done = dse("explain", "s", trial)
    assert "dominated: trial" in done.out
    assert f"p90 latency: 1.000 ms, better by {better}\n" in done.out
    document = json.loads(dse("explain", "s", trial, "--json").out)
    assert document["verdict"] == "dominated"


def test_what_was_never_measured_and_what_is_none(explored: Explored, dse: Any) -> None:
    explored(100_000)
    done = dse("explain", "s", "threads=7")
    assert (done.code, done.out) == (2, "")
    assert "found threads=7, allowed: 1, 2, 5" in done.err
    done = dse("explain", "s", "999")
    assert done.code == 2
    assert "found trial 999" in done.err


@pytest.mark.parametrize("what", ["foo=1", '{"foo": 1}', "threads=1,foo=x"])
def test_an_unknown_parameter_is_named_with_those_that_there_are(explored: Explored, dse: Any, what: str) -> None:
    explored(100_000)
    done = dse("explain", "s", what)
    assert (done.code, done.out) == (2, "")
    assert "the study has no parameter foo, allowed: family, form, width, side, precision, threads" in done.err


def test_a_level_that_is_a_word_is_found_though_it_looks_like_a_number(tmp_path: Path, dse: Any) -> None:
    models = {"2024": {"zoo": "mobilenet_v3"}}
    parameters = {"model": ["2024"], "threads": [1], "side": [48]}
    run_study(tmp_path / "studies" / "s", make_space(tmp_path, models=models, parameters=parameters))
    configuration = "family=small,form=minimalistic,width=0.35,side=48,precision=float32,threads=1,model=2024"
    assert "front: nothing dominates it" in dse("explain", "s", configuration).out


@pytest.mark.parametrize("what", ["\u00b2", "a=NaN", '{"a": NaN}', "abc", "1" * 5000, "[" * 20_000])
def test_what_is_no_configuration(explored: Explored, dse: Any, what: str) -> None:
    explored(100_000)
    done = dse("explain", "s", what)
    assert done.code == 2
    assert len(done.err) < 11_000


def test_the_next_command_finds_the_study(tmp_path: Path, explored: Explored, dse: Any) -> None:
    trial = explored(100_000)[1]
    (tmp_path / "studies").rename(tmp_path / "elsewhere")
    done = dse("explain", "s", trial, "--studies", "elsewhere")
    assert "dse front s --studies elsewhere" in done.err


def test_who_breaks_a_constraint_dominates_nobody(tmp_path: Path, dse: Any) -> None:
    """One thread is fastest, and too large for the constraint."""

    def respond(request: Request) -> Response:
        response, threads = answer(request), request.runtime.threads
        assert response.performance is not None
        performance = replace(response.performance, latency_p90_ns=1_000_000 * threads)
        return replace(response, performance=performance, peak_memory_bytes=2**30 if threads == 1 else 2**20)

    space = make_space(
        tmp_path,
        objectives=["latency_p90_ns"],
        constraints=["peak_memory_bytes <= 100 MiB"],
        parameters={"side": [48], "threads": [1, 2, 5]},
    )
    run_study(tmp_path / "studies" / "s", space, RecordedHarness(respond))
    trials = {
        m.configuration["threads"]: m.trial
        for m in Study.read(tmp_path / "studies" / "s").measurements
        if m.phase == "search"
    }
    document = json.loads(dse("explain", "s", trials[5], "--json").out)
    assert document["verdict"] == "dominated"
    assert document["dominated_by"]["trial"] == trials[2]


def test_what_no_trial_of_counts_is_not_called_measured(tmp_path: Path, dse: Any) -> None:
    def respond(request: Request) -> Response:
        throttled = ("throttled",) if request.runtime.threads == 2 else ()
        before, after = (
            DeviceState(
                f"2026-01-01T00:00:0{second}.000000Z", 0.0, ("performance",), foreign_cpu_s=0.0, throttled=flags
            )
            for second, flags in ((0, ()), (2, throttled))
        )
        return replace(answer(request), device_before=before, device_after=after)

    space = make_space(tmp_path, parameters={"side": [48], "threads": [1, 2, 5]})
    run_study(tmp_path / "studies" / "s", space, RecordedHarness(respond))
    shown = dse("front", "s").out
    assert "of 2 measured configurations are on the front" in shown
    assert "3 configurations: 2 measured, 1 excluded" in shown


def test_an_accuracy_no_better_than_chance_is_told_with_what_to_check(tmp_path: Path, dse: Any) -> None:
    model = ModelInfo((1, 48, 48, 3), "float32", "NHWC", (1, 10), "float32", background_class=False, file_bytes=9)

    def respond(request: Request) -> Response:
        response = replace(answer(request), model=model)
        return replace(response, accuracy=Accuracy(9, 100, "", "random", 10_000)) if request.accuracy else response

    space = make_space(tmp_path, parameters={"side": [48], "threads": [1]})
    progress = run_study(tmp_path / "studies" / "s", space, RecordedHarness(respond))
    study = Study.read(tmp_path / "studies" / "s")
    done = dse("explain", "s", study.measurements[0].trial)
    assert "9 of 100 images are right, which is no better than a guess among 10 classes" in done.out
    assert "mean and scale in preprocessing" in " ".join(done.out.split())
    document = json.loads(dse("explain", "s", study.measurements[0].trial, "--json").out)
    assert document["no_better_than_chance"].startswith("9 of 100 images")
    with redirect_stderr(StringIO()) as said:
        show_result(study, progress, tmp_path / "studies", "dse explore", as_json=True, interrupted=False)
    assert "no better than chance: trial 0: 9 of 100 images are right" in " ".join(said.getvalue().split())


def test_where_others_answer_better_the_inputs_are_not_to_blame(tmp_path: Path) -> None:
    model = ModelInfo((1, 48, 48, 3), "float32", "NHWC", (1, 10), "float32", background_class=False, file_bytes=9)
    bad: set[str] = set()

    def respond(request: Request) -> Response:
        good = 9 if request.model_sha256 in (bad or {request.model_sha256}) else 80
        bad.update([] if bad else [request.model_sha256])
        response = replace(answer(request), model=model)
        accuracy = Accuracy(good, 100, request.model_sha256, "random", 10_000)
        return replace(response, accuracy=accuracy) if request.accuracy else response

    space = make_space(tmp_path, parameters={"side": [48, 64], "threads": [1]})
    run_study(tmp_path / "studies" / "s", space, RecordedHarness(respond))
    guesses = Study.read(tmp_path / "studies" / "s").analysis.guesses
    assert guesses
    assert "9 of 100 images are right" in guesses
    assert "other configurations of the same model answer better" in guesses
    assert "mean and scale" not in guesses


@pytest.fixture(scope="module")
def four_of_nine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of four of nine configurations, which lie on two branches."""
    forms = {"minimalistic": {"width": [0.35, 0.5]}, "full": {"width": [0.35], "hard_swish": ["operator"]}}
    tree = {"family": {"small": {"form": forms}}, "form": None, "width": None, "side": [48], "threads": [1, 2, 5]}
    folder = tmp_path_factory.mktemp("four")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("DSE_CACHE", str(folder / "cache"))
        space = make_space(folder, objectives=["latency_p90_ns"], parameters=tree)
        run_study(folder / "studies" / "s", space, trials=4)
    return folder


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("threads=2,side=48", "fits 3 configurations: measured in trial"),
        ("threads=2,side=48,form=minimalistic", "fits 2 configurations: "),
        ("side=48", "fits 9 configurations: measured in trial"),
        ("hard_swish=operator,form=minimalistic", "no configuration of the space has hard_swish=operator form=minimal"),
        ("threads=3.5", "found threads=3.5, allowed: 1, 2, 5"),
        ("family=nix,threads=1", "found family=nix, allowed: small"),
        ('{"threads": true}', "found threads=true, allowed: 1, 2, 5"),
        ('{"threads": [1]}', "threads is no word, number, true or false"),
        ("{", "expected a trial's number or a configuration"),
    ],
)
def test_what_cannot_be_or_is_several_is_never_called_unmeasured(
    tmp_path: Path, four_of_nine: Path, dse: Any, what: str, said: str
) -> None:
    shutil.copytree(four_of_nine, tmp_path, dirs_exist_ok=True)
    done = dse("explain", "s", what)
    assert (done.code, done.out) == (2, "")
    assert said in " ".join(done.err.split())
    assert "nobody measured" not in done.err


def test_one_configuration_is_found_by_a_part_of_it(explored: Explored, dse: Any) -> None:
    trial = explored(100_000)[2]
    assert f"; 1 run, trial {trial}" in dse("explain", "s", "threads=2").out


def test_a_configuration_of_the_space_that_was_not_measured_is_unmeasured(tmp_path: Path, dse: Any) -> None:
    run_study(tmp_path / "studies" / "s", make_space(tmp_path), trials=1)
    tried = {m.configuration for m in Study.read(tmp_path / "studies" / "s").measurements}
    left = next(c for c in make_space(tmp_path).tree.configurations() if c not in tried)
    assert "unmeasured: nobody measured it yet" in dse("explain", "s", str(left)).out
