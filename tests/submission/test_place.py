"""A folder put in its place: whole at every instant, and what killed processes left is gone after the next one."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dse.submission.place import in_the_making, put, remove_leftovers

_HOLD = """
import sys, time
from pathlib import Path
from dse.submission.place import in_the_making
with in_the_making(Path(sys.argv[1])) as made:
    made.mkdir()
    (made / "file").write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


def write(destination: Path, text: str) -> None:
    with in_the_making(destination) as made:
        made.mkdir()
        (made / "file").write_text(text)
        put(made, destination)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def holder(tmp_path):
    """A process that is making ``tmp_path / "submission"``."""
    command = [sys.executable, "-c", _HOLD, str(tmp_path / "submission")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.kill()


def test_the_new_takes_the_place_of_the_old_and_nothing_is_left(tmp_path):
    destination = tmp_path / "submission"
    for text in ("one", "two", "three"):
        write(destination, text)
        assert (destination / "file").read_text() == text
        assert names(tmp_path) == ["submission"]


def test_without_put_nothing_happened(tmp_path):
    write(tmp_path / "submission", "one")
    with in_the_making(tmp_path / "submission") as made:
        made.mkdir()
    assert names(tmp_path) == ["submission"]


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path, holder):
    (leftover,) = names(tmp_path)
    assert leftover.startswith(".submission.")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    write(tmp_path / "submission", "one")
    assert names(tmp_path) == ["submission"]


def test_what_a_running_process_makes_is_left_alone(tmp_path, holder):
    write(tmp_path / "submission", "one")
    assert len(names(tmp_path)) == 2
    assert holder.poll() is None


def test_an_old_one_that_was_moved_aside_is_put_back(tmp_path):
    aside = tmp_path / ".submission.abcd1234" / "old"
    aside.mkdir(parents=True)
    (aside / "file").write_text("old")
    remove_leftovers(tmp_path / "submission")
    assert (tmp_path / "submission/file").read_text() == "old"
    assert names(tmp_path) == ["submission"]


def test_other_hidden_folders_links_and_files_are_not_ours(tmp_path):
    kept = [".submission.backup-of-mine", ".submission.abcd123", ".submissions.abcd1234", ".submission.12345678"]
    for name in kept[:3]:
        (tmp_path / name).mkdir()
    (tmp_path / kept[3]).symlink_to(tmp_path / kept[0])
    (tmp_path / ".submission.abcdefgh").write_text("a file")
    remove_leftovers(tmp_path / "submission")
    assert names(tmp_path) == sorted([*kept, ".submission.abcdefgh"])


def test_a_kill_at_any_instant_leaves_the_old_or_the_new(tmp_path):
    write(tmp_path / "submission", "0")
    loop = _HOLD.partition("with in_the")[0] + (
        "from dse.submission.place import put\n"
        "print('ready', flush=True)\n"
        "for number in range(100000):\n"
        "    with in_the_making(Path(sys.argv[1])) as made:\n"
        "        made.mkdir()\n"
        "        (made / 'file').write_text(str(number))\n"
        "        put(made, Path(sys.argv[1]))\n"
    )
    for number in range(5):
        command = [sys.executable, "-c", loop, str(tmp_path / "submission")]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(0.01 * number)
            process.kill()
        assert (tmp_path / "submission/file").read_text().isdigit()
    write(tmp_path / "submission", "last")
    assert names(tmp_path) == ["submission"]
    assert names(tmp_path / "submission") == ["file"]
