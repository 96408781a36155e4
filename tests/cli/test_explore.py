"""``dse explore`` at its edges: exit codes, plans, and no traceback for what a user can get wrong."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from dse_harness.protocol import DeviceState

from dse.cli.options import option_words
from dse.study import Study
from dse.study.writer import StudyWriter
from tests.recording import RecordedHarness, answer, make_space, run_study


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _broken_models(here: Path, **changes: Any) -> Path:
    """A space whose models are no models."""
    np.savez(here / "images.npz", images=np.zeros((4, 8, 8, 3), np.uint8), labels=[0, 1, 2, 3])
    (here / "m").mkdir(exist_ok=True)
    (here / "m" / "a.tflite").write_bytes(b"no model")
    space = {
        "schema": 1,
        "name": "broken",
        "data_set": {"file": "images.npz"},
        "models": {"m": {"glob": "m/*.tflite"}},
        "parameters": {"buffer_size": [4]},
    }
    (here / "broken.yaml").write_text(yaml.safe_dump(space | changes))
    return here / "broken.yaml"


def test_a_plan_is_json_and_makes_nothing(here: Path, dse: Any) -> None:
    make_space(here)
    done = dse("explore", "--space", "small_study.yaml", "--dry-run", "--json", "--timeout", "1m")
    assert (done.code, done.err) == (0, "")
    plan = json.loads(done.out)
    assert plan["schema"] == 1
    assert (plan["space"], plan["configurations"], plan["known"]) == ("small_study", 6, 0)
    assert plan["trials"] >= 1
    assert plan["seconds"] > 0
    assert plan["study"] == str(here / "studies" / "small_study")
    assert not (here / "studies").exists()


def test_a_plan_in_words_counts_what_is_known(small_study: Path, dse: Any) -> None:
    space = small_study.parent / "small_study.yaml"
    done = dse("explore", "--space", space, "--studies", small_study.parent, "--dry-run")
    assert done.code == 0
    assert "6 configurations, 6 of them known" in done.out.replace("\n", " ")


def test_a_plan_says_what_few_trials_take_and_what_follows_them(here: Path, dse: Any) -> None:
    space = make_space(here, fidelity={"explore": {"accuracy_images": 10_000}}).path
    few = ("explore", "--space", space, "--dry-run", "--trials", "3")
    plan = json.loads(dse(*few, "--json").out)
    shown = " ".join(dse(*few).out.split())
    assert (
        f"about 3 configurations of {plan['search_seconds'] / 3:.1f} s in {plan['search_seconds']} s (a guess" in shown
    )
    assert f"then about {plan['accuracy_seconds']} s for the accuracies of the front on all 10000 images" in shown
    limited = " ".join(dse(*few, "--budget", "5m", "--timeout", "2m").out.split())
    assert "to confirm the front; the accuracies of the front on all 10000 images" in limited
    assert plan["guessed"] is True
    assert plan["seconds"] == pytest.approx(plan["search_seconds"] + plan["accuracy_seconds"], abs=0.2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--space"),
        (("--space",), "--space"),
        (("--space", "mobilenet_v3.yaml", "--trials", "0"), "--trials"),
        (("--space", "mobilenet_v3.yaml", "--trials", "many"), "'many' is not a valid"),
        (("--space", "mobilenet_v3.yaml", "--timeout", "90"), "found '90', allowed: a number with ms, s, m or h"),
        (("--space", "mobilenet_v3.yaml", "--timeout", ""), "found ''"),
        (("--space", "mobilenet_v3.yaml", "--timeout", "0s"), "more than nothing"),
        (("--space", "mobilenet_v3.yaml", "--seed", "-1"), "--seed"),
        (("--space", "mobilenet_v3.yaml", "--seed", str(2**32)), "--seed"),
        (("--space", "mobilenet_v3.yaml", "--fast"), "--fast"),
    ],
)
def test_a_wrong_command_is_a_usage_error(here: Path, dse: Any, words: tuple[str, ...], said: str) -> None:
    done = dse("explore", *words)
    assert (done.code, done.out) == (2, "")
    assert said in " ".join(done.err.replace("│", " ").split())
    assert "Traceback" not in done.err
    assert not (here / "studies").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 9}, "broken.yaml:"),
        ({"constraints": ["speed >= 3"]}, "found the metric 'speed'"),
        ({"models": {"m": {"path": "none.tflite"}}}, "no such file"),
        ({"models": {"m": {"glob": "${DSE_MODELS}/*"}}}, "--models DIR"),
        ({"data_set": {"file": "none.npz"}}, "none.npz"),
        ({"parameters": {"threads": [0]}}, "whole numbers from 1"),
    ],
)
def test_a_wrong_space_is_bad_input_with_file_and_remedy(
    here: Path, dse: Any, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], said: str
) -> None:
    monkeypatch.delenv("DSE_MODELS", raising=False)
    done = dse("explore", "--space", _broken_models(here, **change))
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("error: ")
    assert said in done.err
    assert "Traceback" not in done.err
    assert not (here / "studies").exists()


def test_a_runtime_that_is_not_there_is_a_matter_of_the_machine(here: Path, dse: Any) -> None:
    done = dse("explore", "--space", _broken_models(here, runtimes={"r": {"python": "/no/such/python"}}))
    assert (done.code, done.out) == (4, "")
    assert "/no/such/python" in done.err


def test_models_that_nobody_can_run_end_with_nothing_measured(here: Path, dse: Any) -> None:
    done = dse("explore", "--space", _broken_models(here))
    assert done.code == 5
    assert "failed: 1 trial (model_broken)" in done.err
    assert "nothing could be measured: 1 trial failed" in done.err
    assert "Traceback" not in done.err
    again = dse("explore", "--space", here / "broken.yaml")
    assert again.code == 5
    assert len(list((here / "studies" / "broken" / "trials").iterdir())) == 1


def test_the_next_command_has_no_secret_of_the_storage(here: Path, dse: Any) -> None:
    (here / "t.csv").write_text(
        "family,accuracy_pct,acc_good,acc_total,p90_latency_ns\nv1,50,500,1000,1\nv2,6,60,1000,2\n"
    )
    (here / "t.yaml").write_text("{schema: 1, name: t, replay: t.csv, objectives: [accuracy, latency_p90_ns]}")
    storage = f"sqlite:///file:{here}/view.db?uri=true&token=hidden"
    done = dse("explore", "--space", here / "t.yaml", "--trials", 1, "--storage", storage)
    assert f"--storage sqlite:///file:{here}/view.db --more" in done.err
    assert "hidden" not in done.err + done.out


def test_a_plan_refuses_what_the_search_refuses(small_study: Path, dse: Any) -> None:
    space = make_space(small_study.parent, name="other").path
    for words, said in (
        ((space, "--study", "small_study"), "of the space small_study, not of other"),
        ((small_study.parent / "small_study.yaml", "--storage", "sqlite:///x.db"), "found storage study.db, asked for"),
        ((space, "--study", "no name"), "found the name 'no name'"),
    ):
        for more in ((), ("--dry-run",)):
            done = dse("explore", "--space", *words, "--studies", small_study.parent, *more)
            assert (done.code, done.out) == (3, "")
            assert said in done.err


def test_a_cache_that_cannot_be_written_is_a_matter_of_the_machine(
    here: Path, dse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = make_space(here).path
    (here / "file").write_text("")
    monkeypatch.setenv("DSE_CACHE", str(here / "file" / "cache"))
    done = dse("explore", "--space", space)
    assert (done.code, done.out) == (4, "")
    assert "the cache cannot be used: Not a directory" in done.err
    assert "export DSE_CACHE=" in done.err
    assert not (here / "studies").exists()
    (here / "other").mkdir()
    (here / "other" / "models").write_text("")
    monkeypatch.setenv("DSE_CACHE", str(here / "other"))
    assert dse("explore", "--space", space).code == 4
    study = here / "studies" / "small_study"
    assert len(list((study / "trials").iterdir())) == 1
    assert Study.read(study).measurements == []


def test_a_study_of_which_every_trial_was_left_out_says_so(here: Path, dse: Any) -> None:
    throttled = DeviceState("2026-01-01T00:00:00.000000+00:00", 0.0, throttled=("under-voltage",))
    harness = RecordedHarness(lambda request: replace(answer(request), device_before=throttled))
    space = make_space(here, parameters={"side": [48], "threads": [1]})
    study = here / "studies" / "small_study"
    while len(list(study.glob("trials/*"))) < 3:  # then it is not tried any more, and the command measures nothing
        run_study(study, space, harness)
    done = dse("explore", "--space", space.path)
    assert done.code == 5
    assert "every trial that worked is excluded, e.g. trial 2: the device says: under-voltage" in done.err


def test_a_study_in_use_is_bad_input(here: Path, dse: Any) -> None:
    space = make_space(here)
    with StudyWriter(here / "studies" / "small_study", space, None, {}):
        done = dse("explore", "--space", space.path, "--trials", 1)
    assert done.code == 3
    assert "in use by process" in done.err


def test_a_path_in_the_environment_starts_in_the_current_folder(
    here: Path, dse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _broken_models(here, models={"m": {"glob": "${DSE_MODELS}/*.tflite"}})
    (here / "elsewhere").mkdir()
    path = path.rename(here / "elsewhere" / "broken.yaml")
    (here / "images.npz").rename(here / "elsewhere" / "images.npz")
    monkeypatch.setenv("DSE_MODELS", "m")
    assert dse("space", "check", path).code == 0


def test_a_warm_start_from_what_is_no_study_and_no_results_is_refused(here: Path, dse: Any) -> None:
    space = make_space(here)
    (here / "results.duckdb").write_bytes(b"not a database")
    for named, said in (("results.duckdb", "no database that DuckDB can read"), ("nowhere", "no study is here")):
        for more in ((), ("--dry-run",)):
            done = dse("explore", "--space", space.path, "--warm-start", named, *more)
            assert (done.code, done.out) == (3, "")
            assert said in done.err
    assert not (here / "studies").exists()


def test_a_plan_says_how_much_of_another_study_comes_first(here: Path, dse: Any) -> None:
    run_study(here / "studies" / "before", make_space(here))
    command = ("explore", "--space", make_space(here).path, "--study", "new", "--warm-start", "before", "--dry-run")
    front = len(Study.read(here / "studies" / "before").analysis.front)
    assert f"first the {front} of the warm start" in dse(*command).out
    assert json.loads(dse(*command, "--json").out)["first"] == front
    other = make_space(here, parameters={"threads": [7, 8]}).path
    done = dse("explore", "--space", other, "--study", "new", "--warm-start", "before", "--dry-run")
    assert done.code == 3
    assert "no configuration on its front is one of" in done.err


@pytest.fixture
def program(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An interpreter that came with a space, and leaves a trace when it runs."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(here / "config"))
    path = here / "evil.sh"
    path.write_text(f'#!/bin/sh\ntouch {here}/ran\nexec {sys.executable} "$@"\n')
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("words", [("explore", "--dry-run", "--space"), ("space", "check"), ("space", "show")])
def test_looking_runs_no_program_of_a_space(here: Path, dse: Any, program: Path, words: tuple[str, ...]) -> None:
    done = dse(*words, _broken_models(here, runtimes={"r": {"python": "./evil.sh"}}))
    assert done.code == 0
    assert f"runtime r names a program: {program}; version not asked" in (done.out + done.err).replace("\n", "")
    assert not (here / "ran").exists()


def test_a_program_of_a_space_is_run_once_it_is_trusted(here: Path, dse: Any, program: Path) -> None:
    space = _broken_models(here, runtimes={"r": {"python": "./evil.sh"}})
    done = dse("explore", "--space", space)
    assert (done.code, done.out) == (3, "")
    assert f"names a program that would be run: {program}" in done.err
    assert "--trust" in done.err
    assert not (here / "ran").exists()
    assert not (here / "studies").exists()
    for words in (("--trust",), ()):
        done = dse("explore", "--space", space, *words)
        assert done.code == 5
        assert f"runtime r is run by {program}, as {space} says" in done.err
        (here / "ran").unlink()
    program.write_text(program.read_text() + "# changed\n")
    assert dse("explore", "--space", space).code == 3
    assert not (here / "ran").exists()


def test_a_switch_in_the_next_command_has_no_word_after_it() -> None:
    assert (
        option_words(study="a b", strict=True, seed=None, images=[1, 2])
        == " --study 'a b' --strict --images 1 --images 2"
    )


@pytest.mark.parametrize("word", ["device = 'rpi4'", "a 'b' \"c\"", "it's $HOME", "'!'", "plain", "a\\'b"])
def test_a_word_for_a_shell_is_one_and_is_read_by_people(word: str) -> None:
    words = option_words(where=word)
    assert shlex.split(words) == ["--where", word]
    assert ("'\"'\"'" in words) == ("'" in word and any(letter in word for letter in '"$!\\'))
