"""A program that is spoken with over its stdin and stdout: lines and counted bytes, and an end in any case."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType

from dse import processes

_PART_BYTES = 2**18
_TAIL_BYTES = 4000
_MOST_LINE_BYTES = 2**16
_MOST_BYTES = 2**20
_MOST_SHOWN = 300


class TalkError(Exception):
    """Why there is no answer, as words to go on after the program's name."""


class EndedError(TalkError):
    """The program has ended, or closed its stdout, before all was said."""


class SilentError(TalkError):
    """Nothing was heard for longer than was agreed."""


class NonsenseError(TalkError):
    """What is said has not the agreed form."""


class Talk:
    """Starts ``command`` with pipes to it, as a context; at its end the program and its group are killed.

    One thread does it all: whatever waits also writes, and keeps what comes on stderr. Raises OSError where the
    program does not start.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
            start_new_session=True,
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._stdin, self._stdout, self._stderr = self._process.stdin, self._process.stdout, self._process.stderr
        self._selector = selectors.DefaultSelector()
        self._inbox, self._tail, self._closed = bytearray(), bytearray(), False
        self._outbox: Iterator[bytes] = iter(())
        self._part = memoryview(b"")
        self._is_writing = self._is_deaf = self._is_beat = False
        self._beaten_s = time.monotonic()
        for file in (self._stdin, self._stdout, self._stderr):
            os.set_blocking(file.fileno(), False)
        self._selector.register(self._stdout, selectors.EVENT_READ, self._read)
        self._selector.register(self._stderr, selectors.EVENT_READ, self._read_errors)

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Its stdin ends, by which it may end; then it is killed."""
        self._close_stdin()
        if error is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(processes.GRACE_S)
        processes.kill_group(self._process.pid)
        self._process.wait()
        self._selector.close()
        self._stdout.close()
        self._stderr.close()

    def say(self, parts: Iterator[bytes], *, is_beat: bool = False) -> None:
        """Write ``parts`` from now on, while something is waited for; what was said before must be written.

        As long as they are taken, the program is not silent, but for a beat: a pipe takes many, and nobody need read.
        """
        if self._is_deaf:
            return
        self._outbox, self._is_beat = parts, is_beat
        if not self._is_writing:
            self._selector.register(self._stdin, selectors.EVENT_WRITE, self._write)
            self._is_writing = True

    def rest(
        self, patience_s: float, most_bytes: int = _MOST_BYTES, *, beat_s: float | None = None
    ) -> tuple[int, bytes]:
        """The exit status, negative for a signal, and all that is said until then; first, what was said to it is sent.

        Then its stdin ends; with ``beat_s`` not before its stdout does, and a line feed is said so often. Raises
        TalkError.
        """
        self._until(lambda: self._closed or not self._is_writing, patience_s)
        if beat_s is None:
            self._close_stdin()
        self._until(lambda: self._closed or len(self._inbox) > most_bytes, patience_s, beat_s)
        if len(self._inbox) > most_bytes:
            raise NonsenseError(f"said more than {most_bytes} bytes")
        try:
            return self._process.wait(patience_s), bytes(self._inbox)
        except subprocess.TimeoutExpired:
            raise SilentError("does not end") from None

    def line(self, patience_s: float, beat_s: float | None = None) -> bytes:
        """The next line without its end; a line feed is said every ``beat_s``. Raises TalkError."""
        self._until(lambda: b"\n" in self._inbox or len(self._inbox) > _MOST_LINE_BYTES, patience_s, beat_s)
        line, end, rest = self._inbox.partition(b"\n")
        if not end or len(line) > _MOST_LINE_BYTES:
            raise NonsenseError(f"said a line of more than {_MOST_LINE_BYTES} bytes")
        self._inbox = rest
        return bytes(line)

    def take(self, count: int, patience_s: float, beat_s: float | None = None) -> bytes:
        """The next ``count`` bytes, each part of which may take ``patience_s``. Raises TalkError."""
        self._until(lambda: len(self._inbox) >= count, patience_s, beat_s)
        taken = bytes(self._inbox[:count])
        del self._inbox[:count]
        return taken

    @property
    def lines(self) -> list[str]:
        """The last lines of its stderr, for people."""
        self._drain_errors()
        lines = self._tail.decode(errors="replace").splitlines()
        found = (" ".join("".join(c if c.isprintable() else " " for c in line).split()) for line in lines)
        return [words[-_MOST_SHOWN:] for words in found if words]

    @property
    def last_words(self) -> str:
        """The last of `lines`; empty where there is none."""
        return self.lines[-1] if self.lines else ""

    def _until(self, there: Callable[[], bool], patience_s: float, beat_s: float | None = None) -> None:
        heard_s = time.monotonic()
        while not there():
            if self._closed:
                raise EndedError(self.reason())
            now_s = time.monotonic()
            if now_s - heard_s > patience_s:
                raise SilentError(f"said nothing for {patience_s:g} s")
            if beat_s is not None and now_s - self._beaten_s >= beat_s and not self._is_writing:
                self._beaten_s = now_s
                self.say(iter((b"\n",)), is_beat=True)
            wait_s = patience_s if beat_s is None else min(patience_s, beat_s)
            for key, _ in self._selector.select(max(0.01, wait_s)):
                if key.data():
                    heard_s = time.monotonic()

    def _read(self) -> bool:
        part = os.read(self._stdout.fileno(), _PART_BYTES)
        if not part:
            self._selector.unregister(self._stdout)
            self._closed = True
        self._inbox += part
        return True

    def _read_errors(self) -> bool:
        part = os.read(self._stderr.fileno(), _PART_BYTES)
        if not part:
            self._selector.unregister(self._stderr)
        self._tail = (self._tail + part)[-_TAIL_BYTES:]
        return False

    def _write(self) -> bool:
        """What does not fit into the pipe stays; after the last part, or when nobody reads, nothing is written."""
        if not self._part:
            part = next(self._outbox, None)
            if part is None:
                self._stop_writing()
                return False
            self._part = memoryview(part)
        try:
            self._part = self._part[os.write(self._stdin.fileno(), self._part) :]
        except BrokenPipeError:
            self._is_deaf, self._part = True, memoryview(b"")
            self._stop_writing()
            return False
        return not self._is_beat

    def _stop_writing(self) -> None:
        if self._is_writing:
            self._selector.unregister(self._stdin)
        self._is_writing = False

    def _close_stdin(self) -> None:
        self._stop_writing()
        self._is_deaf = True
        self._stdin.close()

    def reason(self) -> str:
        """How it ended; its stderr is read as far as it came."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(processes.GRACE_S)
        code = self._process.returncode
        ended = "closed its output" if code is None else processes.Ended(code, False, "").reason
        return f"{ended}{': ' + self.last_words if self.last_words else ''}"

    def _drain_errors(self) -> None:
        with contextlib.suppress(BlockingIOError, ValueError):
            while part := os.read(self._stderr.fileno(), _PART_BYTES):
                self._tail = (self._tail + part)[-_TAIL_BYTES:]
