"""``kill -9`` of searches, imports, validations and submissions at random instants, and what is lost: nothing.

    python benchmarks/kills.py [--kills 40] [--seed 0] [search] [import] [validate] [submit]

Each command is timed once, then started and killed again and again, with all its processes or alone, in turns, and
goes on where it was killed; where it had ended, it starts anew. After each kill everything that was finished before
must be there, byte by byte, and soon no process of it may run. The last run ends by itself: what it leaves is what a
run that was never killed leaves. All measuring is LoadGen's, on this machine.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from dse.errors import ResultsError
from dse.results.database import open_database
from dse.results.front import select
from tests.forks import Forks
from tests.fuzz.bases import STUDY, make_base
from tests.fuzz.running import Runner
from tests.integration.exploring import check, orphans, write_space
from tests.results.conftest import _write_result as write_result

ROOT = Path(__file__).parents[1]
Files = dict[str, str]
RESULTS = 300
LATEST_S = 10.0
"""A kill comes by then at the latest, however long the command takes: the next run goes on there."""


class Case(ABC):
    """A command in a folder of its own: how it starts, what is finished, and what there is when it has ended."""

    codes = frozenset({0})

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)

    @property
    @abstractmethod
    def words(self) -> list[str]:
        """The command."""

    @abstractmethod
    def finished(self) -> Files:
        """What no kill may change, by name; empty where nothing is finished."""

    @abstractmethod
    def anew(self) -> None:
        """Make it begin from nothing, as it has ended."""

    @abstractmethod
    def problems(self) -> list[str]:
        """What is not as it would be without kills, after a run that ended by itself."""

    def start(self) -> subprocess.Popen[str]:
        """Start the command in a group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "dse", *self.words],
            cwd=self.folder,
            env={**os.environ, "DSE_CACHE": str(self.folder / "cache"), "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self) -> float:
        """Run it to its end, and say for how many seconds."""
        began = time.monotonic()
        process = self.start()
        _, err = process.communicate()
        if process.returncode not in self.codes:
            raise SystemExit(f"dse {' '.join(self.words)}: {err}")
        return time.monotonic() - began


class Search(Case):
    """A search of eight configurations; each time it has ended, the next one is of another study."""

    codes = frozenset({0, 5})  # 5: no trial counts, as other programs had the processor

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        write_space(folder)
        self._number = 0

    @property
    def words(self) -> list[str]:
        return ["explore", "--space", "tiny.yaml", "--study", f"tiny{self._number}"]

    def finished(self) -> Files:
        trials = [path.parent for path in self.folder.glob("studies/*/trials/*/response.json")]
        return {name: digest for trial in trials for name, digest in files(trial).items()}

    def anew(self) -> None:
        self._number += 1

    def problems(self) -> list[str]:
        found = []
        for study in sorted((self.folder / "studies").iterdir()):
            try:
                searched = [m for m in check(study).measurements if m.phase == "search"]
                if len(searched) != 8:
                    found.append(f"{study.name}: {len(searched)} of 8 measured")
            except AssertionError as error:
                found.append(f"{study.name}: {error}")
        return found


class Import(Case):
    """An import of a few hundred results with their details; each time it has ended, into another database."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        for number in range(RESULTS):
            write_result(folder / "v6.1", system=f"b{number % 20}-tflite-v2-ruy", model=f"mobilenet-v1-0.5-{number}")
        self._number = 0
        self.run()
        self._expected = self._rows()
        self.anew()

    @property
    def words(self) -> list[str]:
        return ["results", "import", "v6.1", "--details", "--db", self._database.name]

    @property
    def _database(self) -> Path:
        return self.folder / f"{self._number}.duckdb"

    def finished(self) -> Files:
        try:
            return {str(row): "" for row in self._rows()}
        except ResultsError:  # killed before there was a table
            return {}

    def anew(self) -> None:
        self._number += 1

    def problems(self) -> list[str]:
        found = [] if self._rows() == self._expected else ["the table is not that of an import without kills"]
        left = {path.name for path in self.folder.iterdir() if not path.name.endswith((".duckdb", ".walks.json"))}
        return found + [f"{name} was left behind" for name in sorted(left - {"v6.1", "cache"})]

    def _rows(self) -> list[tuple[object, ...]]:
        with open_database(self._database, read_only=True) as database:
            rows = select(database)
        known = [{**row, "id": 0} for row in rows]
        return sorted((tuple(map(str, row.values())) for row in known), key=str)


def _made(base: str, folder: Path) -> Path:
    """One of the good things that tests/fuzz damages, below ``folder``."""
    forks = Forks(folder)
    try:
        return make_base(base, folder / "made", Runner(forks))
    finally:
        forks.close()


class Validate(Case):
    """A rehearsal of one second for each point of a front that a formula found; after an end, all over again."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = _made("study", folder)
        self._studies = self.folder / "studies"
        self._trials = files(self._studies / f"{STUDY}/trials")

    @property
    def words(self) -> list[str]:
        return ["validate", STUDY, "--duration", "1s"]

    def finished(self) -> Files:
        points = [path.parent for path in self._studies.glob(f"{STUDY}/validation/*/validation.json")]
        return {name: digest for point in points for name, digest in files(point).items()}

    def anew(self) -> None:
        shutil.rmtree(self._studies / f"{STUDY}/validation")

    def problems(self) -> list[str]:
        found = [] if files(self._studies / f"{STUDY}/trials") == self._trials else ["a trial was changed"]
        folders = sorted((self._studies / f"{STUDY}/validation").iterdir())
        found += [f"{path.name} is not finished" for path in folders if not (path / "validation.json").exists()]
        return found + leftovers(self._studies)


class Submit(Case):
    """A submission of recorded official runs in place of itself."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = _made("validated", folder)
        self.run()
        self._expected = self._tree()

    @property
    def words(self) -> list[str]:
        return ["submit", "own", "--submitter", "Example", "--allow", "data-set-size"]

    def finished(self) -> Files:
        return self._tree()

    def anew(self) -> None:
        """Nothing: it always does all of it."""

    def problems(self) -> list[str]:
        found = [] if self._tree() == self._expected else ["the tree is not the one that was there"]
        return found + leftovers(self.folder / "studies")

    def _tree(self) -> Files:
        return files(self.folder / "studies/own/submission")


CASES: dict[str, type[Case]] = {"search": Search, "import": Import, "validate": Validate, "submit": Submit}


def files(folder: Path) -> Files:
    """The digest of every file below a folder, by name."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(".tmp")
    }


def leftovers(folder: Path) -> list[str]:
    """What only a run that was killed leaves."""
    found = [path for path in folder.rglob("*") if path.name.endswith(".tmp") or path.name.startswith(".submission")]
    return [f"{path.relative_to(folder)} was left behind" for path in found]


def kill(process: subprocess.Popen[str], *, group: bool) -> bool:
    """Kill it, and say whether it was still running."""
    running = process.poll() is None
    if running and group:
        os.killpg(process.pid, signal.SIGKILL)
    elif running:
        process.kill()
    process.communicate()
    return running


def kills_of(name: str, folder: Path, kills: int, rng: random.Random) -> tuple[int, int, int, list[str]]:
    """How many kills met a run, how often a finished thing was lost or changed, a process was left; other problems."""
    case = CASES[name](folder)
    takes_s = case.run()
    case.anew()
    met = lost = left = 0
    before: Files = {}
    for number in range(kills):
        process = case.start()
        time.sleep(rng.uniform(0.1, min(takes_s, LATEST_S)))
        running = kill(process, group=number % 2 == 0)
        met += running
        left += bool(orphans(folder))
        after = case.finished()
        lost += not before.items() <= after.items()
        before = after
        if not running:
            case.anew()
            before = {} if name != "submit" else before
    case.run()
    lost += not before.items() <= case.finished().items()
    return met, lost, left, case.problems()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("cases", nargs="*", metavar="|".join(CASES))
    given = parser.parse_args(arguments)
    if unknown := set(given.cases) - set(CASES):
        parser.error(f"found {', '.join(unknown)}, allowed: {', '.join(CASES)}")
    print(
        f"{'command':10}{'kills':>7}{'while it ran':>14}{'lost or changed':>17}{'processes left':>16}  other problems"
    )
    for name in given.cases or CASES:
        with tempfile.TemporaryDirectory(prefix=f"dse-kills-{name}-") as folder:
            met, lost, left, problems = kills_of(name, Path(folder, "work"), given.kills, random.Random(given.seed))
        print(f"{name:10}{given.kills:>7}{met:>14}{lost:>17}{left:>16}  {'; '.join(problems) or 'none'}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
