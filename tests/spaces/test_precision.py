"""``precision`` in an entry of ``models``: a parameter below that model, as the zoo's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dse.core.tree import Level, Parameter, ParameterTree
from dse.errors import DseError, ModelError, SpaceError
from dse.models.precisions import QUANTIZERS, Quantizer
from dse.spaces.load import load_space
from dse.spaces.space import Space
from dse.spaces.tree import below_models, written_tree
from tests.harness.running import write_colours
from tests.harness.tiny_models import write_tiny_model


def _space(folder: Path, **changes: Any) -> Space:
    for name, seed in (("a", 0), ("b", 1)):
        write_tiny_model(folder / f"{name}.tflite", seed=seed)
    document = {
        "schema": 1,
        "name": "mine",
        "data_set": {"file": str(write_colours(folder / "images.npz")), "classes": 10},
        "models": {"a": {"path": str(folder / "a.tflite"), "precision": ["float32", "int8"]}},
        "parameters": {"threads": [1, 2]},
    }
    return load_space({**document, **changes})


def test_of_one_model_it_is_beside_the_others(tmp_path: Path) -> None:
    space = _space(tmp_path)
    assert written_tree(space.tree.roots) == {"threads": [1, 2], "precision": ["float32", "int8"]}
    assert [space.variant(c) for c in space.tree.configurations()][:2] == [
        {"precision": "float32"},
        {"precision": "int8"},
    ]
    assert len({space.known_key(c) for c in space.tree.configurations()}) == 4


def test_one_alone_is_made_too(tmp_path: Path) -> None:
    space = _space(tmp_path, models={"a": {"path": str(tmp_path / "a.tflite"), "precision": ["int8"]}})
    assert [space.variant(c) for c in space.tree.configurations()] == [{"precision": "int8"}] * 2


def test_of_several_it_is_below_its_own(tmp_path: Path) -> None:
    one = {"path": str(tmp_path / "a.tflite"), "precision": ["float32", "int8"]}
    space = _space(tmp_path, models={"a": one, "b": {"path": str(tmp_path / "b.tflite")}})
    assert written_tree(space.tree.roots) == {
        "model": {"a": {"precision": ["float32", "int8"]}, "b": None},
        "threads": [1, 2],
    }


def test_a_pattern_has_it_for_each_of_its_models(tmp_path: Path) -> None:
    space = _space(tmp_path, models={"all": {"glob": str(tmp_path / "*.tflite"), "precision": ["float32", "int8"]}})
    assert written_tree(space.tree.roots)["model"] == {
        "a": {"precision": ["float32", "int8"]},
        "b": {"precision": ["float32", "int8"]},
    }


def test_the_tree_may_have_it_elsewhere(tmp_path: Path) -> None:
    parameters = {"delegate": {"xnnpack": {"precision": ["int8"]}, "builtin": {"precision": ["float32"]}}}
    space = _space(tmp_path, parameters=parameters)
    assert written_tree(space.tree.roots) == parameters


def test_a_walk_sets_it_once_wherever_the_tree_has_it() -> None:
    precision = Parameter("precision", (Level("float32"),))
    beside = Parameter("delegate", (Level("xnnpack", (precision,)),))
    model = Parameter("model", (Level("a"), Level("b", (precision,))))
    for roots in ((beside, model), (Parameter("delegate", (Level("xnnpack", (precision, model)),)),)):
        assert below_models(ParameterTree(roots), {"a": {"precision": ("int8",)}, "b": {}}).roots == roots
    (found,) = below_models(ParameterTree((model,)), {"a": {"precision": ("int8",)}, "b": {"precision": ("x",)}}).roots
    assert found.levels == (Level("a", (Parameter("precision", (Level("int8"),)),)), Level("b", (precision,)))


def test_a_level_of_the_tree_that_the_entry_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        SpaceError, match=r"parameters.precision: found the precision int8_dynamic, allowed: float32, in"
    ):
        _space(tmp_path, parameters={"precision": ["float32", "int8_dynamic"]})


def test_an_unknown_precision_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match=r"models\.a\.precision\.0: Input should be 'float32'"):
        _space(tmp_path, models={"a": {"path": "a.tflite", "precision": ["int3"]}})


@pytest.mark.parametrize("type_", ["int8", "uint8"])
def test_a_quantized_model_is_told_with_its_line(tmp_path: Path, type_: Any) -> None:
    write_tiny_model(tmp_path / "q.tflite", type_=type_)
    write_colours(tmp_path / "images.npz")
    (tmp_path / "space.yaml").write_text(
        "schema: 1\nname: mine\ndata_set: {file: images.npz}\nmodels:\n"
        "  q:\n    path: q.tflite\n    precision: [float32, int8]\n"
    )
    with pytest.raises(ModelError, match=rf"q.tflite: is quantized already: found {type_} weights") as found:
        load_space(tmp_path / "space.yaml")
    assert found.value.hint
    assert found.value.hint.endswith("space.yaml, line 7")


def test_a_missing_quantizer_is_told_when_the_space_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(QUANTIZERS, ".tflite", Quantizer(QUANTIZERS[".tflite"].precisions, ("no-such",), "quantize"))
    with pytest.raises(DseError, match="need no-such, which is not installed"):
        _space(tmp_path)
