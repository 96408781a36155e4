"""What a walk depended on, as text: a line for each directory and file with its state, to be compared with the disk."""

from __future__ import annotations

import os
from collections.abc import Iterable

State = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds."""
DIRECTORY_SIZE = -1
"""In place of a size where the time alone tells: a directory's."""
ABSENT: State = (-2, 0)
"""Of a file that was looked for and is not there."""


def manifest(states: Iterable[tuple[str, State]]) -> str:
    """Paths and their states, one a line."""
    return "\n".join(f"{path}\t{size}\t{mtime}" for path, (size, mtime) in states)


def manifest_of(paths: Iterable[str]) -> str:
    """The `manifest` of further files to watch, by whole paths. Raises OSError for a missing one."""
    stats = [(path, os.stat(path)) for path in paths]  # noqa: PTH116  # a Path per file is slow
    return manifest((path, (stat.st_size, stat.st_mtime_ns)) for path, stat in stats)


def unchanged(home: str, lines: str) -> bool:
    """Whether everything in the manifest ``lines`` of the directory ``home`` is as it was."""
    try:
        top = os.open(home, os.O_RDONLY)  # paths from there are resolved faster than from the root
    except OSError:
        return False
    try:
        for line in lines.split("\n"):
            path, size, mtime = line.rsplit("\t", 2)
            try:
                stat = os.stat(path, dir_fd=top)
            except OSError:
                if (int(size), int(mtime)) != ABSENT:
                    return False
                continue
            if stat.st_mtime_ns != int(mtime) or (stat.st_size != int(size) and int(size) != DIRECTORY_SIZE):
                return False
    except ValueError:  # a name with a line's end in it
        return False
    finally:
        os.close(top)
    return True
