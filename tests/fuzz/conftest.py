"""Bad inputs of every kind as tests.

`damage` and `values` say what can be wrong with any file and any value, `making` makes inputs of them; a module per
kind (`spaces`, `devices`, `tables`, `studies`, `results`, `submissions`, `data_sets`, `servers` with `archives`,
`models`) says which files there are, which commands read them, and what can be wrong with that kind alone. `bases` has
the good things that are damaged, `documents` the documents in them. `running` runs an input through the commands, in
forks (`tests.forks`), and says what is demanded of dse.

    pytest tests/fuzz                                       100 inputs, the same ones each time
    pytest tests/fuzz --fuzz-inputs 1040                    as many as CI takes
    pytest tests/fuzz --fuzz-seed 7 --fuzz-inputs 20000     others, and all that are known
    pytest tests/fuzz -k "study and pipe"                   some
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.forks import Forks
from tests.fuzz import data_sets, devices, models, results, servers, spaces, studies, submissions, tables
from tests.fuzz.bases import make_base
from tests.fuzz.making import Dice, named
from tests.fuzz.running import Input, Runner, copied, forget

Inputs = Callable[[Dice], Iterator[Input]]
KINDS: dict[str, tuple[Inputs, float]] = {
    "space": (spaces.inputs, 0.15),
    "devices": (devices.inputs, 0.02),
    "table": (tables.inputs, 0.08),
    "study": (studies.inputs, 0.2),
    "result": (results.inputs, 0.14),
    "submission": (submissions.inputs, 0.22),
    "data-set": (data_sets.inputs, 0.1),
    "server": (servers.inputs, 0.08),
    "model": (models.inputs, 0.01),
}
"""What makes a kind's inputs, and its share of all that are drawn."""


GOOD: dict[str, tuple[tuple[str, ...], ...]] = {
    "space": spaces.LOOK,
    "devices": devices.LOOK,
    "table": tables.COMMANDS,
    "study": studies.READ,
    "recorded-study": (studies.EXPLORE,),
    "results": (results.IMPORT,),
    "database": results.DB[:6],
    "submission": submissions.CHECK,
    "validated": submissions.SUBMIT,
}
"""What commands say yes to, before it is damaged."""


@dataclass
class Fuzz:
    """One run of the suite: bases are made when the first input needs them."""

    folder: Path
    runner: Runner
    bases: dict[str, Path] = field(default_factory=dict)
    inputs: int = 0

    def base(self, name: str) -> Path:
        if name not in self.bases:
            self.bases[name] = make_base(name, self.folder / "bases" / name, self.runner)
        return self.bases[name]

    def copy(self, base: str) -> Path:
        """A new folder with a copy of a good thing."""
        self.inputs += 1
        return copied(self.base(base), self.folder / str(self.inputs))


@pytest.fixture(scope="session")
def fuzz(forks: Forks) -> Iterator[Fuzz]:
    folder = Path(tempfile.mkdtemp(prefix="dse-fuzz-"))  # not pytest's, which cannot remove what an input may hold
    runner = Runner(forks)
    with servers.SERVER.running():
        yield Fuzz(folder, runner)
    forget(folder)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every input is a test: ``test_a_bad_input_is_handled[space:space.yaml:pipe]``."""
    if "fuzz_input" not in metafunc.fixturenames:
        return
    seed, wanted = metafunc.config.getoption("--fuzz-seed"), int(metafunc.config.getoption("--fuzz-inputs"))
    found = [
        pytest.param(given, id=f"{kind}:{given.name}")
        for kind, (inputs, share) in KINDS.items()
        for given in drawn(kind, inputs, random.Random(f"{seed} {kind}"), round(wanted * share))
    ]
    metafunc.parametrize("fuzz_input", found)


def drawn(kind: str, inputs: Inputs, rng: random.Random, wanted: int) -> list[Input]:
    """So many of a kind's inputs, in their order; all of them, and more random ones, where that is not enough."""
    found = list(named(inputs(Dice(rng, max(20, wanted // 10)))))
    kept = set(rng.sample(range(len(found)), min(wanted, len(found))))
    return [given for number, given in enumerate(found) if number in kept]
