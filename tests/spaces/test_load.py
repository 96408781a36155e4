"""A space from its file: resolved, or refused with file, line, key, what was found and what is allowed."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest
import yaml
from dse_harness.decode import decode
from dse_harness.protocol import Preprocessing

from dse.core.configuration import Configuration
from dse.errors import DataSetError, InputError, MachineError, ModelError, SpaceError
from dse.packages import runtime_version
from dse.spaces.load import find_space, load_space, shipped_spaces
from dse.spaces.resolved import ResolvedSpace
from tests.spaces.loading import LEVELS, load, refused


def test_a_space_is_resolved_with_every_default(here: Path) -> None:
    space = load(here)
    assert space.tree.size == 4
    assert [objective.name for objective in space.objectives] == ["accuracy", "latency_p90_ns", "model_memory_bytes"]
    assert (space.data_set.size, space.data_set.classes, space.accuracy_images) == (8, 10, 8)
    assert space.runtime_versions.keys() == {"litert"}
    resolved = space.resolved()
    assert resolved.fidelity.explore.min_query_count == 100
    assert resolved.data_set.sha256 == space.data_set.sha256
    assert decode(ResolvedSpace, yaml.safe_load(yaml.safe_dump(resolved.document()))) == resolved
    assert resolved.tree == space.tree


def test_models_of_a_folder_become_levels(here: Path) -> None:
    space = load(
        here, {"DSE_MODELS": str(here / "models")}, models={"m": {"glob": "${DSE_MODELS}/*.tflite"}}, parameters=None
    )
    assert space.tree.names == ("model",)
    assert space.tree.levels_of("model") == ("a", "b")


def test_a_variable_is_a_folder_even_when_it_looks_like_a_pattern(here: Path) -> None:
    folder = here / "models [x]*"
    (here / "models").rename(folder)
    space = load(here, {"DSE_MODELS": str(folder)}, models={"m": {"glob": "${DSE_MODELS}/*.tflite"}}, parameters=None)
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
            error = refused(here, variables, **changes)
            assert "s3cret" not in f"{error} {error.hint}"
    assert load(here, variables, description="${SECRET}").file.description == "${SECRET}"


def test_two_models_of_one_content_are_refused(here: Path) -> None:
    (here / "models" / "copy.tflite").write_bytes(b"a")
    error = refused(here, models={"m": {"glob": "models/*.tflite"}}, parameters=None)
    assert "the levels 'a' and 'copy' are the same here: sha256 " in error.message


def test_two_runtimes_of_one_version_are_refused(here: Path) -> None:
    levels = LEVELS | {"runtime": ["x", "y"]}
    error = refused(here, runtimes={"x": {}, "y": {"python": sys.executable}}, parameters=levels)
    assert "the levels 'x' and 'y' are the same here: litert " in error.message


def test_two_models_of_one_name_are_refused(here: Path) -> None:
    models = {"a": {"path": "models/b.tflite"}, "m": {"glob": "models/*.tflite"}}
    error = refused(here, models=models, parameters=None)
    assert "models.m: duplicate model a" in error.message


def test_a_file_with_another_checksum_is_refused(here: Path) -> None:
    good = hashlib.sha256(b"a").hexdigest()
    assert load(here, models={"m": {"path": "models/a.tflite", "sha256": good}}, parameters=None).tree.size == 1
    error = refused(here, models={"m": {"path": "models/a.tflite", "sha256": "0" * 64}}, parameters=None)
    assert isinstance(error, ModelError)
    assert good in error.message


def test_a_broken_data_set_is_refused_with_the_place_that_names_it(here: Path) -> None:
    (here / "images.npz").write_bytes(b"")
    error = refused(here)
    assert isinstance(error, DataSetError)
    assert error.path == here / "images.npz"
    assert "space.yaml, line" in (error.hint or "")


def test_a_runtime_without_its_package_is_refused_with_the_command_that_installs_it(here: Path) -> None:
    load(here, runtimes={"x": {"python": "/no/such/python"}})
    with pytest.raises(MachineError, match="/no/such/python"):
        load_space(here / "space.yaml", {}, runtime_version)


def test_looking_at_a_space_runs_no_program(here: Path) -> None:
    program = here / "evil.sh"
    program.write_text(f"#!/bin/sh\ntouch {here}/ran\necho 9.9\n")
    program.chmod(0o755)
    runtimes = {"x": {"python": "./evil.sh"}, "y": {"python": sys.executable}}
    space = load(here, runtimes=runtimes, parameters=LEVELS | {"runtime": ["x", "y"]})
    assert not (here / "ran").exists()
    assert space.programs == {"x": str(program), "y": sys.executable}
    assert space.runtime_versions.keys() == {"y"}
    assert load_space(here / "space.yaml", {}, runtime_version).runtime_versions["x"] == "9.9"


def test_an_interpreter_is_named_relative_to_the_space(here: Path) -> None:
    (here / "bin").mkdir()
    (here / "bin" / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (here / "bin" / "python").chmod(0o755)
    space = load(here, runtimes={"x": {"python": "bin/python"}})
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
        load(
            here,
            {"DSE_MODELS": str(path.parent)},
            models={"files": {"glob": "${DSE_MODELS}/*.tflite"}},
            parameters={"threads": [1]},
        )
    assert caught.value.path in (path, path.parent / "*.tflite")


def test_models_may_have_preprocessing_of_their_own(here: Path) -> None:
    own = {"mean": 0, "scale": 1}
    space = load(
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
    space = load(here, models=models, parameters=None)
    assert len({space.experiment(configuration).accuracy_key() for configuration in space.tree.configurations()}) == 2
    error = refused(here, models={"m": {"path": path, "preprocessing": {"means": 3}}}, parameters=None)
    assert "models.m.preprocessing.means: unknown key" in error.message
    assert "crop_percent" in str(error.hint)


def test_a_mapping_is_a_space_as_a_file_is(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = load(here)
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
