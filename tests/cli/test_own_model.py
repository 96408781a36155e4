"""``dse explore MODEL``: without a YAML, with one that is made, shown and kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dse.backends import LocalBackend
from dse.spaces.load import load_space
from tests.harness.running import write_colours
from tests.harness.tiny_models import write_tiny_model
from tests.recording import RecordedHarness


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DSE_IMAGES", raising=False)
    monkeypatch.chdir(tmp_path)
    recorded = RecordedHarness()
    monkeypatch.setattr(LocalBackend, "run", lambda _, *given, **named: recorded.run(*given, **named))
    write_colours(tmp_path / "images.npz")
    (tmp_path / "flat").mkdir()
    write_tiny_model(tmp_path / "m.tflite", type_="int8")
    return tmp_path


def test_a_plan_shows_the_space_and_writes_nothing(here: Path, dse: Any) -> None:
    done = dse("explore", "m.tflite", "--images", "images.npz", "--dry-run")
    assert done.code == 0, done.err
    assert "\n  m:\n" in done.err
    assert f'    path: "{here}/m.tflite"' in done.err
    assert "m: " in done.out
    assert not (here / "studies").exists()


def test_it_is_kept_with_the_study_and_may_be_edited(here: Path, dse: Any) -> None:
    command = ("explore", "m.tflite", "--images", "images.npz", "--trials", "1", "--study", "mine")
    done = dse(*command)
    kept = here / "studies" / "mine" / "space.yaml"
    assert done.code == 0, done.err
    assert f"kept as {kept}" in " ".join(done.err.split())
    assert "dse explore m.tflite --study mine --trials 1 --images images.npz --more" in done.err
    assert load_space(kept).name == "m"
    again = dse(*command)
    assert again.code == 0, again.err
    assert "says what is searched" in again.err
    kept.write_text(kept.read_text().replace("[xnnpack, builtin]", "[builtin]"))
    edited = dse(*command, "--update", "--dry-run")
    assert edited.code == 0, edited.err
    assert "edit it, or remove it for a new one" in " ".join(edited.err.split())
    assert "[builtin]" in kept.read_text()
    by_space = dse("explore", "--space", kept, "--study", "mine", "--dry-run", "--update")
    assert by_space.code == 0, by_space.err


def test_another_model_of_the_same_name_is_refused(here: Path, dse: Any) -> None:
    (here / "other").mkdir()
    write_tiny_model(here / "other" / "m.tflite", type_="int8", seed=1)
    assert dse("explore", "m.tflite", "--images", "images.npz", "--trials", "1").code == 0
    done = dse("explore", "other/m.tflite", "--images", "images.npz", "--trials", "1")
    assert done.code == 3
    assert "is of another model" in done.err
    assert "--study name" in done.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "name either a model file of your own, or a space: --space NAME"),
        (("m.tflite", "--space", "mobilenet_v3"), 2, "name either a model file of your own, or a space"),
        (("m.tflite",), 2, "a model needs images to be measured on: --images DIR --labels FILE"),
        (("m.tflite", "--images", "flat"), 3, "--labels: is missing: a list with a line 'NAME CLASS' for each image"),
        (("none.tflite", "--images", "images.npz"), 3, "none.tflite: cannot be read"),
        (("m.tflite", "--images", "images.npz", "--pixels", "x"), 3, "--pixels: found 'x', allowed: measured, -1..1"),
    ],
)
def test_what_is_missing_is_named(here: Path, dse: Any, words: tuple[str, ...], code: int, said: str) -> None:
    done = dse("explore", *words)
    assert done.code == code, done.err
    assert said in " ".join(done.err.split())
