"""What a search says of its time left, with a device that is made up. No clock has a part in it."""

from __future__ import annotations

import pytest

from dse.core.budget import Budget
from dse.search.progress import Progress
from tests.search.bench import Bench, device, phases


@pytest.mark.parametrize(("budget", "confirm"), [(Budget(trials=3), False), (Budget(trials=3, device_s=1e9), True)])
def test_time_is_left_as_long_as_work_is_and_none_after_the_last_run(
    bench: Bench, budget: Budget, confirm: bool
) -> None:
    bench.write("[1, 2, 3]", images=10_000)
    left: dict[int, float] = {}

    def observe(progress: Progress) -> None:
        left[progress.done + progress.repeats] = progress.remaining_s

    study = bench.search(device(noise=0.0), budget, confirm=confirm, observe=observe)
    assert phases(study).count("confirm") > 0
    assert left.pop(len(study.measurements)) == 0
    assert min(left.values()) > 0
    assert left.keys() == set(range(len(study.measurements)))


def test_time_is_left_for_what_is_measured_again(bench: Bench) -> None:
    """Trials that did not count, the reference configuration after twenty trials and of a search that goes on."""
    left: dict[tuple[int, bool], float] = {}

    def observe(progress: Progress) -> None:
        left[progress.done + progress.repeats, progress.running is not None] = progress.remaining_s

    study = bench.search(device(throttled=lambda t: t == 34), observe=observe)
    assert phases(study) == ["search"] * 18 + ["repeat"] * 2 + ["reference"]
    assert left.pop((len(study.measurements), False)) == 0
    assert min(left.values()) > 0
    left.clear()
    study = bench.search(device(), observe=observe)
    assert phases(study)[-1] == "reference"
    assert left.pop((1, False)) == 0
    assert left.keys() == {(0, False), (0, True)}
    assert min(left.values()) > 0


def test_time_is_left_while_a_trial_runs_beyond_the_budget(bench: Bench) -> None:
    left: list[float] = []

    def observe(progress: Progress) -> None:
        if progress.running is not None:
            left.append(progress.after(1.0).remaining_s)  # as if the device had been at it for longer

    bench.search(device(), Budget(device_s=1.5), observe=observe)
    assert left
    assert min(left) > 0
