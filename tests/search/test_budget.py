"""A limited time by the clock of a made-up device: what it reaches, what is kept for the front, what is left."""

from __future__ import annotations

import pytest
from dse_harness.protocol import Request

from dse.backends import FakeDevice
from dse.core.budget import Budget
from dse.core.session import Session
from dse.search.plan import make_plan
from dse.search.progress import Progress
from dse.search.spent import spent_on
from dse.spaces.load import load_space
from tests.search.bench import Bench, latency
from tests.thorough import most_thorough

MODELS = "[48, 64, 96, 128]\n  precision: [float32, float16, int8, int8_dynamic, int8_weight_only]"
IMAGES = 10_000


def flattering(request: Request) -> float:
    """The first images are easier, for some models more than for others."""
    of_all = 0.5 + int(request.model_sha256[4:6], 16) / 640
    part = 1 - ((request.accuracy.samples if request.accuracy else None) or IMAGES) / IMAGES
    return of_all + 0.05 * part * int(request.model_sha256[2:4], 16) / 255


def timed(**changes: object) -> FakeDevice:
    return FakeDevice(latency, flattering, timed=True, run_s=1.0, **changes)  # type: ignore[arg-type]  # any field


def counted(study: Session) -> list[int]:
    return [point.accuracy.total for point in study.analysis.front if point.accuracy]


@pytest.mark.parametrize("seed", most_thorough([0, 1, 2], lambda seed: seed == 0, "another seed of the same search"))
def test_the_accuracies_of_the_front_are_completed_inside_the_budget(bench: Bench, seed: int) -> None:
    """They take half of it: twice as much, which repeats would leave them, is more than there is."""
    bench.write("[1]", sides=MODELS, images=IMAGES)
    seen: list[Progress] = []
    device = timed(seed=seed)
    study = bench.search(device, Budget(device_s=300), seed=seed, confirm=True, observe=seen.append)
    assert set(counted(study)) == {IMAGES}
    assert seen[-1].incomplete == []
    assert device.clock_s < 340  # a trial that runs is not broken off


def test_what_a_budget_cannot_complete_is_told_and_never_begun(bench: Bench) -> None:
    bench.write("[1]", sides=MODELS, images=IMAGES)
    seen: list[Progress] = []
    device = FakeDevice(lambda r: 20 * latency(r), flattering, timed=True, run_s=1.0)
    study = bench.search(device, Budget(device_s=100), confirm=True, observe=seen.append)
    assert min(counted(study)) < IMAGES
    assert len(seen[-1].incomplete) == len([total for total in counted(study) if total < IMAGES])
    assert device.clock_s < 130
    assert sum(seen[-1].incomplete) > 100


@pytest.mark.parametrize("budget", [Budget(), Budget(trials=6)])
def test_a_plan_has_the_cost_of_accuracies_once_something_was_measured(bench: Bench, budget: Budget) -> None:
    bench.write("[1]", sides=MODELS, images=IMAGES)
    device = timed(noise=0.0)
    study = bench.search(device, Budget(trials=6))
    space, before_s = load_space(bench.folder / "space.yaml"), device.clock_s
    plan = make_plan(space, study.measurements, budget)
    assert plan.is_learned
    bench.search(device, budget)
    assert plan.time_s == pytest.approx(device.clock_s - before_s, rel=0.8)  # a search prefers what is cheap
    assert plan.time_s > 2 * 1.5 * plan.trials  # more than the performance runs


def test_a_plan_of_one_more_counts_its_chance_to_need_all_images(bench: Bench) -> None:
    """Whether it does nobody knows before: the plan lies between what it then takes and what it takes otherwise."""
    bench.write("[1]", sides=MODELS, images=IMAGES)
    study = bench.search(timed(noise=0.0), Budget(trials=6))
    plan = make_plan(load_space(bench.folder / "space.yaml"), study.measurements, Budget(trials=1))
    slowest_s = max(m.values["latency_p90_ns"] for m in study.measurements) * IMAGES / 1e9
    assert plan.trials == 1
    assert plan.search_s < plan.time_s < 2 * plan.search_s + slowest_s


def test_a_plan_before_anything_was_measured_has_a_guess_of_them(bench: Bench) -> None:
    bench.write("[1]", sides=MODELS, images=IMAGES)
    plan = make_plan(load_space(bench.folder / "space.yaml"), [], Budget())
    assert not plan.is_learned
    assert plan.complete_s > 0
    assert plan.search_s > plan.trials * (1.5 + 0.1)  # to start, and the shortest performance runs


def test_the_time_left_comes_true(bench: Bench) -> None:
    bench.write("[1, 2]", sides=MODELS, images=IMAGES)
    device, told = timed(noise=0.0), []

    def observe(progress: Progress) -> None:
        told.append((device.clock_s, progress.remaining_s))

    bench.search(device, observe=observe)
    end_s = device.clock_s
    half = [(now, left) for now, left in told if now > end_s / 3]
    for now, left in half:
        assert left == pytest.approx(end_s - now, abs=0.35 * end_s)


def test_a_study_knows_what_was_spent_on_it(bench: Bench) -> None:
    device = timed()
    study = bench.explore(device, Budget(trials=5))
    spent = spent_on(study)
    assert spent.trials == 5
    assert spent.device_s == pytest.approx(device.clock_s)
    assert spent.time_s == pytest.approx(device.clock_s, abs=0.01)
    again = bench.explore(device, Budget(trials=2), spent_s=1000.0)
    assert spent_on(again).time_s > 1000
    left = spent_on(again).left_of(Budget(time_s=1e4, trials=9, device_s=1.0))
    assert (left.trials, left.device_s) == (2, 0.0)
    assert 8000 < (left.time_s or 0) < 9000


def test_a_spent_budget_measures_nothing(bench: Bench) -> None:
    bench.write("[1, 2]", sides=MODELS, images=IMAGES)
    before = len(bench.search(timed(), Budget(trials=3)).measurements)
    for budget in (Budget(trials=0), Budget(time_s=0.0), Budget(device_s=0.0)):
        seen: list[Progress] = []
        study = bench.search(timed(), budget, observe=seen.append)
        assert len(study.measurements) == before
        assert seen[-1].ended == "the budget is spent"
        assert seen[-1].plan.unknown == 77


def test_what_a_killed_search_did_not_complete_is_completed_without_new_ones(bench: Bench) -> None:
    bench.write("[1]", sides=MODELS, images=IMAGES)
    bench.search(timed(), Budget(device_s=1.0))
    study = bench.search(timed(), Budget(trials=0))
    assert [m.phase for m in study.measurements] == ["search", "reference", "confirm"]
    assert counted(study) == [IMAGES]
