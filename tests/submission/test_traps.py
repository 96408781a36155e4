"""Files of a tree and of a validation that are pipes, devices, terabytes or bottomless are told, at once."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from dse.errors import DseError
from dse.study import Study
from dse.submission.check_figures import check_figures
from dse.submission.checks import check_tree
from dse.submission.manifest import find_manifest, read_manifest
from dse.submission.official_figures import official_figures
from dse.submission.point import readable_points, require_intact
from dse.submission.rounds import ROUNDS
from tests.recording import study_settings
from tests.thorough import most_thorough


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**43)  # no disk has to have room for it


def deep(path: Path) -> None:
    path.write_text('{"a": ' * 100_000)


def deep_log(path: Path) -> None:
    path.write_text(':::MLLOG {"key": "loadgen_version", "value": ' + "[" * 100_000)


def digits(path: Path) -> None:
    path.write_text("accuracy=1%, good=" + "9" * 5_000 + ", total=" + "9" * 5_000 + "\n")


def spaces(path: Path) -> None:
    path.write_text(f"accuracy{' ' * 2**20}\naccuracy{'1' * 2**19}.1.\n{' ' * 2**20}\n")


def nothing(path: Path) -> None:
    path.touch()


def folder(path: Path) -> None:
    path.mkdir()


TRAPS = [pipe, device, sparse, deep, deep_log, digits, spaces, nothing, folder]


def replaced(path: Path, trap) -> Path:
    """Put the trap in the place of a file; returns where the file is meanwhile."""
    aside = path.with_name("aside")
    path.rename(aside)
    trap(path)
    return aside


def put_back(path: Path, aside: Path) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    aside.rename(path)


def found_in(tree: Path) -> set[str]:
    """The rules that a tree breaks, or the error where its manifest cannot be read."""
    try:
        manifest = find_manifest(tree)
        read = None if manifest is None else read_manifest(manifest)
    except DseError as error:
        return {str(error)}
    return {
        i.rule for i in check_tree(tree, ROUNDS.get("v6.1")) + check_figures(tree, ROUNDS.get("v6.1"), read).findings
    }


@pytest.mark.parametrize(
    "trap",
    most_thorough(
        TRAPS,
        {pipe, sparse, deep, nothing}.__contains__,
        "put in the place of every file; of a kind with the others here",
    ),
)
def test_traps_in_a_tree_are_findings(make_tree, trap):
    tree = make_tree("v6.1", ("SingleStream",))
    submission = tree.parent
    files = [path for path in sorted(submission.rglob("*")) if path.is_file() and "dse_harness" not in path.parts]
    assert len(files) > 15
    for path in files:
        aside = replaced(path, trap)
        said = found_in(tree)
        assert said - {"data-set-size"}, path
        put_back(path, aside)
    found = check_figures(tree, ROUNDS.get("v6.1"), read_manifest(submission / "submission.json")).findings
    assert found == []


@pytest.mark.parametrize("trap", TRAPS)
def test_traps_in_a_validation_are_problems(make_point, tmp_path, trap):
    point = make_point()
    study = Study(tmp_path / "study", study_settings(images=1200))
    files = [path for path in sorted(point.folder.rglob("*")) if path.is_file()]
    for path in files:
        aside = replaced(path, trap)
        points, problems = readable_points(study.folder)
        for item in points:
            with pytest.raises(DseError, match=r"is not what it was|is gone"):
                require_intact(item)
        if not points and not (path.name == "validation.json" and not path.is_file()):
            assert str(point.folder) in str(problems[0])
        found, _ = official_figures(study)
        assert (found == {}) or path.name not in ("validation.json", "response.json", "request.json"), path
        put_back(path, aside)
    assert set(official_figures(study)[0]) == {7}
