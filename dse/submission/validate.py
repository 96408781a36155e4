"""Official-fidelity runs of the front's points: planned, resumed point by point, recorded with their evidence."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from dse_harness.energy import METRIC as ENERGY
from dse_harness.protocol import Request, Response, read

from dse.backends import Backend
from dse.core.experiment import Experiment
from dse.core.metrics import Objective, values_of
from dse.core.pareto import nondominated
from dse.errors import Remedy, SubmissionError
from dse.files import write_text
from dse.search.pool import BackendPool, Pool, Run
from dse.submission.candidate import Candidate
from dse.submission.carry_out import Runs, carry_out
from dse.submission.check_point import require_logged
from dse.submission.check_runs import check_accuracy, check_performance, check_seeds
from dse.submission.detail_log import read_detail_log
from dse.submission.findings import RULES, Finding
from dse.submission.point import (
    FOLDER,
    LOGS,
    ValidatedPoint,
    discard,
    is_complete,
    make_way,
    own_model,
    read_point,
    readable_points,
    require_intact,
    write_point,
)
from dse.submission.queries import Queries, plan_queries, require_memory
from dse.submission.rounds import (
    MIN_DURATION_MS,
    MIN_QUERIES_FOR_ESTIMATE,
    SAMPLES_PER_QUERY,
    Round,
    Scenario,
)
from dse.submission.user_conf import user_conf

_OVERHEAD_S = 5.0
"""Start of a process, loading, logs: a guess for the plan."""
_PATIENCE = 3.0
"""A run may take so many times its plan before it is taken for a hang."""
_GRACE_S = 300.0
_RUNNING = "running-"

RunName = Literal["performance", "accuracy"]
"""The harness under the interpreter that a point's runtime and the round's LoadGen need."""


@dataclass(frozen=True)
class Step:
    """The two runs of one point, or the news that they are recorded already."""

    candidate: Candidate
    folder: Path
    done: bool
    queries: Queries
    performance_s: float
    accuracy_s: float

    @property
    def seconds(self) -> float:
        """What is still to be spent."""
        return 0.0 if self.done else self.performance_s + self.accuracy_s


@dataclass(frozen=True)
class Plan:
    """What `run` will do. ``duration_ms`` is None for official runs; a rehearsal has another and is never submitted."""

    steps: tuple[Step, ...]
    round: Round
    duration_ms: int | None
    room_bytes: int
    """Memory for LoadGen's queries."""
    problems: tuple[SubmissionError, ...] = ()
    """What is wrong with recorded points: those that were to be run here are left out, none is touched."""

    @property
    def min_duration_ms(self) -> int:
        """The minimum duration of a performance run."""
        return MIN_DURATION_MS if self.duration_ms is None else self.duration_ms

    @property
    def seconds(self) -> float:
        """How long all of it is expected to take."""
        return sum(step.seconds for step in self.steps)


@dataclass(frozen=True)
class Progress:
    """A run begins, a point has ended (``outcome``) or begins again (``again`` says why). ``left_s`` is from now on.

    ``device`` is the board; empty for this machine.
    """

    step: Step
    run: RunName | None
    left_s: float
    outcome: Outcome | None = None
    again: str | None = None
    device: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a point: recorded, or the reason why not."""

    trial: int
    point: ValidatedPoint | None
    reason: str | None = None


def plan(
    candidates: Sequence[Candidate],
    study: Path,
    round_: Round,
    *,
    available_bytes: int,
    duration_ms: int | None = None,
) -> Plan:
    """The steps for ``candidates``, the recorded ones of the same round, and as long, marked as done.

    Durations come from exploration's mean latency, the memory that LoadGen needs from its shortest one. A damaged
    record costs its own point. Raises MachineError when ``available_bytes`` are too few, SubmissionError for a
    rehearsal that would take the place of official runs.
    """
    min_duration_ms = MIN_DURATION_MS if duration_ms is None else duration_ms
    room_bytes = available_bytes - max((item.peak_bytes for item in candidates), default=0)
    steps: list[Step] = []
    points, problems = readable_points(study)
    damaged = {_folder_of(problem, study / FOLDER) for problem in problems}
    for candidate in candidates:
        folder = study / FOLDER / str(candidate.trial)
        if folder in damaged:
            continue
        queries = plan_queries(candidate.query_ns, min_duration_ms, room_bytes, candidate.scenario)
        performance_s = _performance_s(candidate, queries, min_duration_ms) + _OVERHEAD_S
        accuracy_s = candidate.images * candidate.sample_ns / 1e9 + _OVERHEAD_S
        recorded = next((point for point in points if _is_wanted(point, candidate, round_, duration_ms)), None)
        replaced = next((point for point in points if point.folder == folder), None)
        if recorded is not None:
            try:
                require_intact(recorded)
                require_logged(recorded)
            except SubmissionError as error:
                problems.append(error)
                continue
            folder = recorded.folder
        elif replaced is not None and duration_ms is not None and not replaced.rehearsal:
            raise SubmissionError(
                f"trial {candidate.trial} has official runs of round {replaced.round}, which a rehearsal would replace",
                path=folder,
                remedy=Remedy.REHEARSE_OTHERS,
                details={"round": replaced.round},
            )
        steps.append(Step(candidate, folder, recorded is not None, queries, performance_s, accuracy_s))
    require_memory({step.candidate.trial: step.queries for step in steps if not step.done}, room_bytes)
    return Plan(tuple(steps), round_, duration_ms, room_bytes, tuple(problems))


def _performance_s(candidate: Candidate, queries: Queries, min_duration_ms: int) -> float:
    """In Offline all samples are answered, elsewhere as many queries as the minimum duration and the rules want."""
    least = {"Offline": queries.count, "MultiStream": MIN_QUERIES_FOR_ESTIMATE["p99"] * SAMPLES_PER_QUERY}
    answering_s = least.get(candidate.scenario, 0) * candidate.sample_ns / 1e9
    return max(min_duration_ms / 1e3, answering_s) + queries.seconds


def _folder_of(problem: SubmissionError, root: Path) -> Path | None:
    """The point's folder, below ``root``, that an error is about."""
    path = Path(problem.path or root)
    return next((folder for folder in (path, *path.parents) if folder.parent == root), None)


def recover(study: Path) -> None:
    """Finish what a killed `run` had ended, and remove what it had not. The caller holds the study's lock."""
    for folder in sorted((study / FOLDER).glob("removed-*")):
        shutil.rmtree(folder)
    for folder in sorted((study / FOLDER).glob(f"{_RUNNING}*")):
        if is_complete(folder):
            _take_its_place(folder, folder.with_name(folder.name.removeprefix(_RUNNING)))
        else:
            shutil.rmtree(folder)


def run(
    plan: Plan,
    where: Backend | Pool,
    on_progress: Callable[[Progress], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
    *,
    system: str = "",
    gone: Callable[[str], object] = lambda _: None,
) -> list[Outcome]:
    """Run what the plan has not done yet; one outcome per point, in its order, of those that began before ``stopped``.

    ``where`` is a backend, or a pool of boards of one ``system`` that were shown to be the same: both runs of a point
    are on one of them. A point's folder is made when both of its runs have ended well, and takes the place of an older
    one of its round then; until then it is ``running-TRIAL``. So an interrupted call is repeated by calling again, and
    loses nothing. Accuracy comes first: wrong seeds show in its log, before the 600 s are spent. ``gone`` is told of a
    board that was lost; its point begins anew on another. Raises DevicesGoneError where none is left.
    """
    pool = where if isinstance(where, Pool) else BackendPool(where)
    left = _Left(plan, len(pool.devices))
    points = [partial(_point, step, plan, left, on_progress, system) for step in plan.steps]
    outcomes = {outcome.trial: outcome for outcome in carry_out(pool, points, stopped, gone)}
    return [outcomes[step.candidate.trial] for step in plan.steps if step.candidate.trial in outcomes]


class _Left:
    """How long all of it still takes, about: what is left of each point, on so many ``devices`` at once."""

    def __init__(self, plan: Plan, devices: int) -> None:
        self._seconds, self._devices = {step.candidate.trial: step.seconds for step in plan.steps}, devices

    def of(self, step: Step, seconds: float) -> float:
        """When so many ``seconds`` of ``step`` are left."""
        self._seconds[step.candidate.trial] = seconds
        left_s = sum(self._seconds.values())
        return left_s if self._devices == 1 else max(left_s / self._devices, *self._seconds.values())


def official_front(points: Sequence[ValidatedPoint], objectives: Sequence[Objective]) -> list[ValidatedPoint]:
    """The points that no other dominates by the figures of the official runs, in the order given.

    Energy is none of them. Raises SubmissionError for a point without one of the figures.
    """
    objectives = [objective for objective in objectives if objective.name != ENERGY]
    kept = nondominated([_costs(point, objectives) for point in points])
    return [point for point, keep in zip(points, kept, strict=True) if keep]


def _costs(point: ValidatedPoint, objectives: Sequence[Objective]) -> tuple[float, ...]:
    """The objectives' values in cost form."""
    figures = values_of(point.accuracy.response) | values_of(point.performance.response)
    if missing := [objective.name for objective in objectives if objective.name not in figures]:
        raise SubmissionError(f"trial {point.trial} has no {', '.join(missing)}", path=point.folder)
    return tuple(o.cost(figures[o.name]) for o in objectives)


def stands_for(point: ValidatedPoint, candidate: Candidate) -> bool:
    """Whether the official runs of ``point`` are those of ``candidate``, which may be of a later trial.

    The same request under another version of the runtime is another run.
    """
    run = point.performance
    version = _engine_version(run.response if point.trial == candidate.trial else candidate.response)
    measured = Experiment.of(run.request, _engine_version(run.response))
    return measured == replace(candidate.experiment, engine_version=version)


def _engine_version(response: Response) -> str | None:
    return None if response.evidence is None else response.evidence.runtime_version


def _is_wanted(point: ValidatedPoint, candidate: Candidate, round_: Round, duration_ms: int | None) -> bool:
    """An official run satisfies a rehearsal too, and a rehearsal a shorter one."""
    same = point.round == round_.name and stands_for(point, candidate)
    if not (same and point.rehearsal):
        return same
    figures = point.performance.response.performance
    return duration_ms is not None and (figures is None or figures.duration_ns >= 1_000_000 * duration_ms)


def _point(
    step: Step, plan: Plan, left: _Left, on_progress: Callable[[Progress], None], system: str, device: str
) -> Runs[Outcome]:
    if step.done:
        outcome = Outcome(step.candidate.trial, read_point(step.folder))
    else:
        outcome = yield from _runs(step, plan, left, on_progress, system, device)
        if faster := _faster(step, plan):
            again = "faster than explored, LoadGen's queries did not last"
            on_progress(Progress(step, None, left.of(step, step.seconds), again=again, device=device))
            outcome = yield from _runs(faster, plan, left, on_progress, system, device)
    on_progress(Progress(step, None, left.of(step, 0.0), outcome, device=device))
    return outcome


def _runs(
    step: Step, plan: Plan, left: _Left, on_progress: Callable[[Progress], None], system: str, device: str
) -> Runs[Outcome]:
    candidate, folder = step.candidate, _running(step)
    if folder.exists():
        shutil.rmtree(folder)
    conf = user_conf(candidate.buffer_size, step.queries, min_duration_ms=plan.duration_ms)
    write_text(folder / "user.conf", conf)
    shutil.copyfile(candidate.request.model_path, folder / Path(own_model(candidate.request.model_path)).name)
    runs: tuple[tuple[RunName, Request, float, float], ...] = (
        ("accuracy", candidate.accuracy_request(), step.accuracy_s, step.seconds),
        ("performance", candidate.performance_request(), step.performance_s, step.performance_s),
    )
    for name, request, seconds, left_s in runs:
        on_progress(Progress(step, name, left.of(step, left_s), device=device))
        run_folder = folder / name
        run_folder.mkdir()
        timeout_s = _PATIENCE * seconds + _GRACE_S
        response = yield Run(device, candidate.trial, request, run_folder, timeout_s, candidate.python)
        if response.failure:
            return Outcome(candidate.trial, None, f"{name} run: {response.failure.error}: {response.failure.message}")
        if broken := _broken(folder, name, plan, candidate.scenario):
            return Outcome(candidate.trial, None, f"{name} run: {broken[0]}")
    write_point(
        folder,
        trial=candidate.trial,
        name=candidate.name,
        configuration=candidate.official_configuration,
        origin=candidate.origin,
        round_name=plan.round.name,
        rehearsal=plan.duration_ms is not None,
        explored=candidate.explored_values,
        explored_sessions=candidate.explored_sessions,
        device=device,
        system=system,
    )
    _take_its_place(folder, step.folder)
    return Outcome(candidate.trial, read_point(step.folder))


def _take_its_place(folder: Path, place: Path) -> None:
    """Move a complete ``folder`` to its place; official runs of another round that lie there are kept beside it."""
    if is_complete(place):
        make_way(read_point(place), read_point(folder).round)
    else:
        discard(place)
    folder.rename(place)


def _running(step: Step) -> Path:
    """Where the runs of a point lie until both have ended well."""
    return step.folder.with_name(f"{_RUNNING}{step.folder.name}")


def _faster(step: Step, plan: Plan) -> Step | None:
    """The step again, if its model ran so much faster than when it was explored that the queries did not last."""
    folder = _running(step) / "performance"
    if not (folder / "response.json").exists():
        return None
    response = read(Response, folder / "response.json")
    found, scenario = response.performance, step.candidate.scenario
    if found is not None and not found.min_duration_met:
        query_ns = float(min(found.duration_ns // found.query_count, found.latency_min_ns))
    elif found is None and scenario == "Offline" and (rate := _too_fast(folder / "performance", response)):
        query_ns = 1e9 / rate
    else:
        return None
    queries = plan_queries(query_ns, plan.min_duration_ms, plan.room_bytes, scenario)
    return replace(step, queries=queries) if queries.memory_bytes <= plan.room_bytes else None


def _too_fast(logs: Path, response: Response) -> float | None:
    """The samples per second of an Offline run that did not last long enough."""
    found = response.metrics.get("samples_per_second")
    try:
        lasted = read_detail_log(logs / LOGS[0]).values.get("result_min_duration_met")
    except SubmissionError:
        return None
    return found.value if found and not lasted else None


def _broken(folder: Path, name: RunName, plan: Plan, scenario: Scenario) -> list[Finding]:
    """What measuring again could mend, in the run's own logs, and wrong seeds. The rest is preflight's matter."""
    logs = folder / name / name
    if name == "performance":
        found = list(check_performance(folder, logs, scenario, None, plan.round))
    else:
        found = list(check_accuracy(folder, logs))
        if all(item.rule != "accuracy-log" for item in found):
            found += check_seeds(folder, logs, plan.round)
    short = {"min-duration"} if plan.duration_ms is not None else set()
    return [item for item in found if (RULES[item.rule].mendable or item.rule == "seeds") and item.rule not in short]
