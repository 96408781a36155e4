"""Where a search begins by what was published."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dse.core.configuration import Configuration
from dse.errors import ResultsError
from dse.results.convert.warm_start import MOST, configurations_like, design_of, published_designs
from dse.results.importing.importer import import_results


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"model": "mobilenet_v1_0.25_128_quant"}, ("mobilenet-v1", None, 0.25, 128, "quantized", False)),
        ({"model": "mobilenet_v1_0.25_224_float"}, ("mobilenet-v1", None, 0.25, 224, "float", False)),
        ({"model": "tf2_mobilenet_v2_1.0_224_ptq"}, ("mobilenet-v2", None, 1.0, 224, "quantized", False)),
        ({"model": "v3-small_224_1.0_uint8"}, ("mobilenet-v3", "small", 1.0, 224, "quantized", False)),
        ({"model": "shufflenet_quant"}, (None, None, None, None, "quantized", None)),
        (
            {"family": "large", "form": "minimalistic", "width": 0.5, "side": 96, "precision": "int8_dynamic"},
            ("mobilenet-v3", "large", 0.5, 96, "quantized", True),
        ),
        (
            {"family": "mobilenet-v2", "width": 1, "resolution": 160, "minimalistic": 0, "precision": "float"},
            ("mobilenet-v2", None, 1.0, 160, "float", False),
        ),
    ],
)
def test_a_configuration_says_which_network_it_is(
    parameters: dict[str, str | int | float], expected: tuple[object, ...]
) -> None:
    found = design_of(parameters)
    assert (
        found.family,
        found.variant,
        found.width,
        found.resolution,
        found.precision,
        found.minimalistic,
    ) == expected


@pytest.fixture
def database(tmp_path: Path, write_result: Callable[..., Path]) -> Path:
    """Two boards: the small quantized network is on both fronts, another on one of them, a third is dominated."""
    small, large, worse = (f"mobilenet-v1-{name}" for name in ("0.25-128-quantized", "0.75-192", "0.5-224-quantized"))
    for system in ("one-litert-2.1.0", "two-litert-2.1.0"):
        write_result(tmp_path / "v6.1", system=system, model=small, p90=1000, good=400)
    write_result(tmp_path / "v6.1", system="two-litert-2.1.0", model=large, p90=9000, good=700)
    write_result(tmp_path / "v6.1", system="two-litert-2.1.0", model=worse, p90=9500, good=650)
    import_results([tmp_path / "v6.1"], tmp_path / "results.duckdb")
    return tmp_path / "results.duckdb"


def test_what_is_on_most_fronts_comes_first_and_the_nearest_stands_for_it(database: Path) -> None:
    designs = published_designs(database)
    assert [(d.width, d.resolution) for d in designs] == [(0.25, 128), (0.75, 192)]
    space = [
        Configuration(
            {"family": "mobilenet-v1", "width": width, "side": side, "precision": precision, "threads": threads}
        )
        for width in (0.25, 1.0)
        for side in (96, 160)
        for precision in ("float32", "int8")
        for threads in (1, 2)
    ]
    found = configurations_like(designs, space)
    assert [(c["width"], c["side"], c["precision"], c["threads"]) for c in found] == [
        (0.25, 160, "int8", 1),
        (1.0, 160, "float32", 1),
    ]


def test_nothing_like_it_is_nothing(database: Path) -> None:
    assert configurations_like(published_designs(database), [Configuration({"model": "shufflenet"})]) == []


def test_a_database_without_networks_is_refused(tmp_path: Path, write_result: Callable[..., Path]) -> None:
    write_result(tmp_path / "v6.1", system="gpu-tensorrt-1.0", model="resnet50")
    import_results([tmp_path / "v6.1"], tmp_path / "results.duckdb")
    with pytest.raises(ResultsError, match="no TFLite image classifier"):
        published_designs(tmp_path / "results.duckdb")


def test_a_hint_stays_a_hint(sample_database: Path) -> None:
    designs = published_designs(sample_database)
    everything = [
        Configuration(
            {"family": d.family or "", "width": d.width or 1, "side": d.resolution or 1, "precision": d.precision or ""}
        )
        for d in designs
        if d.family in ("mobilenet-v1", "mobilenet-v2")
    ]
    found = configurations_like(designs, everything)
    assert 3 < len(found) <= MOST
    assert len(set(found)) == len(found)
