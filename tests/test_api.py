"""dse from Python: what is public, that its examples are true, and that a call says nothing."""

from __future__ import annotations

import doctest
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest

import dse
from dse.api import StopSearch
from dse.backends import FakeDevice
from dse.spaces.space import Space
from dse.study import Study
from dse.study.rows import TrialRow
from dse.submission.rounds import ROUNDS
from tests.harness.distributions import install
from tests.recording import make_space

NAMES = {
    "Backend",
    "Budget",
    "ConfigurationRow",
    "Configurations",
    "DseError",
    "FakeDevice",
    "Front",
    "MachineError",
    "Space",
    "SpaceError",
    "StopSearch",
    "Study",
    "StudyError",
    "Systems",
    "TrialRow",
    "Trials",
    "__version__",
    "compare",
    "explore",
    "explore_systems",
    "load_space",
    "model_space",
    "open_study",
    "pick",
    "plot",
    "report",
}


def _device(**changes: Any) -> FakeDevice:
    given: dict[str, Any] = {"latency_ns": lambda r: 1e6 / r.runtime.threads, "accuracy": lambda _: 0.9}
    return FakeDevice(**given | changes)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder to work in, with the study ``studies/example`` of six configurations."""
    folder = tmp_path_factory.mktemp("api")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("DSE_CACHE", str(folder / "cache"))
        monkeypatch.chdir(folder)
        dse.explore(make_space(folder), "studies/example", seed=1, backend=_device(noise=0.0))
        yield folder


def test_these_names_are_public() -> None:
    assert set(dse.__all__) == NAMES
    assert dse.__all__ == sorted(dse.__all__)
    assert set(dir(dse)) >= NAMES
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        dse.nothing  # noqa: B018  # that it raises is the test


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("name", ["dse", *sorted(NAMES - {"__version__"})])
def test_the_example_of_each_name_is_true(name: str) -> None:
    found = dse if name == "dse" else getattr(dse, name)
    (test,) = doctest.DocTestFinder(recurse=False).find(found, name, globs={})
    assert test.examples, f"{name} has no example"
    assert doctest.DocTestRunner().run(test).failed == 0


def test_importing_dse_imports_nothing_heavy() -> None:
    heavy = ["numpy", "pandas", "optuna", "pydantic", "matplotlib", "moocore", "yaml", "logging", "dse_harness"]
    code = f"import dse, sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_reading_a_study_imports_neither_optuna_nor_pandas(here: Path) -> None:
    code = (
        "import dse, sys; s = dse.open_study('studies/example'); s.front(); s.configurations(); s.trials()\n"
        "print([name for name in ('optuna', 'pandas', 'pydantic', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=here)
    assert done.stdout == "[]\n"


def test_a_search_says_nothing_and_sets_no_log_level(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = optuna.logging.get_verbosity(), logging.getLogger().level, logging.getLogger("optuna").handlers[:]
    study = dse.explore(make_space(here), "studies/quiet", dse.Budget(trials=2), backend=_device())
    study.optuna_study()
    study.front().to_pandas()
    assert (optuna.logging.get_verbosity(), logging.getLogger().level, logging.getLogger("optuna").handlers) == before
    assert tuple(capfd.readouterr()) == ("", "")


def test_a_search_goes_on_where_it_was_and_its_budget_is_for_all_of_it(here: Path) -> None:
    space, folder = make_space(here), here / "studies" / "goes_on"
    seen: list[int] = []

    def stop(study: Study, trial: TrialRow) -> None:
        seen.append(trial.trial)
        if len(seen) == 2:
            raise StopSearch

    stopped = dse.explore(space, folder, dse.Budget(trials=4), callbacks=[stop], backend=_device())
    assert (seen, len(stopped.trials())) == ([0, 1], 2)
    done = dse.explore(space, folder, dse.Budget(trials=4), backend=_device())
    assert len(done.configurations()) == 4
    assert len(done.optuna_study().trials) == 4
    assert (folder / "front.json").is_file()
    assert [r.values for r in dse.open_study(folder).front()] == [r.values for r in done.front()]


def test_a_study_keeps_the_calls_that_searched_it(here: Path) -> None:
    folder = here / "studies" / "called"
    for trials in (2, 2, 3):
        study = dse.explore(make_space(here), folder, dse.Budget(trials=trials), seed=4, backend=_device())
    calls = [
        f"dse.explore('small_study.yaml', 'studies/called', dse.Budget(trials={n}), seed=4, backend=...)"
        for n in (2, 3)
    ]
    assert [(s.command, s.times) for s in study.settings.searches] == [(calls[0], 2), (calls[1], 1)]
    assert dse.open_study(folder).settings.searches == study.settings.searches
    elsewhere = dse.explore(str(here / "small_study.yaml"), folder.with_name("named"), backend=_device())
    assert [s.command for s in elsewhere.settings.searches] == [
        "dse.explore('small_study.yaml', 'studies/named', backend=...)"
    ]


def test_a_callbacks_error_ends_the_search_and_the_study_is_whole(here: Path) -> None:
    def fail(study: Study, trial: TrialRow) -> None:
        raise ZeroDivisionError

    folder = here / "studies" / "failed"
    with pytest.raises(ZeroDivisionError):
        dse.explore(make_space(here), folder, callbacks=[fail], backend=_device())
    assert len(dse.open_study(folder).optuna_study().trials) == 1


@pytest.mark.parametrize("sampler", ["random", optuna.samplers.TPESampler(seed=3)])
def test_any_sampler_may_be_asked(here: Path, sampler: Any) -> None:
    study = dse.explore(
        make_space(here), here / "studies" / f"by_{type(sampler).__name__}", backend=_device(), sampler=sampler
    )
    assert len(study.configurations()) == 6


def test_an_edited_space_that_changes_the_answers_is_refused(here: Path) -> None:
    folder = here / "studies" / "edited"
    dse.explore(make_space(here), folder, backend=_device())
    with pytest.raises(dse.StudyError, match="the edited space changes what this study answers"):
        dse.explore(make_space(here, objectives=["latency_p90_ns"]), folder, backend=_device())


def test_a_program_that_a_space_names_is_not_run_unasked(here: Path, tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\ntouch ran\n")
    program.chmod(0o755)
    space = make_space(here, runtimes={"other": {"engine": "litert", "python": str(program)}})
    with pytest.raises(dse.DseError, match="names a program that would be run"):
        dse.explore(space, here / "studies" / "program", backend=_device())
    assert not (here / "ran").exists()


def test_a_space_is_loaded_by_name_and_by_path(here: Path) -> None:
    assert isinstance(dse.load_space("mobilenet_v3"), Space)
    make_space(here)
    assert dse.load_space(here / "small_study.yaml").name == "small_study"


def test_what_dse_logs_is_shown_by_nobody_who_did_not_ask() -> None:
    code = (
        "import logging, sys\nfrom dse.log import logger\nlogger('dse.api').warning('quiet')\n"
        "logging.basicConfig(stream=sys.stdout, format='%(name)s %(message)s')\nlogger('dse.api').warning('heard')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("dse.api heard\n", "")


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"accuracy": "toys:Toy"}, "dse.metrics: found 'accuracy' twice, from dse itself and from toys 1.0"),
        ({"toy": "toys:Toy"}, "dse.metrics: 'toy' (toys:Toy) from toys 1.0: cannot be loaded"),
    ],
)
def test_what_another_distribution_breaks_is_an_error_of_dse(
    here: Path, tmp_path: Path, entries: dict[str, str], said: str
) -> None:
    install(tmp_path, "toys", "dse.metrics", entries)
    code = (
        "import dse\ntry: dse.open_study('studies/example').front()\n"
        "except dse.DseError as error: print(isinstance(error, dse.MachineError), error, error.message == str(error))"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=here, env=environment)
    assert done.stdout.startswith(f"True {said}")
    assert done.stdout.endswith(" True\n")


def test_a_name_that_nothing_has_is_an_error_of_dse() -> None:
    with pytest.raises(dse.MachineError, match="found 'nothing', allowed: ") as caught:
        ROUNDS.get("nothing")
    assert isinstance(caught.value, LookupError)
    assert caught.value.message == str(caught.value)
    assert caught.value.advice is None
