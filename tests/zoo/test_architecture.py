from hypothesis import given
from hypothesis import strategies as st

from dse.zoo.architecture import network, scaled


@given(st.floats(min_value=1, max_value=4096), st.sampled_from([1, 2, 4, 8, 16]))
def test_scaled_channels_are_a_multiple_and_lose_at_most_a_tenth(channels: float, divisor: int) -> None:
    result = scaled(channels, divisor)
    assert result % divisor == 0
    assert result >= max(divisor, 0.9 * channels)
    assert result <= channels + 1.5 * divisor


def test_the_paper_at_width_one() -> None:
    large = network("large", 1.0, minimalistic=False)
    assert (large.stem, large.last, large.hidden, len(large.blocks)) == (16, 960, 1280, 15)
    assert large.name == "large_1.0"
    small = network("small", 1.0, minimalistic=False)
    assert (small.stem, small.last, small.hidden, len(small.blocks)) == (16, 576, 1024, 11)


def test_minimalistic_has_nothing_that_accelerators_dislike() -> None:
    minimalistic = network("small", 0.5, minimalistic=True)
    assert minimalistic.name == "small_minimalistic_0.5"
    for block in minimalistic.blocks:
        assert (block.kernel, block.squeeze_excite, block.activation) == (3, False, "relu")
