import dataclasses
from pathlib import Path

import numpy as np
import pytest
from dse_harness.errors import HarnessError
from dse_harness.protocol import DataSetSpec, Preprocessing, Request, write
from dse_harness.samples import (
    SHARD_IMAGES,
    PixelCache,
    SampleMemory,
    input_values,
    require_memory,
    shard_images,
    shard_path,
)
from dse_harness.tensors import Tensor
from hypothesis import given
from hypothesis import strategies as st

from tests.harness.running import write_colours

RAW = np.arange(256)


def tensor(type_: str, scale: float | None = None, zero_point: int = 0, side: int = 8, layout: str = "NHWC") -> Tensor:
    shape = (1, side, side, 3) if layout == "NHWC" else (1, 3, side, side)
    return Tensor(shape, type_, scale, zero_point)


@pytest.mark.parametrize(
    ("scale", "zero_point"), [(0.0078125, 128), (0.007843137718737125, 127), (0.007874015718698502, 128), (1 / 255, 0)]
)
def test_uint8_inputs_of_published_models_get_the_pixels_themselves(scale: float, zero_point: int) -> None:
    assert (input_values(Preprocessing(), tensor("uint8", scale, zero_point)) == RAW).all()


def test_float_inputs_get_the_normalized_value() -> None:
    values = input_values(Preprocessing(mean=10, scale=2), tensor("float32"))
    assert values.dtype == np.float32
    assert (values == (RAW - 10) / 2).all()


@given(
    type_=st.sampled_from(["int8", "int16"]),
    scale=st.floats(1e-5, 1),
    zero_point=st.integers(-128, 127),
    mean=st.floats(0, 255),
    divisor=st.floats(0.5, 255),
)
def test_quantized_values_are_within_half_a_step_or_at_the_limit(
    type_: str, scale: float, zero_point: int, mean: float, divisor: float
) -> None:
    values = input_values(Preprocessing(mean=mean, scale=divisor), tensor(type_, scale, zero_point)).astype(np.int64)
    limits = np.iinfo(type_)
    exact = ((RAW - mean) / divisor / scale + zero_point).clip(limits.min, limits.max)
    assert (np.abs(values - exact) <= 0.5).all()


@pytest.fixture
def request_path(tmp_path: Path) -> Path:
    write_colours(tmp_path / "colours.npz", count=SHARD_IMAGES + 5, side=8)
    path = tmp_path / "request.json"
    write(REQUEST, path)
    return path


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_colours(tmp_path_factory.mktemp("cached") / "colours.npz", count=SHARD_IMAGES + 5, side=8)


@pytest.fixture(scope="module")
def cached(colours: Path) -> PixelCache:
    write(REQUEST, colours.with_name("request.json"))
    return PixelCache(REQUEST, colours.with_name("request.json"), 8)


REQUEST = Request("model", "0", DataSetSpec("colours", "colours.npz", "1"), "cache", preprocessing=Preprocessing(100))


def test_only_the_files_that_are_asked_for_are_made(request_path: Path) -> None:
    cache = PixelCache(REQUEST, request_path, 8)
    assert len(cache.labels()) == SHARD_IMAGES + 5
    folder = next((request_path.parent / "cache").iterdir())
    assert not shard_path(folder, 1).exists()
    cache.prepare([SHARD_IMAGES + 4])
    pixels = np.empty((8, 8, 3), np.uint8)
    cache.read(SHARD_IMAGES + 4, pixels)
    with np.load(request_path.parent / "colours.npz") as archive:
        assert (pixels == archive["images"][SHARD_IMAGES + 4]).all()


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("type_", ["uint8", "float32", "float16"])
def test_memory_holds_what_was_loaded_until_unloaded(
    cached: PixelCache, colours: Path, layout: str, type_: str
) -> None:
    quantization = (0.0078125, 128) if type_ == "uint8" else (None, 0)
    memory = SampleMemory(
        cached,
        Preprocessing(mean=0, scale=1) if type_ != "uint8" else Preprocessing(),
        tensor(type_, *quantization, layout=layout),
    )
    memory.load([3, 1])
    with np.load(colours) as archive:
        image = archive["images"][3]
    assert (memory.samples[3][0] == (image if layout == "NHWC" else image.transpose(2, 0, 1))).all()
    assert memory.samples[3].dtype == type_
    memory.unload([3])
    assert list(memory.samples) == [1]


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("type_", ["float32", "int8"])
def test_each_channel_may_have_a_mean_and_a_scale_of_its_own(
    cached: PixelCache, colours: Path, layout: str, type_: str
) -> None:
    quantization = (0.05, 3) if type_ == "int8" else (None, 0)
    memory = SampleMemory(
        cached, Preprocessing(mean=(1, 2, 3), scale=(40, 50, 60)), tensor(type_, *quantization, layout=layout)
    )
    memory.load([3])
    with np.load(colours) as archive:
        real = (archive["images"][3] - np.array([1, 2, 3])) / np.array([40, 50, 60])
    expected = real if type_ == "float32" else np.rint(real / 0.05 + 3).clip(-128, 127)
    expected = expected if layout == "NHWC" else expected.transpose(2, 0, 1)
    assert memory.samples[3][0] == pytest.approx(expected, abs=1e-6)


def test_one_number_and_three_go_together() -> None:
    assert Preprocessing(mean=(1, 2, 3), scale=4).channels == ((1, 2, 3), (4, 4, 4))
    assert Preprocessing().channels == ((127.5,), (127.5,))


@given(
    type_=st.sampled_from(["uint8", "float32", "float16", "int8", "int16"]),
    layout=st.sampled_from(["NHWC", "NCHW"]),
    scale=st.floats(1e-3, 1),
    zero_point=st.integers(0, 127),
    asked=st.lists(st.integers(0, 3), min_size=1, max_size=6),
)
def test_samples_on_demand_are_those_in_memory(
    cached: PixelCache, type_: str, layout: str, scale: float, zero_point: int, asked: list[int]
) -> None:
    quantization = (None, 0) if type_.startswith("float") else (scale, zero_point)
    memory = SampleMemory(cached, Preprocessing(), tensor(type_, *quantization, layout=layout))
    images = np.array([7, SHARD_IMAGES + 2, 0, 3])
    in_memory, on_demand = memory.of(images), memory.on_demand(images)
    in_memory.load(range(4))
    on_demand.load(range(4))
    for index in asked:
        assert (on_demand.samples[index] == in_memory.samples[index]).all()
        assert on_demand.samples[index].dtype == type_


def test_other_settings_or_data_are_another_cache(request_path: Path) -> None:
    changes = [
        {"data_set": dataclasses.replace(REQUEST.data_set, sha256="2")},
        {"preprocessing": Preprocessing(87.5)},
        {"preprocessing": Preprocessing(100, "area")},
    ]
    for request in [REQUEST, *(dataclasses.replace(REQUEST, **change) for change in changes)]:
        write(request, request_path)
        PixelCache(request, request_path, 8).labels()
    same = dataclasses.replace(REQUEST, preprocessing=Preprocessing(100, mean=0, scale=1))
    PixelCache(same, request_path, 8).labels()
    assert len(list((request_path.parent / "cache").iterdir())) == 4


def test_a_failure_of_the_child_is_a_failure_here(request_path: Path) -> None:
    (request_path.parent / "colours.npz").write_bytes(b"PK")
    with pytest.raises(HarnessError, match=r"colours\.npz: not a readable \.npz") as caught:
        PixelCache(REQUEST, request_path, 8).labels()
    assert caught.value.failure.error == "data_set"


def test_cache_files_of_large_sides_have_fewer_images(monkeypatch: pytest.MonkeyPatch, request_path: Path) -> None:
    assert [shard_images(side) for side in (224, 384, 2000, 20_000)] == [1024, 1024, 44, 1]
    shards = len(list((request_path.parent).glob("cache/*/*.npy")))
    assert shards == 0
    write_colours(request_path.parent / "colours.npz", count=shard_images(900) + 1, side=8)
    cache = PixelCache(REQUEST, request_path, 900)
    cache.prepare([shard_images(900)])
    pixels = np.empty((900, 900, 3), np.uint8)
    cache.read(shard_images(900), pixels)
    with np.load(request_path.parent / "colours.npz") as archive:
        assert (pixels == archive["images"][shard_images(900), 0, 0]).all()


def test_more_samples_than_memory_has_room_for_are_refused_in_a_sentence() -> None:
    require_memory(1024, 602_112, None)
    require_memory(1024, 602_112, 1024 * 602_112)
    with pytest.raises(HarnessError, match=r"1024 samples of 602112 B need 588 MiB, available: 587 MiB") as caught:
        require_memory(1024, 602_112, 1024 * 602_112 - 1)
    assert caught.value.failure.error == "out_of_memory"
