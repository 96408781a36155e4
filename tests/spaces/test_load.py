"""A space from its file: resolved, or refused with file, line, key, what was found and what is allowed."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from dse_harness.decode import decode
from dse_harness.protocol import Preprocessing

from dse.core.configuration import Configuration
from dse.errors import DataSetError, DseError, InputError, MachineError, ModelError, SpaceError
from dse.packages import runtime_version
from dse.spaces.load import find_space, load_space, shipped_spaces
from dse.spaces.resolved import ResolvedSpace
from dse.spaces.space import Space
from tests.harness.tiny_onnx import write_tiny_onnx

_SMALL: dict[str, Any] = {
    "schema": 1,
    "name": "small",
    "data_set": {"file": "images.npz", "classes": 10},
    "models": {"zoo": {"zoo": "mobilenet_v3"}},
    "parameters": {
        "family": ["small"],
        "form": ["minimalistic"],
        "width": [0.35],
        "side": [48, 64],
        "precision": ["float32"],
        "threads": [1, 2],
        "buffer_size": [4],
    },
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a data set of eight images and two files that pass for models."""
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    np.savez(tmp_path / "images.npz", images=np.zeros((8, 4, 4), np.uint8), labels=np.arange(8))
    (tmp_path / "models").mkdir()
    for name in ("a", "b"):
        (tmp_path / "models" / f"{name}.tflite").write_bytes(name.encode())
    return tmp_path


def _load(here: Path, /, variables: dict[str, str] | None = None, **changes: Any) -> Space:
    content = {key: value for key, value in (_SMALL | changes).items() if value is not None}
    (here / "space.yaml").write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return load_space(here / "space.yaml", variables or {})


def _refused(here: Path, /, variables: dict[str, str] | None = None, **changes: Any) -> DseError:
    with pytest.raises(DseError) as caught:
        _load(here, variables, **changes)
    return caught.value


def test_a_space_is_resolved_with_every_default(here: Path) -> None:
    space = _load(here)
    assert space.tree.size == 4
    assert [objective.name for objective in space.objectives] == ["accuracy", "latency_p90_ns", "model_memory_bytes"]
    assert (space.data_set.size, space.data_set.classes, space.accuracy_images) == (8, 10, 8)
    assert space.runtime_versions.keys() == {"litert"}
    resolved = space.resolved()
    assert resolved.fidelity.explore.min_query_count == 100
    assert resolved.data_set.sha256 == space.data_set.sha256
    assert decode(ResolvedSpace, yaml.safe_load(yaml.safe_dump(resolved.document()))) == resolved
    assert resolved.tree == space.tree


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
    error = _refused(here, **changes)
    assert isinstance(error, SpaceError)
    assert error.path == here / "space.yaml"
    assert error.message.startswith(f"{key}: "), error
    assert message in error.message
    assert hint in (error.advice or "")
    assert error.line is not None
    line = (here / "space.yaml").read_text().splitlines()[error.line - 1]
    assert any(word in line for word in key.split(".")) or line.startswith("- "), error


_LEVELS = _SMALL["parameters"]


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
    parameters = {name: values for name, values in (_LEVELS | levels).items() if values}
    error = _refused(here, parameters=parameters)
    assert error.path == here / "space.yaml"
    assert message in error.message
    lines = (here / "space.yaml").read_text().splitlines()
    assert error.line is not None
    assert lines[error.line - 1].strip().startswith(key), error


def test_a_level_that_an_option_does_not_have_is_refused(here: Path) -> None:
    runtimes = {"openvino": {"engine": "openvino"}}
    error = _refused(here, runtimes=runtimes, parameters=_LEVELS | {"streams": [0, 2]})
    assert "found the level 2, allowed: 0, 1" in error.message
    error = _refused(here, runtimes=runtimes, parameters=_LEVELS | {"streams": [True]})
    assert "found the level True, allowed: 0, 1" in error.message


def test_a_file_that_no_engine_here_reads_is_refused_with_one_that_does(here: Path) -> None:
    write_tiny_onnx(here / "models" / "c.onnx")
    models: dict[str, Any] = {"mine": {"path": "models/c.onnx"}}
    error = _refused(here, models=models, parameters=None)
    assert "models.mine: no engine of this space reads .onnx files such as c.onnx: litert" in error.message
    assert "onnxruntime or openvino does: runtimes: {onnxruntime: {engine: onnxruntime}}" in (error.advice or "")
    error = _refused(here, models={"all": {"glob": "models/*.onnx"}}, parameters=None)
    assert "such as c.onnx" in error.message
    runtimes = {"onnxruntime": {"engine": "onnxruntime"}}
    assert _load(here, {}, models=models, parameters=None, runtimes=runtimes).tree.size == 1
    error = _refused(here, models={"a": {"path": "models/a.tflite"}}, parameters=None, runtimes=runtimes)
    assert "reads .tflite files such as a.tflite: onnxruntime" in error.message


def test_a_wrong_level_below_a_number_is_found_at_its_own_line(here: Path) -> None:
    (here / "space.yaml").write_text(
        "schema: 1\nname: x\ndata_set: {file: images.npz}\nmodels: {a: {path: models/a.tflite}}\n"
        "parameters:\n  threads:\n    1:\n      buffer_size: [1]\n    2:\n      buffer_size: [x]\n"
    )
    with pytest.raises(SpaceError, match="found the level 'x'") as caught:
        load_space(here / "space.yaml", {})
    assert caught.value.line == 10


def test_models_of_a_folder_become_levels(here: Path) -> None:
    space = _load(
        here, {"DSE_MODELS": str(here / "models")}, models={"m": {"glob": "${DSE_MODELS}/*.tflite"}}, parameters=None
    )
    assert space.tree.names == ("model",)
    assert space.tree.levels_of("model") == ("a", "b")


def test_a_variable_is_a_folder_even_when_it_looks_like_a_pattern(here: Path) -> None:
    folder = here / "models [x]*"
    (here / "models").rename(folder)
    space = _load(here, {"DSE_MODELS": str(folder)}, models={"m": {"glob": "${DSE_MODELS}/*.tflite"}}, parameters=None)
    assert space.tree.size == 2


def test_no_other_variable_of_the_environment_gets_into_a_space(here: Path) -> None:
    variables = {"SECRET": "s3cret", "DSE_CACHE": "s3cret", "DSE_MODELS": "s3cret"}
    for text in ("${SECRET}", "${DSE_CACHE}", "x-${SECRET}"):
        for changes in (
            {"models": {"m": {"url": f"http://127.0.0.1:9/x?k={text}"}}},
            {"models": {"m": {"url": "http://127.0.0.1:9/x?k=${DSE_MODELS}"}}},
            {"models": {"m": {"path": f"models/{text}"}}},
            {"data_set": {"file": text}},
            {"parameters": {"threads": [text]}},
        ):
            error = _refused(here, variables, **changes)
            assert "s3cret" not in f"{error} {error.hint}"
    assert _load(here, variables, description="${SECRET}").file.description == "${SECRET}"


def test_two_models_of_one_content_are_refused(here: Path) -> None:
    (here / "models" / "copy.tflite").write_bytes(b"a")
    error = _refused(here, models={"m": {"glob": "models/*.tflite"}}, parameters=None)
    assert "the levels 'a' and 'copy' are the same here: sha256 " in error.message


def test_two_runtimes_of_one_version_are_refused(here: Path) -> None:
    levels = _LEVELS | {"runtime": ["x", "y"]}
    error = _refused(here, runtimes={"x": {}, "y": {"python": sys.executable}}, parameters=levels)
    assert "the levels 'x' and 'y' are the same here: litert " in error.message


def test_two_models_of_one_name_are_refused(here: Path) -> None:
    models = {"a": {"path": "models/b.tflite"}, "m": {"glob": "models/*.tflite"}}
    error = _refused(here, models=models, parameters=None)
    assert "models.m: duplicate model a" in error.message


def test_a_file_with_another_checksum_is_refused(here: Path) -> None:
    good = hashlib.sha256(b"a").hexdigest()
    assert _load(here, models={"m": {"path": "models/a.tflite", "sha256": good}}, parameters=None).tree.size == 1
    error = _refused(here, models={"m": {"path": "models/a.tflite", "sha256": "0" * 64}}, parameters=None)
    assert isinstance(error, ModelError)
    assert good in error.message


def test_a_broken_data_set_is_refused_with_the_place_that_names_it(here: Path) -> None:
    (here / "images.npz").write_bytes(b"")
    error = _refused(here)
    assert isinstance(error, DataSetError)
    assert error.path == here / "images.npz"
    assert "space.yaml, line" in (error.hint or "")


def test_a_runtime_without_its_package_is_refused_with_the_command_that_installs_it(here: Path) -> None:
    _load(here, runtimes={"x": {"python": "/no/such/python"}})
    with pytest.raises(MachineError, match="/no/such/python"):
        load_space(here / "space.yaml", {}, runtime_version)


def test_looking_at_a_space_runs_no_program(here: Path) -> None:
    program = here / "evil.sh"
    program.write_text(f"#!/bin/sh\ntouch {here}/ran\necho 9.9\n")
    program.chmod(0o755)
    runtimes = {"x": {"python": "./evil.sh"}, "y": {"python": sys.executable}}
    space = _load(here, runtimes=runtimes, parameters=_LEVELS | {"runtime": ["x", "y"]})
    assert not (here / "ran").exists()
    assert space.programs == {"x": str(program), "y": sys.executable}
    assert space.runtime_versions.keys() == {"y"}
    assert load_space(here / "space.yaml", {}, runtime_version).runtime_versions["x"] == "9.9"


def test_an_interpreter_is_named_relative_to_the_space(here: Path) -> None:
    (here / "bin").mkdir()
    (here / "bin" / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (here / "bin" / "python").chmod(0o755)
    space = _load(here, runtimes={"x": {"python": "bin/python"}})
    assert space.file.runtimes["x"].python == str(here / "bin" / "python")


def test_spaces_are_found_by_path_and_by_name(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here)
    shipped = shipped_spaces()["mobilenet_v3.yaml"]
    assert find_space("mobilenet_v3.yaml") == find_space("mobilenet_v3") == shipped
    (here / "mobilenet_v3.yaml").write_text("")
    assert find_space("mobilenet_v3.yaml") == Path("mobilenet_v3.yaml")
    with pytest.raises(SpaceError, match=r"nothing\.yaml.*mobilenet_v3\.yaml"):
        find_space("nothing.yaml")


@pytest.mark.parametrize("place", ["models/\udcff.tflite", "\udcff/a.tflite"])
def test_a_model_whose_name_is_no_text_is_refused(here: Path, place: str) -> None:
    path = here / place
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"model")
    with pytest.raises(InputError, match="its name is not UTF-8") as caught:
        _load(
            here,
            {"DSE_MODELS": str(path.parent)},
            models={"files": {"glob": "${DSE_MODELS}/*.tflite"}},
            parameters={"threads": [1]},
        )
    assert caught.value.path in (path, path.parent / "*.tflite")


def test_models_may_have_preprocessing_of_their_own(here: Path) -> None:
    own = {"mean": 0, "scale": 1}
    space = _load(
        here,
        data_set={"file": "images.npz", "classes": 10, "preprocessing": {"crop_percent": 100}},
        models={"all": {"glob": "models/*.tflite"}, "other": {"path": "models/b.tflite", "preprocessing": own}},
        parameters=None,
    )
    assert set(space.sources) == {"a", "other"}, "a file with an entry of its own is in no pattern"
    a, other = (Configuration({"model": name}) for name in ("a", "other"))
    assert space.preprocessing(a) == Preprocessing(crop_percent=100)
    assert space.preprocessing(other) == Preprocessing(crop_percent=100, mean=0, scale=1)
    resolved = space.resolved().models
    assert resolved["all"]["preprocessing"] is None
    assert resolved["other"]["preprocessing"] == {
        "crop_percent": 100.0,
        "interpolation": "bilinear",
        "mean": 0.0,
        "scale": 1.0,
    }


def test_one_file_with_two_normalisations_is_two_models_with_accuracies_of_their_own(here: Path) -> None:
    path = "models/a.tflite"
    models = {"a": {"path": path}, "b": {"path": path, "preprocessing": {"mean": 0}}}
    space = _load(here, models=models, parameters=None)
    assert len({space.experiment(configuration).accuracy_key() for configuration in space.tree.configurations()}) == 2
    error = _refused(here, models={"m": {"path": path, "preprocessing": {"means": 3}}}, parameters=None)
    assert "models.m.preprocessing.means: unknown key" in error.message
    assert "crop_percent" in str(error.hint)


def test_a_mapping_is_a_space_as_a_file_is(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = _load(here)
    content = yaml.safe_load((here / "space.yaml").read_text())
    monkeypatch.chdir(here)
    space = load_space(content, {})
    assert [key for key, _ in space.known_keys()] == [key for key, _ in file.known_keys()]
    assert space.resolved() == file.resolved()
    levels = {name: tuple(levels) for name, levels in content["parameters"].items()}
    assert load_space({**content, "parameters": levels}, {}).tree == space.tree


def test_a_mapping_is_refused_with_the_key(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here)
    with pytest.raises(SpaceError, match=r"<mapping>: budget\.time: ") as caught:
        load_space({"schema": 1, "name": "x", "budget": {"time": "-1s"}}, {})
    assert caught.value.line is None
    (here / "broken.npz").write_bytes(b"no arrays")
    with pytest.raises(DataSetError) as broken:
        load_space({"schema": 1, "name": "x", "data_set": {"file": "broken.npz"}, "models": {"m": {"path": "m"}}}, {})
    assert str(broken.value.hint).endswith("it is named in <mapping>")


def test_a_space_that_ships_is_loaded_by_name() -> None:
    assert load_space("mobilenet_v3").name == "mobilenet_v3"
