import numpy as np
from dse_harness.image_order import random_order
from hypothesis import given
from hypothesis import strategies as st

ORDER = [7805, 9317, 8721, 9886, 6738, 9642, 5944, 5470]


@given(st.integers(1, 500), st.text())
def test_every_image_comes_once(total: int, data_set: str) -> None:
    assert sorted(random_order(total, data_set)) == list(range(total))


def test_it_is_the_same_everywhere_and_for_ever() -> None:
    """A study that is continued after an update counts on the same images."""
    assert random_order(10_000, "c" * 64)[:8].tolist() == ORDER
    assert random_order(10_000, "d" * 64)[:8].tolist() != ORDER


def test_a_part_has_about_its_share_of_every_class() -> None:
    labels = np.repeat(np.arange(10), 1000)[random_order(10_000, "c" * 64)]
    counts = np.bincount(labels[:2000], minlength=10)
    assert counts.min() > 150
    assert counts.max() < 250
