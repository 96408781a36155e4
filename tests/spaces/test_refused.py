"""What the format does not allow, and levels that nothing takes: refused with file, line, key and what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dse.errors import SpaceError
from dse.spaces.load import load_space
from tests.harness.tiny_onnx import write_tiny_onnx
from tests.spaces.loading import LEVELS, load, refused


@pytest.mark.parametrize(
    ("written", "line", "message"),
    [
        ("schema: 1\nname: x\n", 1, "data_set: is missing"),
        ("schema: 2\n", 1, "schema: Input should be 1 (found 2)"),
        ("schema: '1'\n", 1, "schema: Input should be 1 (found '1')"),
        ("name: x\n", 1, "schema: is missing"),
        ("schema: 1\nname: no name\n", 2, "found 'no name'"),
        ("schema: 1\nname: 3\n", 2, "name: Input should be a valid string (found 3)"),
        ("[1, 2]\n", 1, "expected a search space"),
        ("", None, "expected a search space"),
        ("just text\n", 1, "expected a search space"),
        ("1: 2\n", 1, "schema: is missing"),
    ],
)
def test_a_file_that_is_no_space_is_refused(here: Path, written: str, line: int | None, message: str) -> None:
    (here / "space.yaml").write_text(written)
    with pytest.raises(SpaceError) as caught:
        load_space(here / "space.yaml", {})
    assert (caught.value.path, caught.value.line) == (here / "space.yaml", line)
    assert message in caught.value.message


_EXPLORE = {"min_duration": "100ms"}


@pytest.mark.parametrize(
    ("changes", "key", "message", "hint"),
    [
        ({"samplr": "tpe"}, "samplr", "unknown key", "objectives"),
        ({"sampler": "best"}, "sampler", "allowed: auto, ", ""),
        ({"seed": -1}, "seed", "greater than or equal to 0 (found -1)", ""),
        ({"seed": "x"}, "seed", "valid integer (found 'x')", ""),
        ({"seed": 2**32}, "seed", "less than 4294967296", ""),
        ({"seed": True}, "seed", "valid integer", ""),
        ({"objectives": ["speed"]}, "objectives", "found the metric 'speed', allowed: accuracy", ""),
        ({"objectives": ["accuracy", "accuracy"]}, "objectives", "duplicate objective", ""),
        ({"objectives": []}, "objectives", "found an empty list", ""),
        ({"objectives": "accuracy"}, "objectives", "expected a list", ""),
        ({"objectives": {"accuracy": "maximize"}}, "objectives", "expected a list", ""),
        ({"objectives": [{"accuracy": "up"}]}, "objectives.accuracy", "'maximize' or 'minimize'", ""),
        ({"objectives": [3]}, "objectives", "found the metric '3'", ""),
        ({"constraints": ["speed >= 3"]}, "constraints.0", "found the metric 'speed', allowed: accuracy", ""),
        ({"constraints": ["accuracy"]}, "constraints.0", "METRIC >= NUMBER", ""),
        ({"constraints": ["accuracy >= 85"]}, "constraints.0", "0 to 1", ""),
        ({"constraints": "accuracy >= 0.8"}, "constraints", "valid list", ""),
        ({"fidelity": {"explore": {"min_duration": "fast"}}}, "fidelity.explore.min_duration", "'fast', allowed", ""),
        ({"fidelity": {"explore": {"min_duration": 0}}}, "fidelity.explore.min_duration", "greater than 0", ""),
        ({"fidelity": {"explore": {"min_duration": True}}}, "fidelity.explore.min_duration", "valid number", ""),
        ({"fidelity": {"explore": {"min_duration": float("inf")}}}, "fidelity.explore.min_duration", "finite", ""),
        ({"fidelity": {"explore": {"min_query_count": 63}}}, "fidelity.explore.min_query_count", "equal to 64", ""),
        ({"fidelity": {"explore": {"min_durration": 1}}}, "fidelity.explore.min_durration", "unknown", "min_duration"),
        ({"fidelity": {"explore": None}}, "fidelity.explore", "expected keys with values, found nothing", ""),
        ({"fidelity": {"explore": 3}}, "fidelity.explore", "expected keys with values (found 3)", ""),
        ({"models": {"a": ["x"]}}, "models.a", "expected keys with values, found a list", ""),
        ({"models": {1: {"path": "x"}}}, "models.1", "valid string (found 1)", ""),
        ({"fidelity": {"exploer": {}}}, "fidelity.exploer", "unknown key", "explore"),
        ({"budget": {"time": "-1s"}}, "budget.time", "'-1s', allowed", ""),
        ({"budget": {"trials": 0}}, "budget.trials", "greater than or equal to 1", ""),
        ({"models": {}}, "models", "at least 1", ""),
        ({"models": {"a": {}}}, "models.a", "found no source, expected one of zoo, path, glob, url", ""),
        ({"models": {"a": {"path": "x", "glob": "y"}}}, "models.a", "found path and glob", ""),
        ({"models": {"a": {"url": "u"}}}, "models.a.url", "pattern", ""),
        ({"models": {"a": {"url": "http://[::1"}}}, "models.a.url", "'http://[::1', expected an address", "correct"),
        ({"models": {"a": {"url": "http://127.0.0.1/x", "sha256": "AB"}}}, "models.a.sha256", "pattern", ""),
        ({"models": {"a": {"path": "x", "member": "y"}}}, "models.a.member", "unknown key", "path, sha256"),
        ({"models": {"a": {"glob": "x", "sha256": "0" * 64}}}, "models.a.sha256", "unknown key", "glob"),
        ({"models": {"a": {"path": "none.tflite"}}}, "models.a.path", "no such file", "correct"),
        ({"models": {"a": {"glob": "none/*.tflite"}}}, "models.a.glob", "no file fits", "correct"),
        (
            {"models": {"a": {"zoo": "resnet"}}},
            "models.a.zoo",
            "'mobilenet_v3' or 'efficientnet_lite'",
            "",
        ),
        (
            {"models": {"a": {"path": "${NOWHERE}/x"}}},
            "models.a.path",
            "${NOWHERE}, allowed: ${DSE_MODELS}",
            "write it",
        ),
        ({"models": {"a": {"path": "${DSE_MODELS}/x"}}}, "models.a.path", "is not set", "give DSE_MODELS a value"),
        ({"models": {"a": {"path": "${}/x"}}}, "models.a.path", "found ${}, allowed", ""),
        ({"models": {"a": {"url": "http://a/${DSE_MODELS}"}}}, "models.a.url", "found ${DSE_MODELS}, allowed", ""),
        ({"models": {"a": {"url": "ftp://me:pw@a/?x"}}}, "models.a.url", "found 'ftp://a/'", ""),
        ({"models": {"a": {"url": "http://me:pw@[/?x"}}}, "models.a.url", "expected an address", ""),
        ({"runtimes": {"a": {"python": "${SECRET}"}}}, "runtimes.a.python", "found ${SECRET}, allowed", ""),
        ({"constraints": ["accuracy >= ${SECRET}"]}, "constraints.0", "found ${SECRET}, allowed", ""),
        ({"models": {"a": {"glob": "${DSE_MODELS}/*"}}}, "models.a.glob", "is not set", "give DSE_MODELS a value"),
        ({"data_set": {}}, "data_set", "found no source, expected one of embedded, file, images", ""),
        ({"data_set": {"images": "x"}}, "data_set.labels", "is missing", "search_space.schema.json"),
        ({"data_set": {"file": "images.npz", "clases": 2}}, "data_set.clases", "unknown key", "classes"),
        ({"data_set": {"file": "images.npz", "classes": 1}}, "data_set.classes", "equal to 2", ""),
        (
            {"data_set": {"file": "images.npz", "preprocessing": {"crop_percent": 0}}},
            "data_set.preprocessing.crop_percent",
            "greater than 0",
            "",
        ),
        *(
            (
                {"data_set": {"file": "images.npz", "preprocessing": {key: value}}},
                f"data_set.preprocessing.{key}",
                *said,
            )
            for key, value, said in [
                ("mean", "black", ("found 'black', allowed: a number, or three", "")),
                ("mean", [1, 2], ("found [1, 2], allowed: a number, or three", "")),
                ("scale", 0, ("found 0.0, allowed: above 0", "")),
                ("scale", [1, 0, 1], ("allowed: above 0", "")),
            ]
        ),
        (
            {"runtimes": {"x": {"engine": "onnx"}}},
            "runtimes.x.engine",
            "found 'onnx', allowed: litert, ",
            "",
        ),
    ],
)
def test_what_the_format_does_not_allow_is_refused(
    here: Path, changes: dict[str, Any], key: str, message: str, hint: str
) -> None:
    error = refused(here, **changes)
    assert isinstance(error, SpaceError)
    assert error.path == here / "space.yaml"
    assert error.message.startswith(f"{key}: "), error
    assert message in error.message
    assert hint in (error.advice or "")
    assert error.line is not None
    line = (here / "space.yaml").read_text().splitlines()[error.line - 1]
    assert any(word in line for word in key.split(".")) or line.startswith("- "), error


@pytest.mark.parametrize(
    ("levels", "key", "message"),
    [
        ({"delegate": ["xnnpack", "gpu"]}, "delegate", "found the level 'gpu', allowed: xnnpack, builtin"),
        ({"threads": [0]}, "threads", "found the level 0, allowed: whole numbers from 1"),
        ({"threads": [1.5]}, "threads", "found the level 1.5"),
        ({"threads": [10**23]}, "threads", "allowed: whole numbers from 1 to 8192"),
        ({"threads": [True]}, "threads", "found the level True"),
        ({"buffer_size": [4, 9]}, "buffer_size", "found the level 9, allowed: whole numbers from 1 to 8"),
        ({"cpu_affinity": ["0-1", "1,0"]}, "cpu_affinity", "the levels '0-1' and '1,0' are the same here: CPUs 0, 1"),
        ({"runtime": ["tflite"]}, "runtime", "found the level 'tflite', allowed: litert"),
        ({"cpu_affinity": ["0-"]}, "cpu_affinity", "found the level '0-', allowed: CPU numbers such as 0-3"),
        ({"cpu_affinity": ["3-0"]}, "cpu_affinity", "found the level '3-0'"),
        ({"cpu_affinity": ["0-99999999999"]}, "cpu_affinity", "found the level"),
        ({"model": ["b"]}, "model", "found the level 'b', allowed: zoo"),
        ({"streams": [0]}, "streams", "found the level 0, allowed: none: no engine of this space has such a setting"),
        ({"colour": ["red"]}, "colour", "colour is no parameter of this model"),
        ({"width": [0.35, 0.36]}, "parameters", "0.36"),
        ({"side": [50]}, "parameters", "50"),
        ({"side": None}, "parameters", "the zoo needs side as well"),
    ],
)
def test_levels_that_nothing_has_are_refused(here: Path, levels: dict[str, Any], key: str, message: str) -> None:
    parameters = {name: values for name, values in (LEVELS | levels).items() if values}
    error = refused(here, parameters=parameters)
    assert error.path == here / "space.yaml"
    assert message in error.message
    lines = (here / "space.yaml").read_text().splitlines()
    assert error.line is not None
    assert lines[error.line - 1].strip().startswith(key), error


def test_a_level_that_an_option_does_not_have_is_refused(here: Path) -> None:
    runtimes = {"openvino": {"engine": "openvino"}}
    error = refused(here, runtimes=runtimes, parameters=LEVELS | {"streams": [0, 2]})
    assert "found the level 2, allowed: 0, 1" in error.message
    error = refused(here, runtimes=runtimes, parameters=LEVELS | {"streams": [True]})
    assert "found the level True, allowed: 0, 1" in error.message


def test_a_file_that_no_engine_here_reads_is_refused_with_one_that_does(here: Path) -> None:
    write_tiny_onnx(here / "models" / "c.onnx")
    models: dict[str, Any] = {"mine": {"path": "models/c.onnx"}}
    error = refused(here, models=models, parameters=None)
    assert "models.mine: no engine of this space reads .onnx files such as c.onnx: litert" in error.message
    assert "onnxruntime or openvino does: runtimes: {onnxruntime: {engine: onnxruntime}}" in (error.advice or "")
    error = refused(here, models={"all": {"glob": "models/*.onnx"}}, parameters=None)
    assert "such as c.onnx" in error.message
    runtimes = {"onnxruntime": {"engine": "onnxruntime"}}
    assert load(here, {}, models=models, parameters=None, runtimes=runtimes).tree.size == 1
    error = refused(here, models={"a": {"path": "models/a.tflite"}}, parameters=None, runtimes=runtimes)
    assert "reads .tflite files such as a.tflite: onnxruntime" in error.message


def test_a_wrong_level_below_a_number_is_found_at_its_own_line(here: Path) -> None:
    (here / "space.yaml").write_text(
        "schema: 1\nname: x\ndata_set: {file: images.npz}\nmodels: {a: {path: models/a.tflite}}\n"
        "parameters:\n  threads:\n    1:\n      buffer_size: [1]\n    2:\n      buffer_size: [x]\n"
    )
    with pytest.raises(SpaceError, match="found the level 'x'") as caught:
        load_space(here / "space.yaml", {})
    assert caught.value.line == 10
