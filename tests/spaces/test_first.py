"""A first space from three answers: it loads, and says what was answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from dse import zoo
from dse.errors import InputError, ModelError
from dse.spaces.first import first_space, known_models, needs_images
from dse.spaces.space import Space


def _loaded(text: str, folder: Path) -> Space:
    from dse.spaces.load import load_space

    path = folder / "first.yaml"
    path.write_text(text, encoding="utf-8")
    return load_space(path)


def test_what_comes_with_dse_is_a_space_of_its_own_name(tmp_path: Path) -> None:
    made = first_space("mobilenet_v3", None, None, name="my first one")
    space = _loaded(made.text, tmp_path)
    assert space.name == made.name == "my_first_one"
    assert [o.name for o in space.objectives] == ["accuracy", "latency_p90_ns", "model_memory_bytes"]
    assert "$schema" not in made.text


def test_what_matters_are_objectives_and_limits(tmp_path: Path) -> None:
    made = first_space("mobilenet_v3", None, None, "latency_p50_ns, accuracy >= 90 %, memory, latency<=5ms, memory")
    space = _loaded(made.text, tmp_path)
    assert [o.name for o in space.objectives] == ["latency_p50_ns", "model_memory_bytes"]
    assert [(c.metric.name, c.operator, c.bound) for c in space.constraints] == [
        ("accuracy", ">=", 0.9),
        ("latency_p90_ns", "<=", 5e6),
    ]


def test_a_model_of_ones_own_is_measured_on_images_of_ones_own(tmp_path: Path) -> None:
    model = tmp_path / "a model.tflite"
    model.write_bytes(zoo.build("small", "minimalistic", 0.35, 48, "float32"))
    made = first_space(str(model), zoo.validation_path(), None, "accuracy, latency")
    space = _loaded(made.text, tmp_path)
    assert made.notes
    assert [o.name for o in space.objectives] == ["accuracy", "latency_p90_ns"]
    assert "delegate" in space.tree.names


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"matters": "speed"}, "matters: found 'speed', allowed: latency, memory"),
        ({"matters": "accuracy >= 90 apples, memory"}, "matters: found the unit 'apples'"),
        ({"matters": "latency <= 5 ms"}, "matters: names nothing to optimize"),
        ({"model": "efficientnet_lite"}, "images: is missing"),
        ({"model": "efficientnet_lite", "images": Path("photos")}, "labels: is missing"),
        ({"model": "mine.tflite"}, "images: is missing"),
    ],
)
def test_an_answer_that_is_missing_or_names_nothing_is_said(answers: dict[str, object], words: str) -> None:
    given = {"model": "mobilenet_v3", "images": None, "labels": None, **answers}
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        first_space(**given)
    with pytest.raises(ModelError):
        first_space("gone.tflite", zoo.validation_path(), None)


def test_only_what_has_no_images_of_its_own_needs_some() -> None:
    assert {"mobilenet_v3", "efficientnet_lite"} <= set(known_models())
    assert "imagenet_tflite" not in known_models()
    assert [needs_images(model) for model in ("mobilenet_v3", "efficientnet_lite", "my.onnx")] == [False, True, True]
