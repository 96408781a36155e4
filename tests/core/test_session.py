"""The heart of the search, in memory: what is asked, in which order it may be told, and when it ends."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from dse_harness.protocol import Accuracy, DeviceState, Failure, Performance, Response
from hypothesis import given, settings
from hypothesis import strategies as st

from dse.core.budget import Budget
from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.measurement import Measurement
from dse.core.metrics import objective
from dse.core.policy import Need, Policy, Step
from dse.core.problem import Problem
from dse.core.session import Session
from dse.core.task import EachItsOwn, Task
from dse.core.tree import Level, Parameter, ParameterTree

SIDES = tuple(range(8))
PROBLEM = Problem(
    ParameterTree((Parameter("side", tuple(Level(side) for side in SIDES)),)),
    (objective("accuracy", "maximize"), objective("latency_p90_ns", "minimize")),
)
IMAGES = (100, 1000)


class InOrder:
    """Suggests what the space lists first."""

    gains: Sequence[float] = ()

    def suggest(
        self,
        past: Sequence[Estimate],
        pending: Sequence[Configuration] = (),
        estimates: Sequence[Estimate] = (),
    ) -> Configuration | None:
        known = {estimate.configuration for estimate in past}.union(pending)
        return next((c for c in PROBLEM.tree.configurations() if c not in known), None)


@dataclass
class Tariff:
    """A second for each trial, and one for each 1,000 images."""

    is_learned: bool = False
    another_s: float = 0.0
    told: list[float | None] = field(default_factory=list)

    def add(self, measured: Measurement, took_s: float | None = None) -> None:
        self.told.append(took_s)

    def step_s(self, need: Need) -> float:
        return 1.0 + (need.images / 1000 if need.images > IMAGES[0] else 0.0)

    def new_s(self, count: float) -> float:
        return count

    def joining_s(self, count: float) -> float:
        return 0.0


def measure(step: Step, seed: int = 0, noise: float = 0.02) -> Response:
    """Larger sides are slower and better, but the last, which is slower only; side 3 does not work."""
    side = int(step.configuration["side"])
    if side == 3:
        return Response(failure=Failure("invoke_failed", "no plan"))
    chance = random.Random(f"{seed} {step.number}")
    accuracy = None
    if step.runs_accuracy:
        accuracy = Accuracy(step.images * min(50 + 4 * side, 74) // 100, step.images, "", "random", IMAGES[-1])
    latency_ns = round(1e6 * (1 + side) * (1 + noise * chance.gauss(0, 1)))
    return Response(performance=Performance.constant(latency_ns), accuracy=accuracy, timing_s={"total": 1.0})


def session(history: Sequence[Measurement] = (), budget: Budget = Budget(), **policy: object) -> Session:  # noqa: B008
    task = Task(PROBLEM, Policy(IMAGES, **policy), budget, images=IMAGES[-1])  # type: ignore[arg-type]  # by name
    return Session(task, InOrder(), EachItsOwn(), Tariff(), history)


def run(of: Session, seed: int = 0, noise: float = 0.02) -> list[Step]:
    """Carry it out one step after the other; the steps."""
    steps: list[Step] = []
    while (step := of.ask(elapsed_s=float(len(steps)))) is not None:
        of.tell(step, measure(step, seed, noise), took_s=1.0)
        steps.append(step)
    return steps


def needs(steps: Sequence[Step]) -> list[tuple[object, str, int]]:
    return [(step.configuration["side"], step.phase, step.images) for step in steps]


def test_everything_once_and_then_the_front_on_all_images() -> None:
    of = session()
    steps = run(of)
    assert [step.number for step in steps] == list(range(len(steps)))
    assert needs(steps)[:8] == [(side, "search", 100) for side in SIDES]
    assert needs(steps)[8:] == [(side, "confirm", 1000) for side in (0, 1, 2, 4, 5, 6)]
    assert of.ended == "every configuration is known"
    assert {p.accuracy.total for p in of.analysis.front if p.accuracy} == {1000}


def test_confirming_goes_on_until_all_is_decided() -> None:
    of = session(confirm=True)
    phases = [step.phase for step in run(of, noise=0.3)]
    assert phases.count("confirm") > 6
    assert {"reference", "search"} < set(phases)
    assert not of.task.policy.undecided(of.situation)


def test_a_repeat_asks_for_no_more_images_than_were_counted() -> None:
    """A slow model is looked at on fewer images than the first rung has; its latency is repeated without the rest."""
    few, history = 64, []
    for number, (side, good) in enumerate(((0, 10), (1, 60))):
        configuration = Configuration({"side": side})
        accuracy = Accuracy(good, few, "", "random", IMAGES[-1])
        response = Response(performance=Performance.constant(1_000_000 + side), accuracy=accuracy)
        key = configuration.fingerprint
        history.append(Measurement(number, configuration, key, response, accuracy, number, accuracy_key=key))
    of = session(history, confirm=True)
    assert {(n.configuration["side"], n.images) for n in of.task.policy.undecided(of.situation)} == {(0, few), (1, few)}


class Stable(InOrder):
    """Suggests the first five sides, and then expects nothing of the others."""

    def __init__(self) -> None:
        self.asked = 0

    def suggest(
        self,
        past: Sequence[Estimate],
        pending: Sequence[Configuration] = (),
        estimates: Sequence[Estimate] = (),
    ) -> Configuration | None:
        self.asked += 1
        self.gains = (0.1,) if len(past) < 5 else (0.0,)
        return super().suggest(past, pending)


def test_a_stable_front_is_not_asked_after_each_repeat_whether_it_is() -> None:
    suggester = Stable()
    task = Task(PROBLEM, Policy(IMAGES, confirm=True, stable_gain=1e-7), images=IMAGES[-1])
    of = Session(task, suggester, EachItsOwn(), Tariff())
    phases = [step.phase for step in run(of, noise=0.3)]
    assert of.ended == "the front is stable"
    confirmed = phases.count("confirm")
    assert confirmed > 20
    assert suggester.asked < 5 + 2 + confirmed / 5


def test_a_trial_that_is_lost_is_measured_again_once_the_disturbance_is_over() -> None:
    of = session()
    for _ in range(4):
        step = of.ask()
        assert step is not None
        bad = step.number in (1, 2)
        state = DeviceState("", 0.0, throttled=("frequency capped",) if bad else ())
        of.tell(step, replace(measure(step), device_before=state, device_after=state))
    step = of.ask()
    assert step is not None
    assert needs([step]) == [(1, "search", 100)] or (step.configuration["side"], step.phase) == (1, "repeat")


@given(noise=st.sampled_from([0.0, 0.05, 0.5]), seed=st.integers(0, 99), in_vain=st.booleans())
@settings(max_examples=15, deadline=None)
def test_confirming_always_ends(noise: float, seed: int, in_vain: bool) -> None:
    """With accuracies on a growing part of the images, which may say anything first, also where it never grows."""
    of, most, counted = session(confirm=True, most_repeats=8), 8, dict[Configuration, Accuracy]()
    while (step := of.ask()) is not None:
        response = measure(step, seed, noise)
        if response.accuracy is not None:
            chance = random.Random(f"{seed} {step.configuration['side']} {step.images}")
            total = IMAGES[0] if in_vain else step.images
            known = counted.get(step.configuration, Accuracy(0, 0, ""))
            good = known.good + sum(chance.random() < 0.6 for _ in range(total - known.total))
            found = counted[step.configuration] = Accuracy(good, total, "", "random", IMAGES[-1])
            response = replace(response, accuracy=found)
        of.tell(step, response, took_s=1.0)
        assert of.told < len(SIDES) * (most + len(IMAGES)) * 1.5  # and drift checks
    assert of.ended == "every configuration is known"
    assert in_vain or {p.accuracy.total for p in of.analysis.front if p.accuracy} == {IMAGES[-1]}


@given(st.data())
@settings(max_examples=15, deadline=None)
def test_pending_steps_are_never_asked_again_whatever_the_order_of_answers(data: st.DataObject) -> None:
    confirm = data.draw(st.booleans())
    devices = data.draw(st.sampled_from([("",), ("", "board"), ("a", "b", "c")]))
    of, numbers = session(confirm=confirm), set[int]()
    for _ in range(400):
        step = of.ask(data.draw(st.sampled_from(devices))) if len(of.pending) < 4 else None
        if step is not None:
            others = [other for other in of.pending if other.number != step.number]
            if step.phase == "reference":
                others = [other for other in others if other.device == step.device]
            assert (step.configuration, step.phase) not in [(o.configuration, o.phase) for o in others]
            assert step.number not in numbers
            numbers.add(step.number)
        elif not of.pending:
            break
        else:
            told = data.draw(st.sampled_from(of.pending))
            of.tell(told, measure(told))
    assert of.ended
    assert numbers == {m.trial for m in of.measurements} == set(range(len(numbers)))
    assert {m.configuration for m in of.measurements} == set(PROBLEM.tree.configurations())


@given(order=st.permutations(range(5)))
@settings(max_examples=20, deadline=None)
def test_the_order_of_answers_does_not_matter(order: list[int]) -> None:
    of, in_order = session(confirm=True), session(confirm=True)
    asked = [[each.ask() for _ in range(5)] for each in (of, in_order)]
    assert asked[0] == asked[1]
    steps = [step for step in asked[0] if step is not None]
    for place in order:
        of.tell(steps[place], measure(steps[place]))
    for step in steps:
        in_order.tell(step, measure(step))
    assert of.measurements == in_order.measurements
    assert of.ask() == in_order.ask()


@pytest.mark.parametrize("confirm", [False, True])
def test_the_same_history_has_the_same_next_step(confirm: bool) -> None:
    """Killed and continued after any trial; but for the drift check with which a search goes on."""
    whole = session(confirm=confirm, reference_every=None)
    steps = run(whole)
    for kept in range(len(steps)):
        again = session(whole.measurements[:kept], confirm=confirm, reference_every=None)
        assert again.ask(elapsed_s=float(kept)) == replace(steps[kept], session=1 + bool(kept))
    assert session(whole.measurements, confirm=confirm, reference_every=None).ask() is None


def test_a_search_that_goes_on_begins_with_the_reference() -> None:
    whole = session(budget=Budget(trials=3))
    run(whole)
    again = session(whole.measurements)
    assert needs([step for step in (again.ask(), again.ask()) if step]) == [(0, "reference", 100), (3, "search", 100)]


def test_each_device_has_its_own_drift_checks() -> None:
    of = session(reference_every=3)
    for _ in range(2):
        step = of.ask("a")
        assert step is not None
        of.tell(step, measure(step))
    first = of.ask("b")
    assert first is not None
    assert (first.phase, first.device) == ("reference", "b")
    also = of.ask("a")
    assert also is not None
    assert also.phase == "search"


def test_trials_that_share_an_accuracy_count_it_once_also_while_it_is_pending() -> None:
    class Shared(EachItsOwn):
        def accuracy_key(self, configuration: Configuration) -> str:
            return "one model"

    of = Session(Task(PROBLEM, Policy((100,))), InOrder(), Shared(), Tariff())
    first, second = of.ask(), of.ask()
    assert first is not None
    assert second is not None
    assert (first.runs_accuracy, second.runs_accuracy, second.accuracy_from) == (True, False, 0)
    of.tell(second, measure(second))
    third = of.ask()  # no repeat of the second: its accuracy is being counted
    assert third is not None
    assert third.phase == "search"
    of.tell(first, measure(first))
    assert {m.accuracy for m in of.analysis.known[1].trials} == {of.measurements[0].response.accuracy}


def test_a_step_is_told_once_and_a_trial_of_a_device_that_is_gone_is_asked_again() -> None:
    of = session()
    step = of.ask()
    assert step is not None
    of.tell(step, measure(step))
    with pytest.raises(ValueError, match="trial 0 is not pending"):
        of.tell(step, measure(step))
    gone = of.ask()
    assert gone is not None
    of.give_up(gone)
    again = of.ask()
    assert again is not None
    assert (again.configuration, again.number) == (gone.configuration, gone.number + 1)


@pytest.mark.parametrize("budget", [Budget(trials=0), Budget(time_s=0.0), Budget(device_s=0.0)])
def test_a_spent_budget_asks_nothing(budget: Budget) -> None:
    of = session(budget=budget)
    assert of.ask() is None
    assert of.ended == "the budget is spent"


def test_a_limit_on_configurations_counts_what_is_pending() -> None:
    of = session(budget=Budget(trials=2))
    steps = [of.ask(), of.ask(), of.ask()]
    assert [step is not None for step in steps] == [True, True, False]
    assert of.ended == ""
    for step in steps[:2]:
        assert step is not None
        of.tell(step, measure(step))
    run(of)
    assert of.searched == 2
    assert of.ended == "the limit on configurations is reached"


def test_a_limited_time_is_kept_for_the_accuracies_of_the_front() -> None:
    of = session(budget=Budget(device_s=13.0), confirm=True)
    for step in iter(of.ask, None):
        of.tell(step, measure(step), took_s=of.costs.step_s(step))
    assert of.device_s <= 13.0
    assert {p.accuracy.total for p in of.analysis.front if p.accuracy} == {1000}


@pytest.mark.parametrize("time_s", range(8, 26))
def test_a_reference_that_is_due_waits_for_no_accuracy(time_s: int) -> None:
    """It did, and as long as it was due nothing new was searched."""
    phases = [step.phase for step in run(session(budget=Budget(time_s=time_s), reference_every=3))]
    between = "".join("r" if phase == "reference" else "." for phase in phases).split("r")
    assert max(map(len, between)) <= 3


def test_what_takes_longer_than_what_is_left_is_not_begun() -> None:
    of = session(budget=Budget(device_s=9.5))
    for step in iter(of.ask, None):
        of.tell(step, measure(step), took_s=1.0)
    assert of.ended in ("what is left takes longer than the rest of the budget", "the budget is spent")
    assert of.device_s <= 9.5
