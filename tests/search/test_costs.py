import pytest
from dse_harness.protocol import Accuracy, AccuracySpec, MetricValue, Performance, PerformanceSpec, Response
from hypothesis import given
from hypothesis import strategies as st

from dse.core.configuration import Configuration
from dse.core.measurement import Measurement, Phase
from dse.core.policy import Need
from dse.search.accuracy_runs import accuracy_spec
from dse.search.costs import LearnedCosts, Work

RUNGS = (500, 2000)


def listed(threads: list[int]) -> list[Configuration]:
    """``threads[i]`` configurations of model i."""
    return [Configuration({"model": i, "threads": t}) for i, most in enumerate(threads) for t in range(most)]


def costs(configurations: list[Configuration], guesses_ms: list[float]) -> LearnedCosts:
    def accuracy(images: int, phase: Phase) -> AccuracySpec:
        return accuracy_spec(images, RUNGS, 0.5, phase)

    work = Work(
        rungs=RUNGS,
        run=PerformanceSpec(min_duration_ms=500, least_duration_ms=100),
        accuracy=accuracy,
        model=lambda configuration: configuration["model"],
        guess_ns=lambda configuration: 1e6 * guesses_ms[int(configuration["model"])],
        listed=configurations,
    )
    return LearnedCosts(work, (), lambda measured: measured.configuration)


MODELS = st.lists(st.tuples(st.integers(1, 4), st.floats(0.01, 50)), min_size=1, max_size=6)


@given(MODELS)
def test_all_configurations_take_what_each_takes_and_each_model_one_accuracy(models: list[tuple[int, float]]) -> None:
    configurations = listed([threads for threads, _ in models])
    known = costs(configurations, [latency_ms for _, latency_ms in models])
    alone_s = sum(known.step_s(Need(c, "search", RUNGS[0] if c["threads"] == 0 else 0)) for c in configurations)
    assert known.new_s(len(configurations)) == pytest.approx(alone_s)


@given(MODELS, st.integers(0, 5), st.floats(0.01, 50))
def test_more_configurations_take_longer_whatever_was_measured(
    models: list[tuple[int, float]], measured: int, latency_ms: float
) -> None:
    configurations = listed([threads for threads, _ in models])
    known = costs(configurations, [latency for _, latency in models])
    before_s = known.new_s(1)
    for number, configuration in enumerate(configurations[:measured]):
        known.add(_trial(number, configuration, latency_ms), took_s=1.0)
    left = len(configurations) - min(measured, len(configurations))
    taken_s = [known.new_s(count) for count in range(left + 1)]
    assert taken_s == sorted(taken_s)
    assert taken_s[0] == 0
    assert all(known.joining_s(count) >= 0 for count in range(1, left + 1))
    assert measured or before_s == known.new_s(1)


def _trial(number: int, configuration: Configuration, latency_ms: float) -> Measurement:
    response = Response(
        performance=Performance.constant(round(latency_ms * 1e6), duration_ns=10**8),
        accuracy=Accuracy(400, 500, "", "random", 2000),
        timing_s={"performance": 0.1, "accuracy": 0.2, "total": 0.5},
    )
    return Measurement(number, configuration, str(number), response, response.accuracy, number, images=500)


@given(st.floats(0.01, 20), st.sampled_from([1, 8]))
def test_a_query_of_several_samples_takes_as_many_times_longer_and_an_image_does_not(
    latency_ms: float, samples: int
) -> None:
    (configuration,) = listed([1])
    run = PerformanceSpec(min_duration_ms=500, least_duration_ms=100)
    work = Work(
        rungs=(500,),
        run=run,
        accuracy=lambda images, _: AccuracySpec(images),
        model=lambda configuration: configuration["model"],
        guess_ns=lambda _: 1e6 * latency_ms,
        listed=[configuration],
        start_s=0.0,
        samples=lambda _: samples,
    )
    known = LearnedCosts(work, (), lambda measured: measured.configuration)
    expected_s = run.seconds(1e6 * latency_ms * samples) + 500 * latency_ms / 1e3
    assert known.step_s(Need(configuration, "search", 500)) == pytest.approx(expected_s)


@given(st.floats(1, 1e5))
def test_where_there_are_no_latencies_the_rate_says_what_a_sample_takes(rate: float) -> None:
    (configuration,) = listed([1])
    known = costs([configuration], [0.5])
    response = Response(
        metrics={"samples_per_second": MetricValue(rate, "1/s")}, timing_s={"total": 3, "performance": 1}
    )
    known.add(Measurement(1, configuration, "k", response))
    assert known.is_learned
    run_s = PerformanceSpec(min_duration_ms=500, least_duration_ms=100).seconds(1e9 / rate)
    assert known.step_s(Need(configuration, "repeat", 0)) == pytest.approx(2 + run_s)
