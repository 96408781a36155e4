"""The search of a space: a session, a device or several that measure its steps, a study that keeps them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from dse_harness.protocol import Request

from dse.backends import Backend
from dse.core.accuracies import FoundAccuracy
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement
from dse.core.policy import STABLE_GAIN, Policy, Step
from dse.core.problem import Problem
from dse.core.session import Session
from dse.core.task import Task
from dse.models import ModelFile
from dse.paths import cache_dir
from dse.search.accuracy_runs import FEWEST_IMAGES, accuracy_spec
from dse.search.costs import costs_of
from dse.search.devices import RESTS_S
from dse.search.driver import Driver
from dse.search.one_thread import one_thread
from dse.search.plan import Plan, accuracy_rungs
from dse.search.pool import BackendPool, Pool
from dse.search.progress import Progress
from dse.search.suggesters import OncePerExperiment, make_suggester
from dse.spaces.placement import Placement
from dse.spaces.space import Space
from dse.study.writer import StudyWriter

Observer = Callable[[Progress], None]


def explore(
    writer: StudyWriter,
    space: Space,
    where: Backend | Pool,
    plan: Plan,
    seed: int,
    observe: Observer,
    stopped: Callable[[], bool],
    *,
    confirm: bool = False,
    strict: bool = False,
    again: bool = False,
    first: Sequence[Configuration] = (),
    spent_s: float = 0.0,
    rests_s: Sequence[float] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Progress:
    """Measure until the budget ends, ``stopped`` says so, or the front is complete and, with ``confirm``, decided.

    With ``again`` what is on the front is measured once more before anything else: in this session too.

    In the end the accuracies of the front are counted on all images; of a limited time, enough is kept for that.

    ``where`` is a backend, or a pool of devices of one system. A model that cannot be made costs one trial, as a
    runtime that crashes does. A device that is lost is asked again after
    ``rests_s`` (default: `RESTS_S`), and retired where that goes on.
    ``first`` is suggested before anything else. With ``strict`` a trial that is excluded (throttling, foreign load,
    drift) raises MachineError, which loses nothing. Earlier searches of the study took ``spent_s``. Raises
    MachineError for a sampler that lacks a package and for a cache that cannot be used.
    """
    pool = where if isinstance(where, Pool) else BackendPool(where)
    began = clock()
    session = session_of(
        space,
        plan,
        seed,
        writer.study.measurements,
        confirm=confirm,
        again=again,
        first=first,
        first_number=writer.next_number,
        elsewhere=writer.elsewhere,
        counted_elsewhere=writer.counted_elsewhere,
    )
    driver = Driver(
        writer,
        space,
        pool,
        session,
        replace(plan, basis=None),
        observe,
        lambda step, model: request_of(space, step, model),
        lambda: clock() - began,
        strict=strict,
        spent_s=spent_s,
        rests_s=rests_s or RESTS_S,
    )
    with one_thread():
        return driver.run(stopped)


def session_of(
    space: Space,
    plan: Plan,
    seed: int,
    history: Sequence[Measurement] = (),
    *,
    confirm: bool = False,
    again: bool = False,
    first: Sequence[Configuration] = (),
    first_number: int | None = None,
    elsewhere: Mapping[str, FoundAccuracy] | None = None,
    counted_elsewhere: Collection[str] = (),
) -> Session:
    """The session that carries out ``plan`` on ``space``; see `explore`, and `dse.core.session` for ``elsewhere``."""
    rungs, is_exact = accuracy_rungs(space), space.backend.is_deterministic
    basis = plan.basis if plan.basis is not None and plan.basis.holds(space, history) else None
    place = Placement(space, history) if basis is None else basis.place
    costs = costs_of(space, rungs, history, place) if basis is None else basis.costs.copy()
    problem = Problem(
        space.tree,
        space.objectives,
        space.constraints,
        space.indifference,
        at_latency_s=costs.at_latency_s if plan.budget.seconds is not None else None,
    )
    if is_exact:  # a record says the same each time: to ask again would only make it look surer
        policy = Policy(rungs, confirm=confirm, reference_every=None)
    else:
        policy = Policy(rungs, confirm=confirm, stable_gain=STABLE_GAIN if confirm else 0.0, again=again)
    return Session(
        Task(
            problem,
            policy,
            plan.budget,
            search_s=plan.share_s if confirm else None,
            images=space.data_set.size,
            exact=is_exact,
        ),
        OncePerExperiment(make_suggester(problem, plan.decision.sampler, seed, first), place),
        place,
        costs,
        history,
        first_number=first_number,
        elsewhere=elsewhere,
        counted_elsewhere=counted_elsewhere,
        before=None if basis is None else basis.analysis,
    )


def request_of(space: Space, step: Step, model: ModelFile) -> Request:
    """What the harness is asked for ``step``, whose model is ``model``."""
    accuracy = None
    if step.runs_accuracy:
        accuracy = accuracy_spec(step.images, accuracy_rungs(space), space.fidelity.min_duration, step.phase)
    return space.experiment(step.configuration).request(
        model_path=model.path,
        model_sha256=model.sha256,
        data_set=space.data_set.spec,
        cache=cache_dir(),
        accuracy=accuracy,
        spot_check_images=FEWEST_IMAGES if step.runs_accuracy or step.spot_check else 0,
        image_order="random",
        energy=space.asks_for_energy,
    )
