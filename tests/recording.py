"""A harness that answers from a formula, and a small space for it: studies in which no clock has a part."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import optuna
import yaml
from dse_harness import protocol
from dse_harness.protocol import Accuracy, DeviceState, ErrorClass, Failure, Performance, Request, Response

from dse.core.budget import Budget
from dse.core.configuration import Configuration
from dse.core.measurement import Phase
from dse.core.metrics import DEFAULT_OBJECTIVES
from dse.core.policy import Step
from dse.search.explore import explore
from dse.search.plan import make_plan
from dse.search.progress import Progress
from dse.spaces.load import load_space
from dse.spaces.resolved import ResolvedDataSet, ResolvedExplore, ResolvedFidelity, ResolvedSpace
from dse.spaces.space import Space
from dse.study import Study
from dse.study.record import TrialRecord
from dse.study.settings import StudySettings
from dse.study.writer import StudyWriter
from tests import smallest

SPACE: Mapping[str, Any] = {
    **smallest.SPACE,
    "name": "small_study",
    "data_set": {"embedded": "fashion_mnist"},
    "parameters": {**smallest.NETWORK, "side": [48, 64], "threads": [1, 2, 3]},
    "indifference": dict.fromkeys(DEFAULT_OBJECTIVES, "0%"),
    "fidelity": {"explore": {"accuracy_images": 100}},
}
"""Here each difference matters, so that what a test made up is what it sees."""


def answer(request: Request) -> Response:
    """More threads are slower and smaller here, and every model has an accuracy of its own."""
    latency_ns = 1_000_000 * request.runtime.threads
    images = (request.accuracy.samples if request.accuracy else None) or 100
    good = (50 + int(request.model_sha256, 16) % 50) * images // 100
    accuracy = Accuracy(good, images, request.model_sha256, "random", 10_000)
    return Response(
        performance=Performance.constant(
            latency_ns, early_stopping_p90_ns=latency_ns, query_count=500, duration_ns=10**9
        ),
        accuracy=accuracy if request.accuracy else None,
        peak_memory_bytes=2**26 // request.runtime.threads,
        model_memory_bytes=2**24 // request.runtime.threads,
        device_before=DeviceState("2026-01-01T00:00:00.000000+00:00", 0.0),
        device_after=DeviceState("2026-01-01T00:00:01.000000+00:00", 0.0),
        timing_s={"total": 1.0},
    )


def fails(error: ErrorClass) -> Callable[[Request], Response]:
    """An answer that is always the same failure."""
    return lambda _: Response(failure=Failure(error, f"{error}, as recorded"))


@dataclass
class RecordedHarness:
    """Answers with ``answers`` and remembers what it was asked."""

    answers: Callable[[Request], Response] = answer
    asked: list[Request] = field(default_factory=list)
    is_deterministic: ClassVar[bool] = False
    provenance: ClassVar[str | None] = None

    def run(self, request: Request, folder: Path, timeout_s: float, *, python: str | None = None) -> Response:
        """Write the files that a real harness leaves, and return the answer."""
        self.asked.append(request)
        response = self.answers(request)
        protocol.write(request, folder / "request.json")
        if response.performance:
            (folder / "performance").mkdir()
            summary = f"90.0th percentile latency (ns) : {response.performance.latency_p90_ns}\n"
            (folder / "performance" / "mlperf_log_summary.txt").write_text(summary)
        protocol.write(response, folder / "response.json")
        return response


def make_space(folder: Path, **changes: Any) -> Space:
    """`SPACE` with other sections, and ``parameters`` with other levels, as a file in ``folder``."""
    parameters = {**SPACE["parameters"], **changes.pop("parameters", {})}
    content = {**SPACE, **changes, "parameters": {name: levels for name, levels in parameters.items() if levels}}
    path = folder / f"{content['name']}.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return load_space(path, {})


@cache
def _empty_database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "study.db")
        optuna.storages.RDBStorage(f"sqlite:///{path}").engine.dispose()
        return path.read_bytes()


def begin_study(folder: Path) -> Path:
    """Give a new folder Optuna's tables, which take half a second to make; one that is there stays as it is."""
    if not folder.exists() and not folder.parent.is_file():
        folder.mkdir(parents=True)
        (folder / "study.db").write_bytes(_empty_database())
    return folder


def run_study(
    folder: Path,
    space: Space,
    harness: RecordedHarness | None = None,
    *,
    trials: int | None = None,
    storage: str | None = None,
) -> Progress:
    """Explore ``space`` into ``folder`` until everything is known, or for ``trials``."""
    if storage is None:
        begin_study(folder)
    with StudyWriter(folder, space, storage, {}) as writer:
        plan = make_plan(space, writer.study.measurements, Budget(trials=trials))
        return explore(writer, space, harness or RecordedHarness(), plan, 0, lambda _: None, lambda: False)


def begin(
    writer: StudyWriter, configuration: Configuration, phase: Phase = "search", elapsed_s: float | None = None
) -> tuple[TrialRecord, Path]:
    """A trial that no session asked for: of an experiment that the study has, where it has one."""
    number, known = writer.next_number, [m for m in writer.study.measurements if m.configuration == configuration]
    step = Step(
        configuration,
        phase,
        number=number,
        key=known[0].key if known else configuration.fingerprint,
        accuracy_key=known[0].accuracy_key if known else None,
        accuracy_from=known[0].accuracy_from if known and known[0].accuracy_from is not None else number,
        spot_check=not known,
    )
    return writer.begin(step, elapsed_s)


def slower(request: Request) -> Response:
    """`answer`, with every latency tenfold."""
    response = answer(request)
    if response.performance is None:
        return response
    return replace(response, performance=replace(response.performance, latency_p90_ns=10**8))


def stored_runs(folder: Path) -> list[optuna.trial.FrozenTrial]:
    """The runs of a study as Optuna has them."""
    return optuna.load_study(study_name=f"{folder.name} runs", storage=f"sqlite:///{folder / 'study.db'}").trials


def stored_configurations(folder: Path) -> list[optuna.trial.FrozenTrial]:
    """The configurations of a study as Optuna has them."""
    return optuna.load_study(study_name=folder.name, storage=f"sqlite:///{folder / 'study.db'}").trials


def check_study(folder: Path) -> Study:
    """A study is consistent: finished trials only, each once in Optuna, a sound database, nothing left over.

    So is each configuration, and the best ones are the front.
    """
    study = Study.read(folder)
    numbers = [measured.trial for measured in study.measurements]
    assert [path.name for path in folder.rglob("*.tmp")] == []
    assert sorted(int(path.name) for path in (folder / "trials").iterdir()) == numbers
    with closing(sqlite3.connect(folder / "study.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        told = database.execute(
            "SELECT state, value_json FROM trials JOIN trial_user_attributes USING (trial_id) "
            "JOIN studies USING (study_id) WHERE study_name = ? AND key = 'trial' ORDER BY number",
            (f"{folder.name} runs",),
        ).fetchall()
        total = len(told) + len(study.configurations())
        assert database.execute("SELECT COUNT(*) FROM trials").fetchone() == (total,)
    assert [int(number) for _, number in told] == numbers
    assert {state for state, _ in told} <= {"COMPLETE", "FAIL"}
    stored = optuna.load_study(study_name=folder.name, storage=f"sqlite:///{folder / 'study.db'}")
    assert [trial.user_attrs["trial"] for trial in stored.trials] == [row.trial for row in study.configurations()]
    assert {t.user_attrs["trial"]: t.values for t in stored.best_trials} == {
        row.trial: [row.values[o.name] for o in study.objectives] for row in study.front(exact=True)
    }
    return study


def study_settings(images: int) -> StudySettings:
    """Settings of a study of nothing in particular, whose data set has so many ``images``."""
    return StudySettings(
        created="2026-01-01T00:00:00+00:00",
        space=ResolvedSpace(
            name="nothing",
            data_set=ResolvedDataSet(name="images", size=images),
            models={},
            runtimes={},
            objectives={"accuracy": "maximize", "latency_p90_ns": "minimize"},
            fidelity=ResolvedFidelity(explore=ResolvedExplore()),
        ),
    )
