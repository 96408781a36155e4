"""A submitter's results: every ``results/<system>/<model>/<scenario>``, with the files that belong to it.

Layouts: ``measurements/`` beside ``results/`` (v0.5 to v5.x) or ``measurements.json`` inside the result (from v6.0).
Stray files, differing case, hidden entries and symbolic links are stepped over; nothing is opened here.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dse.results.columns import storable

SCENARIOS = {
    "singlestream": "SingleStream",
    "multistream": "MultiStream",
    "server": "Server",
    "interactive": "Interactive",
    "offline": "Offline",
}
"""By directory's name in lower case. Interactive, from v5.0, is a Server run with shorter latency bounds."""
_DIVISIONS = ("open", "closed", "network", "preview")
_NOT_SCENARIOS = re.compile(r"test|audit|compliance", re.IGNORECASE)
_RUN = re.compile(r"run_(\d+)", re.IGNORECASE)
# One benchmark, two names: v0.5 Intel has it as one under results/ and as the other under measurements/.
_ALIASES = {"resnet": "resnet50"}

_READING = "2"  # 1: of Server, run_1; a line that contradicts itself was read; 2: the slowest of five
"""Which figures are read from files: with another number all of them are read again."""

SUMMARY = "mlperf_log_summary.txt"
DETAIL = "mlperf_log_detail.txt"
ENDPOINTS_SUMMARY, ENDPOINTS_ACCURACY = "result_summary.json", "accuracy_results.json"
"""Of MLPerf Endpoints, from v6.1 on, in place of LoadGen's summary and of accuracy.txt."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes a result the same when imported again; ``directory`` as spelled on disk, from the division on."""

    round: str
    division: str
    submitter: str
    system: str
    model: str
    scenario: str
    directory: str

    def key(self) -> tuple[str, ...]:
        """As a key of dictionaries, in the order of the fields."""
        return (self.round, self.division, self.submitter, self.system, self.model, self.scenario, self.directory)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a result: its name (``run_1``; ``.`` when logs lie directly in ``performance/``) and its summary."""

    name: str
    summary: str


@dataclass(frozen=True, slots=True)
class FoundResult:
    """One result directory: who it is (`Identity`) and the paths of its files, best candidate first."""

    identity: Identity
    path: str
    runs: tuple[Run, ...]
    accuracy: str | None
    measurements: tuple[str, ...]
    system_json: str | None
    model_mapping: str | None
    system_scenarios: frozenset[str]
    signature: str


@dataclass(frozen=True, slots=True)
class Stray:
    """A directory that looks like a result and is not one, and why."""

    path: str
    reason: str


_Entries = dict[str, "os.DirEntry[str]"]
_State = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds."""
_ABSENT: _State = (-2, 0)
"""Of a file that was looked for and is not there."""


class Submitter:
    """One submitter's directory while it is walked: strings and directory entries, since a Path per file is slow."""

    def __init__(self, path: Path, round_name: str) -> None:
        self.path = str(path)
        self._round = round_name
        self._home = path
        self._listings: dict[str, _Entries] = {}
        self._seen: dict[str, _State] = {}
        self._unreadable: list[Stray] = []

    def systems(self) -> dict[str, int]:
        """The systems that may have results, in order, with how many entries each has: about as many models."""
        entries = self._directories(self._list(self.path)["results"].path)
        return {entry.name: len(self._scan(entry.path)) for entry in entries}

    def results(self, only: str | None = None) -> Iterator[FoundResult | Stray]:
        """Every result of the submitter, or of the system ``only``, in order of path."""
        top = self._list(self.path)
        systems = self._sub(top, "systems")
        measurements = self._sub(top, "measurements")
        mapping = top.get("model_mapping.json")
        division = self._home.parent.name
        prefix = f"{division}/{self._home.name}/{top['results'].name}"
        for system in self._directories(top["results"].path):
            if only not in (None, system.name):
                continue
            models = [(model, self._directories(model.path)) for model in self._directories(system.path)]
            names = {scenario.name.lower() for _, scenarios in models for scenario in scenarios}
            system_scenarios = frozenset(SCENARIOS[name] for name in names & SCENARIOS.keys())
            of_system = self._sub(measurements, system.name)
            for model, scenarios in models:
                of_model = self._sub(of_system, model.name, _ALIASES.get(model.name.lower(), model.name))
                for scenario in scenarios:
                    canonical = SCENARIOS.get(scenario.name.lower())
                    if canonical is None:
                        if not _NOT_SCENARIOS.match(scenario.name) and "performance" in self._list(scenario.path):
                            yield Stray(scenario.path, f"{scenario.name!r} is none of {', '.join(SCENARIOS.values())}")
                        continue
                    identity = Identity(
                        round=self._round,
                        division=division.lower() if division.lower() in _DIVISIONS else division,
                        submitter=storable(self._home.name),
                        system=storable(system.name),
                        model=storable(model.name),
                        scenario=canonical,
                        directory=storable(f"{prefix}/{system.name}/{model.name}/{scenario.name}"),
                    )
                    yield self._found(
                        identity,
                        scenario.path,
                        self._sub(of_model, scenario.name),
                        systems.get(f"{system.name.lower()}.json"),
                        mapping,
                        system_scenarios,
                    )
        yield from self._unreadable

    def _found(
        self,
        identity: Identity,
        path: str,
        of_scenario: _Entries,
        system_json: os.DirEntry[str] | None,
        mapping: os.DirEntry[str] | None,
        system_scenarios: frozenset[str],
    ) -> FoundResult | Stray:
        inside = self._list(path)
        runs = self._runs(inside.get("performance"))
        if not runs:
            return Stray(path, f"no {SUMMARY} and no {ENDPOINTS_SUMMARY} in performance/run_1 or performance")
        is_endpoints = runs[0].summary.endswith(ENDPOINTS_SUMMARY)
        accuracy = self._file(inside.get("accuracy"), ENDPOINTS_ACCURACY if is_endpoints else "accuracy.txt")
        candidates = _measurement_candidates(of_scenario, identity.system)
        if "measurements.json" in inside:
            candidates = [inside["measurements.json"], *candidates]
        shared = [entry for entry in (*candidates, system_json, mapping) if entry is not None]
        for entry in shared:
            self._note(entry)
        read = [*(run.summary for run in runs), *(entry.path for entry in shared), *([accuracy] if accuracy else [])]
        return FoundResult(
            identity=identity,
            path=path,
            runs=runs,
            accuracy=accuracy,
            measurements=tuple(entry.path for entry in candidates),
            system_json=system_json.path if system_json else None,
            model_mapping=mapping.path if mapping else None,
            system_scenarios=system_scenarios,
            signature=self._signature(read, system_scenarios),
        )

    def _runs(self, performance: os.DirEntry[str] | None) -> tuple[Run, ...]:
        """The runs that have a summary, the official first: run_1, else the lowest number, else no run directory."""
        if performance is None or not _is_directory(performance):
            return ()
        within = self._list(performance.path)
        numbers = {name: int(match[1]) for name in within if (match := _RUN.fullmatch(name))}
        ordered = sorted(numbers, key=lambda name: (numbers[name] != 1, numbers[name]))
        for file in (SUMMARY, ENDPOINTS_SUMMARY):
            summaries = [(within[name].name, self._file(within[name], file)) for name in ordered]
            runs = tuple(Run(name, summary) for name, summary in summaries if summary is not None)
            if not runs and file in within:
                self._note(within[file])
                runs = (Run(".", within[file].path),)
            if runs:
                return runs
        return ()

    def _file(self, folder: os.DirEntry[str] | None, name: str) -> str | None:
        """The path of a file that tools always name alike, or None; cheaper than listing the folder."""
        if folder is None:
            return None
        path = f"{folder.path}{os.sep}{name}"
        try:
            stat = os.stat(path)  # noqa: PTH116  # see the class
        except (FileNotFoundError, NotADirectoryError):
            self._seen[path] = _ABSENT
            return None
        except OSError:  # whoever reads it says why it cannot be read
            self._seen[path] = _ABSENT
            return path
        self._seen[path] = (stat.st_size, stat.st_mtime_ns)
        return path

    def _note(self, entry: os.DirEntry[str]) -> None:
        if entry.path not in self._seen:
            try:
                stat = entry.stat()
            except OSError:  # a link to nowhere, say; whoever reads it says so
                self._seen[entry.path] = _ABSENT
            else:
                self._seen[entry.path] = (stat.st_size, stat.st_mtime_ns)

    def _scan(self, path: str) -> list[os.DirEntry[str]]:
        try:
            return list(os.scandir(path))  # to its end, where it closes itself
        except OSError as error:
            self._unreadable.append(Stray(path, f"unreadable: {error.strerror}"))
            return []

    def _list(self, path: str) -> _Entries:
        """A directory's entries by lower-case name; where names differ by case alone the first in order wins."""
        listing = self._listings.get(path)
        if listing is None:
            entries = self._scan(path)
            listing = {entry.name.lower(): entry for entry in entries}
            if len(listing) < len(entries):
                last_first = sorted(entries, key=lambda entry: entry.name, reverse=True)
                listing = {entry.name.lower(): entry for entry in last_first}
            self._listings[path] = listing
        return listing

    def _directories(self, path: str) -> list[os.DirEntry[str]]:
        entries = [entry for entry in self._scan(path) if entry.name[0] != "." and entry.is_dir(follow_symlinks=False)]
        return sorted(entries, key=lambda entry: entry.name)

    def _sub(self, entries: _Entries, *names: str) -> _Entries:
        """The listing of the first of ``names`` that is a directory among ``entries``, or nothing."""
        for name in names:
            entry = entries.get(name.lower())
            if entry is not None and _is_directory(entry):
                return self._list(entry.path)
        return {}

    def _signature(self, paths: list[str], system_scenarios: frozenset[str]) -> str:
        """Changes when a file that was read changes in size or time, appears, goes or moves."""
        lines = [_READING, ",".join(sorted(system_scenarios)), *(f"{path}\t{self._seen[path]}" for path in paths)]
        return hashlib.blake2b("\n".join(lines).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # links in a circle
        return False


def _measurement_candidates(entries: _Entries, system: str) -> list[os.DirEntry[str]]:
    """JSON files that may be the measurements file: those named after the system first, never tools' own files."""
    jsons = [
        entry
        for name, entry in entries.items()
        if name.endswith(".json") and name != "config.json" and not name.startswith(("ck-", "."))
    ]
    return sorted(jsons, key=lambda entry: (not entry.name.lower().startswith(system.lower()), entry.name))
