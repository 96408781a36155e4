"""Searches with a device that is made up: in memory, and as the command line does, in a folder of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from dse_harness.protocol import Request

from dse.backends import FakeDevice, RecordingBackend
from dse.core.budget import Budget
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement
from dse.core.policy import Step
from dse.core.session import Session
from dse.search.explore import explore, request_of, session_of
from dse.search.plan import make_plan
from dse.search.progress import Progress, progress_of
from dse.spaces.load import load_space
from dse.study import Study
from dse.study.writer import StudyWriter

SPACE = """
schema: 1
name: fake
data_set: {embedded: fashion_mnist}
models: {zoo: {zoo: mobilenet_v3}}
parameters:
  family: [small]
  form: [minimalistic]
  width: [0.35]
  side: %s
  threads: %s
  buffer_size: [64, 256]
objectives: [accuracy, latency_p90_ns]
fidelity: {explore: {accuracy_images: %s}}
"""


def latency(request: Request) -> float:
    return 1e6 * (1 + int(request.model_sha256[:2], 16) / 64) / request.runtime.threads**0.7 + 100 * (
        request.performance.buffer_size if request.performance else 0
    )


def accuracy(request: Request) -> float:
    return 0.5 + int(request.model_sha256[:2], 16) / 640


def device(**changes: object) -> FakeDevice:
    return FakeDevice(latency, accuracy, **changes)  # type: ignore[arg-type]  # any field by name


class Bench:
    """A space, a study folder, and searches in it."""

    def __init__(self, folder: Path, *, write: bool = True) -> None:
        self.folder = folder
        self.requests: dict[int, Request] = {}
        """What the search in memory that was last asked the device, by trial."""
        self._histories: dict[str, Sequence[Measurement]] = {}
        if write:
            self.write("[1, 2, 3]")

    def write(self, threads: str, sides: str = "[48, 64, 96]\n  precision: [float32]", images: int = 500) -> None:
        (self.folder / "space.yaml").write_text(SPACE % (sides, threads, images))

    def search(
        self,
        fake: FakeDevice,
        budget: Budget = Budget(),  # noqa: B008  # frozen
        *,
        study: str = "study",
        seed: int = 0,
        observe: Callable[[Progress], None] | None = None,
        confirm: bool = False,
        first: Sequence[Configuration] = (),
    ) -> Session:
        """Search in memory by the device's own clock; what is known by the name ``study`` goes on."""
        space, began_s = load_space(self.folder / "space.yaml"), fake.clock_s
        history = self._histories.get(study, ())
        plan = make_plan(space, history, budget)
        session = session_of(space, plan, seed, history, confirm=confirm, first=first)
        last = None

        def tell(running: Step | None = None) -> None:
            if observe is not None:
                observe(progress_of(session, plan, fake.clock_s - began_s, running=running, last=last))

        tell()
        while (step := session.ask(elapsed_s=fake.clock_s - began_s)) is not None:
            tell(step)
            model = space.source(step.configuration).make(space.variant(step.configuration))
            self.requests[step.number] = request_of(space, step, model)
            step_began_s = fake.clock_s
            answered = fake.answer(self.requests[step.number])
            last = session.tell(step, answered, took_s=fake.clock_s - step_began_s)
            tell()
        self._histories[study] = session.measurements
        tell()
        return session

    def explore(
        self,
        fake: FakeDevice | RecordingBackend,
        budget: Budget = Budget(),  # noqa: B008  # frozen
        *,
        study: str = "study",
        seed: int = 0,
        observe: Callable[[Progress], None] = lambda _: None,
        confirm: bool = False,
        strict: bool = False,
        first: Sequence[Configuration] = (),
        spent_s: float = 0.0,
    ) -> Study:
        """Search; the clock is the device's own where it is made up."""
        started_s = fake.clock_s if isinstance(fake, FakeDevice) else 0.0
        space = load_space(self.folder / "space.yaml")
        with StudyWriter(self.folder / study, space, None, {}) as writer:
            plan = make_plan(space, writer.study.measurements, budget)
            explore(
                writer,
                space,
                fake,
                plan,
                seed,
                observe,
                lambda: False,
                confirm=confirm,
                strict=strict,
                first=first,
                spent_s=spent_s,
                clock=(lambda: fake.clock_s - started_s) if isinstance(fake, FakeDevice) else time.monotonic,
            )
        return Study.read(self.folder / study)


def phases(study: Study | Session) -> list[str]:
    return [m.phase for m in study.measurements]
