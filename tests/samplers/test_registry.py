"""A sampler of another distribution: it is named by a space and by the command line, and searches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from dse_harness.registry import UnknownEntryError

from dse.errors import MachineError
from dse.samplers.registry import SAMPLERS, current_name, is_sampler, require_packages, sampler_names
from tests.harness.distributions import install

SOURCE = """
from optuna.samplers import BaseSampler
from dse.samplers import SamplerEntry

class Last(BaseSampler):
    def infer_relative_search_space(self, study, trial):
        return {}

    def sample_relative(self, study, trial, search_space):
        return {}

    def sample_independent(self, study, trial, param_name, param_distribution):
        return param_distribution.choices[-1]

last = SamplerEntry(lambda tree, seed: Last())
"""
TABLE = "config_id,family,resolution,accuracy_pct,p90_latency_ns\n" + "".join(
    f"{family}{side},{family},{side},{side / 3:.2f},{side * 1000}\n" for family in "ab" for side in (48, 64, 96, 128)
)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A call of Python in a process that has the other distribution, as its entry points are looked for once."""
    install(tmp_path / "site", "toy_samplers", "dse.samplers", {"last": "toy_samplers:last"}, {"toy_samplers": SOURCE})
    (tmp_path / "table.csv").write_text(TABLE)
    path = os.pathsep.join([str(tmp_path / "site"), str(Path(__file__).parents[2]), *filter(None, sys.path)])

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return call


def test_another_distribution_adds_a_sampler(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = run("-m", "dse", "replay", "--table", "table.csv", "--sampler", "last", "--seeds", "1", "--json")
    assert done.returncode == 0, done.stderr
    (searched,) = json.loads(done.stdout)["runs"]
    assert searched["recall"] == 1.0
    schema = run("-m", "dse", "space", "schema")
    assert "last" in json.loads(schema.stdout)["properties"]["sampler"]["enum"]
    wrong = run("-m", "dse", "replay", "--table", "table.csv", "--sampler", "first")
    assert "found 'first', allowed: auto, " in wrong.stderr


def test_names() -> None:
    assert sampler_names()[0] == "auto"
    assert all(map(is_sampler, (*sampler_names(), "surrogate")))
    assert current_name("surrogate") == "ehvi"
    assert not is_sampler("annealing")
    with pytest.raises(UnknownEntryError, match="allowed: ehvi, "):
        SAMPLERS.get("annealing")


def test_a_missing_package_is_said() -> None:
    require_packages("auto")
    require_packages("tpe")
    if missing := SAMPLERS.get("gp").missing:
        with pytest.raises(MachineError, match=f"sampler: gp needs {' and '.join(missing)}"):
            require_packages("gp")


def test_names_are_known_without_optuna(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    source = (
        "import sys; from dse.samplers.registry import sampler_names; sampler_names(); print('optuna' in sys.modules)"
    )
    assert run("-c", source).stdout == "False\n"


def test_every_public_name_is_what_it_says_whatever_was_imported_before() -> None:
    """A module of a package becomes an attribute of it, in place of what the package gives under that name."""
    source = "import dse.samplers as s; s.EHVISampler; "
    source += "print([name for name in s.__all__ if type(getattr(s, name)).__name__ == 'module'])"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout == "[]\n"
