"""A disk that is full at any step of a command: exit code 4 and a sentence, and with more room the command goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dse.study import Study
from tests.forks import Ended, Forks
from tests.fuzz.bases import make_base
from tests.fuzz.running import Runner

SIZES_KIB = (64, 260, 320, 400, 700, 4_000)
"""From nothing at all to what some steps need, so that each of them is the one that fails."""

_ANSWERS = ("--images", "images", "--labels", "labels.txt", "--matters", "accuracy, latency")


@pytest.fixture
def runner(forks: Forks) -> Runner:
    return Runner(forks)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[Path, int], None]]:
    """A function that makes a folder a disk of so many KiB, or gives that disk another size."""
    if os.geteuid():
        pytest.skip("only root makes a small disk")
    mounted = set[Path]()

    def resize(folder: Path, kib: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        options = f"remount,size={kib}k" if folder in mounted else f"size={kib}k"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("this machine lets nobody make a small disk")
        mounted.add(folder)

    yield resize
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Fill the disk of ``folder`` with a file, which this returns."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return filler


def _is_told(ended: Ended) -> bool:
    """Whether the command did not end well; then it must have said so."""
    if ended.returncode == 0:
        return False
    assert ended.returncode == 4, f"{ended.returncode}: {ended.err}"
    assert "Traceback" not in ended.err
    assert "error: " in ended.err
    assert "No space left" in ended.err or "is full" in ended.err
    return True


def _copy(made: Path, root: Path) -> Path:
    for beside in ("home", "temporary"):
        (root / beside).mkdir(parents=True)
    shutil.copytree(made, root / "work")
    return root


@pytest.mark.parametrize(
    ("base", "place", "words"),
    [
        ("table", "studies", ("explore", "--space", "recorded.yaml")),
        ("results", "db", ("results", "import", "tree", "--db", "db/results.duckdb")),
        ("validated", "out", ("submit", "own", "--submitter", "Example", "--allow", "data-set-size", "--out", "out/s")),
        ("study", "cache", ("explore", "--space", "small_study.yaml", "--study", "new", "--trials", "1")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_full_disk_is_told_and_the_command_goes_on_with_room(
    tmp_path: Path,
    runner: Runner,
    disk: Callable[[Path, int], None],
    base: str,
    place: str,
    words: tuple[str, ...],
) -> None:
    made, told = make_base(base, tmp_path / "made", runner), 0
    for kib in SIZES_KIB if place != "cache" else SIZES_KIB[:2]:  # it measures, once there is room
        root = _copy(made, tmp_path / str(kib))
        disk(root / "work" / place, kib)
        told += _is_told(runner.run(words, root, 120.0))
        disk(root / "work" / place, 100_000)
        ended = runner.run(words, root, 120.0)
        assert ended.returncode == 0 or "did not get the processor" in ended.err, ended.err
        assert list((root / "work" / place).rglob("*.tmp")) == []
        if base == "table":
            study = Study.read(root / "work/studies/recorded")
            assert len({m.configuration for m in study.measurements if m.phase == "search"}) == 8
            assert study.damaged == []
    assert told


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ("study", ("report", "small_study", "-o", "out/report.html")),
        ("study", ("plot", "small_study", "front", "-o", "out/front.pdf")),
        ("database", ("results", "report", "--db", "results.duckdb", "-o", "out/results.html")),
        ("space", ("init", "out/space.yaml", "--model", "models/tiny.tflite", *_ANSWERS)),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_what_was_written_before_stays_where_the_disk_is_full(
    tmp_path: Path, runner: Runner, disk: Callable[[Path, int], None], base: str, words: tuple[str, ...]
) -> None:
    work = make_base(base, tmp_path / "made", runner)
    out = work / "out"
    disk(out, 20_000)
    ended = runner.run(words, work.parent, 120.0)
    assert ended.returncode == 0, ended.err
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert before
    filler = fill(out)
    assert _is_told(runner.run(words, work.parent, 120.0))
    filler.unlink()
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    ended = runner.run(words, work.parent, 120.0)
    assert ended.returncode == 0, ended.err
    assert {path for path in out.rglob("*") if path.is_file()} == before.keys()
