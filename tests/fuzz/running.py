"""An input and what is demanded of dse about it: one place where "handled" is defined.

Every command that meets a bad input ends with a documented exit code, names the place, says a sentence, prints no
traceback and no control character, ends in time, leaves nothing behind, and writes nowhere but where it should.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.forks import Ended, Forks
from tests.fuzz.damage import OUTSIDE

CODES = frozenset({0, 2, 3, 4, 5})
REFUSED = frozenset({3})
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]",
)
_LIMIT_S = 10.0
_LEFTOVERS = (".tmp", ".wal")  # what a download has so far stays: the next one goes on there
_DEEP = 1_000
"""Letters of a path, below which nothing is looked at: a name that is too long cannot be."""
_CLOSE_TO_ALL = 4096
"""Of a file's bytes, what a snapshot compares beside size and time: a sparse file has gigabytes."""


@dataclass(frozen=True)
class Input:
    """One bad input: a good thing from `bases`, what ``damage`` does to it, and the commands that then meet it.

    ``damage`` gets the folder in which the commands run. A refusal names one of ``places``. Where ``fatal``, the input
    cannot be used: each command refuses it with one of ``codes``, or goes on and names the place. Else a refusal may
    name what is ``near``, too. ``writes`` are the folders and files (with everything below) in which commands may
    change what is there; in those that ``grow``, they may add.
    """

    name: str
    base: str
    damage: Callable[[Path], object]
    commands: tuple[tuple[str, ...], ...]
    places: tuple[str, ...]
    fatal: bool = False
    codes: frozenset[int] = CODES
    near: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    grows: tuple[str, ...] = ()
    limit_s: float = _LIMIT_S

    def __str__(self) -> str:
        return self.name


class Runner:
    """Runs commands of dse as a user whose home, cache and temporary folder lie beside what the commands meet."""

    def __init__(self, forks: Forks) -> None:
        self._forks = forks

    def run(self, words: Iterable[str], root: Path, limit_s: float = _LIMIT_S) -> Ended:
        """Run a command in ``root / "work"``."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(root / "home"),
            "TMPDIR": str(root / "temporary"),
            "DSE_CACHE": str(root / "work/cache"),
            "DSE_RESULTS_DB": str(root / "work/results.duckdb"),
            "MPLCONFIGDIR": str(self._forks.streams / "matplotlib"),  # its list of fonts takes a second to make
            "LANG": "C.UTF-8",
            "SECRET_OF_THE_USER": "s3cr3t-value",
        }
        return self._forks.run(words, root / "work", environment, limit_s=limit_s)


def faults_of(given: Input, root: Path, runner: Runner) -> list[str]:
    """What dse does wrong with an input; none when it is handled. ``root`` is what `copied` made."""
    given.damage(root / "work")
    before = _snapshot(root)
    for words in given.commands:
        ended = runner.run(words, root, given.limit_s)
        found = [*_of_output(given, ended), *_of_files(given, before, _snapshot(root))]
        if found:
            return [f"{fault}\n$ dse {' '.join(words)[:400]}\n{_shown(ended)}" for fault in found]
    return []


def copied(base: Path, root: Path) -> Path:
    """The new folder ``root`` with a copy of a good thing in ``work``, and with what no command may touch around it."""
    for name in ("home", "temporary", "outside/folder"):
        (root / name).mkdir(parents=True)
    (root / OUTSIDE).write_text("precious\n")
    (root / "outside/folder/file.txt").write_text("precious, too\n")
    (root / "home/.bashrc").write_text("# precious\n")
    shutil.copytree(base, root / "work", symlinks=True)
    return root


def forget(root: Path) -> None:
    """Remove a folder, however deep, whatever its permissions."""
    with suppress(OSError, RecursionError):
        shutil.rmtree(root)
        return
    subprocess.run(["chmod", "-R", "u+rwX", root], check=False, stderr=subprocess.DEVNULL)
    subprocess.run(["rm", "-rf", root], check=True)


def _of_output(given: Input, ended: Ended) -> Iterable[str]:
    if ended.hung:
        yield f"no end within {given.limit_s:.0f} s"
        return
    if ended.left:
        yield "a process is left"
    if "Traceback (most recent call last)" in ended.err + ended.out:
        yield "a traceback"
    elif ended.returncode not in CODES:
        yield f"exit code {ended.returncode}"
    elif given.fatal and ended.returncode not in given.codes | {0}:
        yield f"exit code {ended.returncode}, expected {sorted(given.codes)}"
    for stream, text in (("stdout", ended.out), ("stderr", ended.err)):
        if control := _CONTROL.search(text):
            yield f"the control character {control.group()!r} on {stream}"
        if "s3cr3t-value" in text:
            yield f"the user's environment on {stream}"
    said = ended.out + ended.err
    places = given.places if given.fatal else given.places + given.near
    if (ended.returncode or given.fatal) and not any(place in said for place in places):
        yield f"none of {places} is named"
    if "Usage:" in ended.err:
        yield "the words of the command are no command's"
    elif ended.returncode and not re.search(r"^error: \S.*\s\S", ended.err, re.MULTILINE | re.DOTALL):
        yield "no sentence on stderr"


Snapshot = dict[str, tuple[Any, ...]]


def _snapshot(root: Path) -> Snapshot:
    """Every file below ``root`` by its name: its kind, what a link names, what is in it."""
    found: Snapshot = {}
    for folder, names, files in os.walk(root):
        if len(folder) > _DEEP:
            names.clear()
        for name in [*names, *files]:
            path = Path(folder, name)
            state = path.lstat()
            known: tuple[Any, ...] = (stat.S_IFMT(state.st_mode),)
            if path.is_symlink():
                known = (*known, str(path.readlink()))
            elif stat.S_ISREG(state.st_mode):
                known = (*known, state.st_size, _digest(path, state.st_size))
            found[str(path.relative_to(root))] = known
    return found


def _digest(path: Path, size: int) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.md5(file.read(_CLOSE_TO_ALL if size > 1 << 24 else size), usedforsecurity=False).hexdigest()
    except PermissionError:
        return ""


def _of_files(given: Input, before: Snapshot, after: Snapshot) -> Iterable[str]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) == after.get(name):
            continue
        what = "changed" if name in before and name in after else "removed" if name in before else "written"
        if name not in before and name.endswith(_LEFTOVERS):
            yield f"{name} was left behind"
        elif not any(
            f"{name}/".startswith(f"work/{allowed}/")
            for allowed in (*given.writes, *(given.grows if what == "written" else ()), "cache")
        ):
            yield f"{name} was {what}"


def _shown(ended: Ended) -> str:
    text = f"{ended.err[:300]} ... {ended.err[300:][-900:]}{ended.out[-300:]}"
    return f"[{ended.returncode}] {text}".encode("unicode_escape").decode().replace("\\n", "\n    ")
