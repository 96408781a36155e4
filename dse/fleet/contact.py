"""One device, spoken with through its transport: what it is, what it stores, and a run under its lease."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

from dse_harness import boot
from dse_harness.decode import ProtocolError, decode

from dse.errors import (
    DeviceAnswerError,
    DeviceHeldError,
    DeviceLostError,
    DeviceRebootedError,
    DeviceRefusedError,
    why,
)
from dse.files import canonical_json
from dse.fleet.device_file import Device
from dse.fleet.job import MOST_ANSWER_BYTES, Answer, Began, Job, read_answer
from dse.fleet.stored import Stored
from dse.fleet.talk import NonsenseError, Talk, TalkError
from dse.reading import UnreadableError, parse_json, short
from dse.spaces.document import shortened

PATIENCE_S = 60.0
"""How long nothing is heard of a device, while something is expected, before it is lost."""
_BEATS = 4
"""Heartbeats in the time of a lease: one that is late, or two, end nothing."""
_MOST_SAID = 1000


def harness(device: Device, subcommand: str) -> list[str]:
    """The argv of the harness on ``device``, to be given to its transport. Raises RegistryError."""
    if device.connection().is_here:
        return [*boot.command(device.python or sys.executable), subcommand, device.folder]
    # -I: nothing of the folder where it starts, nor of the user's, is imported
    return [device.python or f"{device.folder}/env/bin/python", "-I", "-m", "dse_harness", subcommand, device.folder]


@dataclass(frozen=True)
class Contact:
    """Talks to ``device``; each call starts a program there and leaves nothing running.

    After ``patience_s`` of silence where something is expected, the device is lost. All calls raise DeviceLostError,
    DeviceRefusedError and DeviceAnswerError.
    """

    device: Device
    patience_s: float = PATIENCE_S

    def facts(self) -> dict[str, Any]:
        """What the device says about itself: at least ``boot_id``."""
        with self._talk("facts") as talk:
            status, said = talk.rest(self.patience_s)
            if status and not said:
                raise self._lost(talk.reason())
            found = self._document(said)
            if "error" in found:
                self._refused(found)
        if not isinstance(found.get("boot_id"), str) or not found["boot_id"]:
            raise self._no_answer(f"its facts have no boot_id: {short(str(found))}")
        return found

    def missing(self, names: Collection[str]) -> list[str]:
        """Those of ``names`` that its store does not have."""
        if not names:
            return []
        document = self._store(iter((_line({"op": "has", "names": sorted(names)}),)))
        there = document.get("has")
        if not isinstance(there, list):
            raise self._no_answer(f"its store answered {short(str(document))}")
        return [name for name in names if name not in there]

    def put(self, stored: Stored) -> None:
        """Send a file, or a folder, into its store, where it is checked before it has its name.

        Raises OSError where it cannot be read here.
        """
        head = {
            "op": "put",
            "name": stored.name,
            "bytes": stored.byte_count,
            "sha256": stored.sha256,
            "kind": stored.kind,
        }
        document = self._store(_after(_line(head), stored.parts()))
        if document.get("stored") != stored.name:
            raise self._no_answer(f"its store answered {short(str(document))}, expected {stored.name}")

    def ensure(self, files: Sequence[Stored]) -> int:
        """Put those of ``files`` that its store lacks; how many these were. Raises OSError as `put` does."""
        missing = set(self.missing([each.name for each in files]))
        for each in files:
            if each.name in missing:
                self.put(each)
        return len(missing)

    def run(self, job: Job, on_began: Callable[[Began], object] = lambda _: None) -> Answer:
        """Run ``job`` there under the device's lease; ``on_began`` is told when it begins.

        What had been run before, since the device was started, is answered without. Also raises DeviceHeldError where
        another owner runs there, DeviceRebootedError.
        """
        beat_s = job.lease_s / _BEATS
        began: Began | None = None
        with self._talk("launch") as talk:
            talk.say(iter((job.line,)))
            while True:
                # From its start, the device itself ends the run in time; before, it may wait for the end of another.
                limit_s = self.patience_s + (job.timeout_s if began else 0)
                event = self._event(talk.line(limit_s, beat_s))
                match event.pop("event", None):
                    case "waiting":
                        continue
                    case "began" if began is None:
                        began = self._began(event, job)
                        on_began(began)
                    case "answer":
                        count = self._count(event)
                        tar = talk.take(count, self.patience_s, beat_s)
                        break
                    case "error":
                        self._refused(event)
                    case word:
                        raise self._no_answer(f"it said {short(str(word))} when nothing of that kind was due")
        answer = read_answer(tar, job, began.boot_id if began else None, self.device.name)
        if answer.outcome == "lease_expired":
            raise DeviceLostError(
                f"ended {job.run_id}, as it had heard nothing of this side for {job.lease_s:g} s",
                device=self.device.name,
            )
        return answer

    @contextmanager
    def _talk(self, subcommand: str) -> Iterator[Talk]:
        command = self.device.connection().command(harness(self.device, subcommand))
        try:
            talk = Talk(command)
        except OSError as error:
            raise self._lost(f"{command[0]} does not start: {why(error)}") from None
        with talk:
            try:
                yield talk
            except NonsenseError as error:
                raise self._no_answer(str(error)) from None
            except TalkError as error:
                raise self._lost(str(error)) from None

    def _store(self, said: Iterator[bytes]) -> dict[str, Any]:
        with self._talk("store") as talk:
            talk.say(said)
            document = self._document(talk.line(self.patience_s))
            if "error" in document:
                self._refused(document)
            return document

    def _event(self, line: bytes) -> dict[str, Any]:
        event = self._document(line)
        if not isinstance(event.get("event"), str):
            raise self._no_answer(f"it said {short(line.decode(errors='replace'))}, expected an event")
        return event

    def _document(self, said: bytes) -> dict[str, Any]:
        try:
            document = parse_json(said)
        except UnreadableError as error:
            raise self._no_answer(f"it said {short(said.decode(errors='replace'))}: {error}") from None
        if not isinstance(document, dict):
            raise self._no_answer(f"it said {short(said.decode(errors='replace'))}, expected an object")
        return document

    def _began(self, event: dict[str, Any], job: Job) -> Began:
        try:
            began: Began = decode(Began, event, "began")
        except ProtocolError as error:
            raise self._no_answer(str(error)) from None
        if began.run_id != job.run_id:
            raise self._no_answer(f"it began {short(began.run_id)}, asked for was {job.run_id}")
        if job.boot_id is not None and began.boot_id != job.boot_id:
            raise self._no_answer(f"it began since boot {short(began.boot_id)}, asked for was {job.boot_id}")
        return began

    def _count(self, event: dict[str, Any]) -> int:
        count = event.get("bytes")
        if type(count) is not int or not 0 <= count <= MOST_ANSWER_BYTES:
            raise self._no_answer(f"found an answer of {short(str(count))} bytes, allowed: 0 to {MOST_ANSWER_BYTES}")
        return count

    def _refused(self, said: dict[str, Any]) -> NoReturn:
        word, name = short(str(said.get("error")))[1:-1], self.device.name
        message = shortened(str(said.get("message") or word), _MOST_SAID)
        if word == "held":
            held = DeviceHeldError(message, device=name, hint="wait for its end, or take another device")
            held.holder = said["holder"] if isinstance(said.get("holder"), dict) else {}
            raise held
        if word == "rebooted":
            raise DeviceRebootedError(message, device=name)
        refused = DeviceRefusedError(f"{word}: {message}", device=name)
        refused.error = word
        raise refused

    def _lost(self, reason: str) -> DeviceLostError:
        return DeviceLostError(f"its connection is lost: {reason}", device=self.device.name)

    def _no_answer(self, reason: str) -> DeviceAnswerError:
        return DeviceAnswerError(
            f"what it said is no answer: {reason}",
            device=self.device.name,
            hint="does its shell print something before the program starts, or is the harness of another version?",
        )


def _line(document: dict[str, Any]) -> bytes:
    return f"{canonical_json(document)}\n".encode()


def _after(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
