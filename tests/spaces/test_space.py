"""What a measurement depends on: which changes of a space make it another experiment, and which do not."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dse.core.configuration import Configuration
from dse.errors import SpaceError
from dse.spaces.load import load_space
from dse.spaces.space import Space, parse_cpus

_BASE: dict[str, Any] = {
    "schema": 1,
    "name": "keys",
    "data_set": {"embedded": "fashion_mnist", "classes": 10},
    "models": {"zoo": {"zoo": "mobilenet_v3"}},
    "parameters": {
        "family": ["small"],
        "form": ["minimalistic"],
        "width": [1.0],
        "side": [48],
        "precision": ["float32", "int8"],
    },
}


def _space(folder: Path, **changes: Any) -> Space:
    (folder / "space.yaml").write_text(yaml.safe_dump(_BASE | changes, sort_keys=False))
    return load_space(folder / "space.yaml", {})


def _first(space: Space, **more: Any) -> Configuration:
    return Configuration({**next(space.tree.configurations()), **more})


def _keys(folder: Path, **changes: Any) -> tuple[str, str]:
    space = _space(folder, **changes)
    experiment = space.experiment(_first(space))
    return experiment.accuracy_key(), experiment.key()


def test_a_model_that_is_another_one_by_now_makes_another_experiment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = _space(tmp_path)
    before = space.experiment(_first(space))
    assert space.experiment(_first(space)) is before
    monkeypatch.setattr("dse.zoo.version", lambda _: "another")
    assert space.experiment(_first(space)).key() != before.key()


def test_names_descriptions_and_budgets_make_no_other_experiment(tmp_path: Path) -> None:
    changes = {
        "name": "other",
        "description": "words",
        "budget": {"trials": 3},
        "seed": 7,
        "sampler": "random",
        "objectives": ["accuracy"],
        "models": {"renamed": {"zoo": "mobilenet_v3"}},
        "parameters": _BASE["parameters"] | {"threads": [1], "delegate": ["xnnpack"], "buffer_size": [1024]},
    }
    assert _keys(tmp_path, **changes) == _keys(tmp_path)


def test_a_number_is_the_same_experiment_however_it_is_spelled(tmp_path: Path) -> None:
    assert _keys(tmp_path, parameters=_BASE["parameters"] | {"width": [1]}) == _keys(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"data_set": {"embedded": "fashion_mnist", "classes": 9 + 2}},
        {"data_set": {"embedded": "fashion_mnist", "classes": 10, "preprocessing": {"crop_percent": 80}}},
        {"parameters": _BASE["parameters"] | {"side": [64]}},
        {"parameters": _BASE["parameters"] | {"precision": ["int8"]}},
        {"parameters": _BASE["parameters"] | {"delegate": ["builtin"]}},
        {"runtimes": {"openvino": {"engine": "openvino"}}},
    ],
)
def test_what_changes_predictions_changes_both_keys(tmp_path: Path, change: dict[str, Any]) -> None:
    before, after = _keys(tmp_path), _keys(tmp_path, **change)
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_an_option_of_an_engine_is_for_that_engine_and_its_default_is_no_other_experiment(tmp_path: Path) -> None:
    both = {"runtimes": {"litert": {}, "openvino": {"engine": "openvino"}}}
    options = {"inference_precision": ["f32", "bf16"], "streams": [0]}
    plain = _space(tmp_path, **both, parameters=_BASE["parameters"] | {"runtime": ["openvino"]})
    before = plain.experiment(_first(plain))
    space = _space(
        tmp_path, **both, parameters=_BASE["parameters"] | {"runtime": {"openvino": options, "litert": None}}
    )
    by_default, other, *_ = (space.experiment(configuration) for configuration in space.tree.configurations())
    assert by_default.runtime.options == {}
    assert by_default.key() == before.key()
    assert other.runtime.options == {"inference_precision": "bf16"}
    assert other.accuracy_key() != before.accuracy_key()
    assert space.variant(next(space.tree.configurations())) == plain.variant(_first(plain)) == _BASE_VARIANT
    beside_litert = _first(space, runtime="litert", inference_precision="bf16")
    assert space.experiment(beside_litert).runtime.options == {}


def test_the_zoo_writes_what_the_engine_reads(tmp_path: Path) -> None:
    engines = {name: {"engine": name} for name in ("litert", "openvino", "onnxruntime")}
    space = _space(tmp_path, runtimes=engines, parameters=_BASE["parameters"] | {"runtime": [*engines]})
    made = {name: space.variant(_first(space, runtime=name)).get("file_format") for name in engines}
    assert made == {"litert": None, "openvino": None, "onnxruntime": "onnx"}
    assert space.variant(_first(space, runtime="openvino", file_format="onnx"))["file_format"] == "onnx"


def test_a_precision_that_an_engine_cannot_have_is_refused_when_the_space_is_read(tmp_path: Path) -> None:
    engines = {name: {"engine": name} for name in ("litert", "onnxruntime")}
    parameters = _BASE["parameters"] | {"precision": ["float32", "int8_dynamic"], "runtime": [*engines]}
    with pytest.raises(SpaceError, match="the zoo writes no int8_dynamic as ONNX; allowed: float32"):
        _space(tmp_path, runtimes=engines, parameters=parameters)


_BASE_VARIANT = {"family": "small", "form": "minimalistic", "width": 1.0, "side": 48, "precision": "float32"}


def test_more_images_make_an_accuracy_better_and_not_another(tmp_path: Path) -> None:
    assert _keys(tmp_path, fidelity={"explore": {"accuracy_images": 50}}) == _keys(tmp_path)


@pytest.mark.parametrize("least", ["20ms", None])
def test_how_long_fast_models_run_makes_no_other_experiment(tmp_path: Path, least: str | None) -> None:
    assert _keys(tmp_path, fidelity={"explore": {"least_duration": least}}) == _keys(tmp_path)


def test_a_run_of_a_fast_model_is_short_unless_the_space_fixes_its_length(tmp_path: Path) -> None:
    assert _space(tmp_path).run_length.spec(64).duration_ms == 100
    fixed = _space(tmp_path, fidelity={"explore": {"least_duration": None}})
    assert fixed.run_length.spec(64).duration_ms == 500


def test_another_runtime_version_is_another_experiment(tmp_path: Path) -> None:
    space = _space(tmp_path)
    newer = replace(space, runtime_versions={"litert": "99"})
    assert newer.experiment(_first(space)).accuracy_key() != space.experiment(_first(space)).accuracy_key()


@pytest.mark.parametrize(
    "change",
    [
        {"fidelity": {"explore": {"min_duration": "2s"}}},
        {"fidelity": {"explore": {"min_query_count": 200}}},
        {"parameters": _BASE["parameters"] | {"threads": [2]}},
        {"parameters": _BASE["parameters"] | {"buffer_size": [2]}},
        {"parameters": _BASE["parameters"] | {"cpu_affinity": ["0"]}},
    ],
)
def test_what_changes_only_the_run_keeps_the_accuracy(tmp_path: Path, change: dict[str, Any]) -> None:
    before, after = _keys(tmp_path), _keys(tmp_path, **change)
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_every_configuration_has_a_key_of_its_own(tmp_path: Path) -> None:
    space = _space(tmp_path, parameters=_BASE["parameters"] | {"threads": [1, 2], "cpu_affinity": ["0", "0-1"]})
    assert len({space.experiment(c).key() for c in space.tree.configurations()}) == space.tree.size == 8


def test_a_configuration_becomes_a_runtime(tmp_path: Path) -> None:
    space = _space(tmp_path)
    spec = space.experiment(_first(space, threads=3, delegate="builtin", cpu_affinity="0-1,3")).runtime
    assert (spec.name, spec.threads, spec.delegate, spec.cpu_affinity) == ("litert", 3, "builtin", (0, 1, 3))
    spec = space.experiment(_first(space)).runtime
    assert (spec.threads, spec.delegate, spec.cpu_affinity) == (1, "xnnpack", None)
    assert space.experiment(_first(space)).buffer_size == 1024
    assert space.variant(_first(space, threads=3)) == dict(_first(space))


@pytest.mark.parametrize(
    ("source", "cpus"), [("0", (0,)), ("0-3", (0, 1, 2, 3)), ("2,0", (0, 2)), ("0-1,1-2", (0, 1, 2))]
)
def test_cpu_lists_are_read_as_linux_writes_them(source: str, cpus: tuple[int, ...]) -> None:
    assert parse_cpus(source) == cpus


@pytest.mark.parametrize("source", ["", "a", "1-", "-1", "3-1", "0,,1", "0-8192", "1-2-3"])
def test_anything_else_is_no_cpu_list(source: str) -> None:
    with pytest.raises(ValueError, match="CPU numbers such as"):
        parse_cpus(source)


@pytest.mark.parametrize(
    ("buffers", "objectives", "said"),
    [
        ([64, 256, 1024], None, "official runs hold 1024 samples in memory, not 64 or 256"),
        (
            [64],
            ["accuracy", "peak_memory_bytes"],
            "official runs hold 1024 samples in memory, not 64: peak_memory_bytes counts the samples, "
            "model_memory_bytes does not",
        ),
        ([1024, 4096], ["accuracy", "peak_memory_bytes"], None),
        (None, None, None),
    ],
)
def test_what_official_runs_hold_is_said_where_it_is_more(
    tmp_path: Path, buffers: list[int] | None, objectives: list[str] | None, said: str | None
) -> None:
    changes: dict[str, Any] = {"objectives": objectives} if objectives else {}
    if buffers:
        changes["parameters"] = _BASE["parameters"] | {"buffer_size": buffers}
    assert _space(tmp_path, **changes).official_samples == said


_MORE: dict[str, Any] = {
    "threads": [1, 2],
    "cpu_affinity": ["0", "0,1"],
    "buffer_size": [64, 128],
    "delegate": ["xnnpack", "builtin"],
    "runtime": ["litert", "openvino"],
    "scenario": {"SingleStream": None, "Offline": {"batch_size": [1, 8]}},
    "width": [0.35, 1],
    "model": ["zoo", "cropped"],
}


@given(st.sets(st.sampled_from(sorted(_MORE))), st.data())
def test_all_keys_at_once_are_those_of_each_configuration(names: set[str], data: st.DataObject) -> None:
    """Whatever the parameters, and in whatever order a space has them."""
    more = {name: _MORE[name] for name in data.draw(st.permutations(sorted(names)))}
    cropped = {"zoo": "mobilenet_v3", "preprocessing": {"crop_percent": 80}}
    with tempfile.TemporaryDirectory() as folder:
        space = _space(
            Path(folder),
            objectives=["accuracy", "samples_per_second"],
            models=_BASE["models"] | {"cropped": cropped},
            runtimes={"litert": {"engine": "litert"}, "openvino": {"engine": "openvino"}},
            parameters=_BASE["parameters"] | more,
        )
    assert space.known_keys() == [(space.experiment(c).key(), c) for c in space.tree.configurations()]


def test_the_keys_of_a_space_are_made_once(tmp_path: Path) -> None:
    space = _space(tmp_path)
    assert space.known_keys() == [(space.experiment(c).key(), c) for c in space.tree.configurations()]
    assert space.known_keys() is space.known_keys()
    assert replace(space, runtime_versions={"litert": "99"}).known_keys()[0][0] != space.known_keys()[0][0]
