"""The rounds of MLPerf Inference that dse can submit to: seeds, LoadGen wheels, and where each file goes.

Sources: the checker's `constants.py` (seeds, paths, limits), and the wheels of mlcommons-loadgen run one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from dse_harness.registry import Registry

from dse.errors import Remedy, UsageError

BENCHMARK = "resnet"
"""What the rules call image classification."""
BENCHMARK_ALIASES = {"mobilenet": BENCHMARK, "resnet50": BENCHMARK}
"""Model names that the checker maps by itself, in every round."""
BENCHMARK_NAME_PARTS = ("mobilenet", "efficientnet", "resnet50")
"""A model name with one of these in it is taken for image classification even without a mapping."""
LOADGEN_MODEL = "resnet50"
"""The model key of LoadGen's configuration files for image classification."""

MIN_BUFFER_SIZE = 1_024
MIN_DURATION_MS = 600_000
MIN_SAMPLES = 24_576
"""In Offline's query, by LoadGen's own configuration; the checker asks for it in the closed division."""
SAMPLES_PER_QUERY = 8
"""In MultiStream."""
DATA_SET_SIZE = 50_000
MAX_ACCURACY_LOG_BYTES = 10 * 1_024
MAX_UPLOAD_FILE_BYTES = 50 * 2**20

Scenario = Literal["SingleStream", "MultiStream", "Offline"]
SCENARIOS: tuple[Scenario, ...] = ("SingleStream", "MultiStream", "Offline")
INFERRED_FROM: dict[tuple[Scenario, Scenario], tuple[str, ...]] = {
    ("SingleStream", "MultiStream"): ("early_stopping_latency_ms",),
    ("SingleStream", "Offline"): ("result_qps_without_loadgen_overhead",),
    ("MultiStream", "Offline"): ("effective_samples_per_query", "result_mean_query_latency_ns"),
}
"""(scenario of the log, scenario of the folder): what an edge system may derive instead of measuring, and the keys of
the detail log that it is derived from."""
MIN_QUERY_COUNT: dict[Scenario, int] = {"Offline": 1}
"""Only for scenarios without early stopping."""
MIN_QUERIES_FOR_ESTIMATE = {"p90": 64, "p99": 662}
"""A SingleStream run with fewer has no early-stopping estimate, by LoadGen's `MinPassingQueriesFinder` at a confidence
of 99 %. The one of p90 is its own result, the one of p99 the inferred MultiStream's."""
RESULT_KEY: dict[Scenario, str] = {
    "SingleStream": "early_stopping_latency_ss",
    "MultiStream": "early_stopping_latency_ms",
    "Offline": "result_samples_per_second",
}
"""The key of the detail log that holds the result of a scenario."""


@dataclass(frozen=True)
class Seeds:
    """The three seeds of a round, as LoadGen's detail log names them. They are compiled into LoadGen."""

    qsl_rng_seed: int
    sample_index_rng_seed: int
    schedule_rng_seed: int


@dataclass(frozen=True)
class Round:
    """A round: which LoadGen measures for it, and how its tree is laid out.

    ``loadgen_versions`` are the mlcommons-loadgen wheels that were seen to have the round's seeds.
    """

    name: str
    seeds: Seeds
    loadgen_versions: tuple[str, ...]
    layout: Literal["v5", "v6"]

    @property
    def source(self) -> str:
        """The folder of a submitter for the code."""
        return "code" if self.layout == "v5" else "src"

    def results(self, system: str, model: str, scenario: str) -> PurePosixPath:
        """The folder of a result, relative to the submitter's."""
        return PurePosixPath("results", system, model, scenario)

    def measurements(self, system: str, model: str, scenario: str) -> PurePosixPath:
        """The folder of measurements JSON, user.conf and README.md, relative to the submitter's."""
        if self.layout == "v5":
            return PurePosixPath("measurements", system, model, scenario)
        return self.results(system, model, scenario)

    def measurements_name(self, system: str, scenario: str) -> str:
        """The name of the measurements JSON."""
        return f"{system}_{scenario}.json" if self.layout == "v5" else "measurements.json"


V5_0 = Round("v5.0", Seeds(6023615788873153749, 15036839855038426416, 9933818062894767841), (), "v5")
V5_1 = Round(
    "v5.1",
    Seeds(1780908523862526354, 14771362308971278857, 18209322760996052031),
    ("5.0.25", "5.1.2", "6.0.3", "6.0.4"),
    "v5",
)
V6_0 = Round(
    "v6.0",
    Seeds(2465351861681999779, 14276810075590677512, 3936089224930324775),
    ("6.0.8", "6.0.11", "6.0.13", "6.0.15"),
    "v6",
)
V6_1 = Round("v6.1", Seeds(2085463073848966840, 2747215439041700203, 16159082839903944936), ("6.0.16", "6.0.17"), "v6")
ROUNDS: Registry[Round] = Registry(
    "dse.rounds",
    {
        "v5.0": "dse.submission.rounds:V5_0",
        "v5.1": "dse.submission.rounds:V5_1",
        "v6.0": "dse.submission.rounds:V6_0",
        "v6.1": "dse.submission.rounds:V6_1",
    },
    needs=("name", "seeds", "loadgen_versions", "layout"),
)
"""By name; a distribution may add a round that comes later."""
DEFAULT_ROUND = "v6.1"


def get_round(name: str, *, to_measure: bool = False) -> Round:
    """The round of that name, ``to_measure``: one for which a LoadGen is known. Raises UsageError."""
    allowed = measurable_rounds() if to_measure else ROUNDS.names()
    if name not in allowed:
        only_checked = " (no LoadGen with its seeds is known; its trees can be checked)" if name in ROUNDS else ""
        raise UsageError(f"found round {name!r}{only_checked}, allowed: {', '.join(allowed)}", remedy=Remedy.NAME_ROUND)
    return ROUNDS.get(name)


def measurable_rounds() -> tuple[str, ...]:
    """The rounds for which a LoadGen is known."""
    return tuple(name for name in ROUNDS if ROUNDS.get(name).loadgen_versions)


def official_buffer_size(explored: int, images: int) -> int:
    """Samples in memory in official runs: the rules want 1,024 at least, and a data set may have fewer images."""
    return min(max(MIN_BUFFER_SIZE, explored), images)


def round_of_loadgen(version: str) -> Round | None:
    """The round whose seeds an mlcommons-loadgen wheel has, None for a wheel that was not looked at.

    LoadGen's own words, ``6.0.17 @ d6147c7eb7``, will do too.
    """
    wheel = version.partition(" ")[0]
    return next((round_ for round_ in map(ROUNDS.get, ROUNDS) if wheel in round_.loadgen_versions), None)
