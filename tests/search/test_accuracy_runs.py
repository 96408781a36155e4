import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.measurement import Phase
from dse.core.policy import rungs
from dse.search.accuracy_runs import FEWEST_IMAGES, accuracy_spec

IMAGES = 2000
RUNGS = rungs(IMAGES)


@pytest.mark.parametrize(
    ("latency_ms", "images"),
    [(0.05, 2000), (0.125, 2000), (0.2, 500), (0.5, 500), (0.8, 250), (2.0, 125), (3.0, 64), (60.0, 64)],
)
def test_a_look_at_an_accuracy_takes_half_of_a_run_or_the_fewest_images(latency_ms: float, images: int) -> None:
    assert accuracy_spec(500, RUNGS, 0.5, "search").images(IMAGES, latency_ms * 1e6) == images


@given(st.sampled_from(RUNGS), st.floats(0.01, 100), st.floats(0.01, 10))
def test_to_confirm_takes_the_images_that_were_asked_for_however_slow_the_model_is(
    asked: int, latency_ms: float, run_s: float
) -> None:
    assert accuracy_spec(asked, RUNGS, run_s, "confirm").images(IMAGES, latency_ms * 1e6) >= asked


@given(st.integers(1, 60_000), st.floats(0.001, 100), st.floats(0.01, 10), st.sampled_from(["search", "repeat"]))
def test_a_look_never_takes_more_time_than_it_may(size: int, latency_ms: float, run_s: float, phase: Phase) -> None:
    """But for one rung, which is all that there is, and for the fewest images that tell anything."""
    of = rungs(size)
    images = accuracy_spec(of[0], of, run_s, phase).images(size, latency_ms * 1e6)
    assert images <= size
    assert len(of) == 1 or images <= FEWEST_IMAGES or images * latency_ms / 1e3 <= run_s / 2 * (1 + 1e-9)
