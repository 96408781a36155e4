"""A search as the command line is asked for it, and what it is once nothing stands in its way any more."""

from __future__ import annotations

import random
import shlex
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dse.backends import Backend, closed_after
from dse.cli.download import download
from dse.cli.edited import keep_earlier, say_edits
from dse.cli.limits import Limits, find_limits, say_limits
from dse.cli.live import LiveProgress
from dse.cli.opened import open_study, read_study, say_damaged
from dse.cli.options import STUDIES, option_words, variables
from dse.cli.outcome import counts, plan_line, show_plan
from dse.cli.own_model import OwnModel, own_model
from dse.cli.render import stderr
from dse.cli.trusted import NOT_ASKED, require_trust
from dse.cli.typed import typed_command
from dse.core.budget import Budget
from dse.core.calibration import Corrections
from dse.core.configuration import Configuration
from dse.core.tree import LISTED
from dse.core.words import counted
from dse.errors import ResultsError, StudyError, UsageError
from dse.packages import known_version, runtime_version
from dse.samplers.unseen import Unseen
from dse.search.edits import Edits, edits
from dse.search.elsewhere import found_elsewhere
from dse.search.explore import Observer, explore
from dse.search.plan import make_plan
from dse.search.pool import Pool
from dse.search.progress import Progress
from dse.search.start import confirms, fetch
from dse.spaces.load import find_space, load_space
from dse.spaces.space import Space
from dse.study.continued import continued
from dse.study.database import without_password
from dse.study.elsewhere import Elsewhere
from dse.study.folder import is_study
from dse.study.index import TrialIndex
from dse.study.writer import StudyWriter, study_so_far

if TYPE_CHECKING:
    from dse.fleet.fleet import Fleet


@dataclass(frozen=True)
class Asked:
    """The options of ``dse explore``, as they were typed."""

    model: Path | None
    space: str | None
    study: str | None
    studies: Path
    trials: int | None
    timeout: str | None
    budget: str | None
    more: bool
    again: bool
    strict: bool
    warm_start: str | None
    seed: int | None
    update: bool
    devices: Path | None
    system: str | None
    scheduler: str | None
    storage: str | None
    trust: bool
    models: Path | None
    images: Path | None
    labels: Path | None
    pixels: str | None
    dry_run: bool
    json: bool

    @property
    def paths(self) -> dict[str, str]:
        """What fills in the variables of a space."""
        return variables(self.models, self.images, self.labels)

    @property
    def command(self) -> str:
        """The command that goes on with the search."""
        return ("dse explore" if self.model is None else f"dse explore {shlex.quote(str(self.model))}") + option_words(
            space=self.space,
            study=self.study,
            studies=self.studies if self.studies != STUDIES else None,
            trials=self.trials,
            timeout=self.timeout,
            budget=self.budget,
            strict=self.strict or None,
            devices=self.devices,
            system=self.system,
            scheduler=self.scheduler,
            **{
                "warm-start": self.warm_start,
                "seed": self.seed,
                "storage": self.storage and without_password(self.storage),
            },
            models=self.models,
            images=self.images,
            labels=self.labels,
            pixels=self.pixels,
        )


@dataclass(frozen=True)
class Search:
    """A search of ``space`` into ``folder``, of which nothing has been measured yet."""

    asked: Asked
    space: Space
    folder: Path
    limits: Limits
    edited: Edits
    first: Sequence[Configuration]
    fleet: Fleet | None = None
    own: OwnModel | None = None
    ratios: Corrections = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    read: TrialIndex | None = None
    """Of the trials that are there."""

    def writer(self, say: Callable[[str], None]) -> StudyWriter:
        """Its study, to be entered; ``say`` gets what people should know."""
        return StudyWriter(
            self.folder,
            self.space,
            self.asked.storage,
            self.options,
            command=typed_command(),
            keep=keep_earlier if self.edited.changing else lambda _: None,
            say=say,
            ratios=self.ratios,
            elsewhere=self._elsewhere(say),
            boards=self.fleet.versions if self.fleet else None,
            read=self.read,
        )

    def measure(
        self, writer: StudyWriter, live: LiveProgress, stopped: Callable[[], bool], observe: Observer
    ) -> Progress:
        """Search until it ends or is ``stopped``, on the screen of ``live``; ``observe`` gets what that shows."""
        with closed_after(self.space.backend), ExitStack() as resources:
            if self.own:
                self.own.keep()
            plan = make_plan(self.space, writer.study.measurements, self.left, writer.place)
            live.note(f"{self.space.name}: {counts(plan)} known. {plan.decision.reason}")
            live.note(plan_line(plan, len(self.first)))
            where: Backend | Pool = self.space.backend
            if self.fleet is not None:
                live.note(f"{counted(len(self.devices), 'device')} of {self.fleet.system}: {', '.join(self.devices)}")
                where = resources.enter_context(self.fleet.pool(writer.study.settings.id))
            with live:
                return explore(
                    writer,
                    self.space,
                    where,
                    plan,
                    self.options["seed"],
                    observe,
                    stopped,
                    confirm=confirms(self.space.backend, plan.budget),
                    strict=self.asked.strict,
                    again=self.asked.again,
                    first=self.first,
                    spent_s=self.limits.spent.time_s,
                )

    @property
    def devices(self) -> list[str]:
        """The names of its devices; none where it is measured on this machine."""
        return [device.name for device in self.fleet.devices] if self.fleet else []

    @property
    def left(self) -> Budget:
        """What it may spend."""
        return replace(self.limits.left, devices=max(1, len(self.devices)))

    def _elsewhere(self, say: Callable[[str], None]) -> list[Elsewhere]:
        """The accuracies that the studies of the file's other systems found, which lie beside this one."""
        if self.fleet is None or self.asked.devices is None or not self.folder.name.endswith(f"-{self.fleet.system}"):
            return []
        name = self.folder.name.removesuffix(f"-{self.fleet.system}")
        systems = systems_of(self.asked.devices)
        others = (self.folder.with_name(f"{name}-{system}") for system in systems if system != self.fleet.system)
        found = found_elsewhere(self.space, [read_study(each) for each in others if is_study(each)])
        if found:
            say(
                f"{counted(len(found), 'accuracy')} found on other systems: counted here again only where a model "
                "answers otherwise on the first images"
            )
        return found


def prepare(asked: Asked) -> Search | None:
    """The search that is asked for, with all that would be refused before it begins; None where a plan was shown.

    Raises DseError.
    """
    fleet = _fleet(asked.devices, asked.scheduler, asked.system)
    own = None
    if (asked.model is None) == (asked.space is None):
        raise UsageError("name either a model file of your own, or a space: --space NAME (see dse space list)")
    if asked.model is not None:
        own = own_model(asked.model, asked.studies, asked.study, asked.paths, asked.pixels, measure=not asked.dry_run)
        loaded, found = own.space, own.path
    else:
        found = find_space(str(asked.space))
        loaded = load_space(found, asked.paths, known_version if fleet is None else lambda *_: None)
    programs = loaded.programs if fleet is None else {}  # a board's harness is run by its own interpreter
    if programs and not asked.dry_run:
        require_trust(programs, loaded.path, trusted=asked.trust)
        loaded = load_space(found, asked.paths, runtime_version)
    if fleet is not None and asked.devices is not None and not asked.dry_run:
        from dse.cli.device.options import require_trust_in_devices

        require_trust_in_devices(fleet.devices, asked.devices, trusted=asked.trust)
    loaded = loaded if fleet is None else fleet.of(loaded)
    folder = own.path.parent if own else (asked.studies / (asked.study or loaded.name)).absolute()
    first = _first(asked.warm_start, asked.studies, loaded) if asked.warm_start else []
    before = study_so_far(folder, loaded, asked.storage)  # what would be refused is, before downloads and in a plan too
    if before:
        say_damaged(before)
        loaded = continued(loaded, before)
    if fleet is not None:
        loaded = fleet.asked(loaded, before, answers=not asked.dry_run)
    if asked.dry_run:
        for name, program in programs.items():
            stderr().print(f"runtime {name} names a program: {program}; {NOT_ASKED}")
    edited = edits(before, loaded) if before else Edits()
    say_edits(edited, folder, update=asked.update)
    limits = find_limits(
        loaded, before, trials=asked.trials, timeout=asked.timeout, budget=asked.budget, more=asked.more
    )
    say_limits(limits)
    search = Search(asked, loaded, folder, limits, edited, first, fleet, own)
    if asked.dry_run:
        plan = make_plan(loaded, before.measurements if before else (), search.left)
        show_plan(plan, loaded, folder, first=len(first), as_json=asked.json, devices=search.devices)
        return None
    fetch(loaded, None if fleet else loaded.backend, download)
    options = {"seed": loaded.file.seed if asked.seed is None else asked.seed, **limits.options}
    sharing = fleet.sharing(loaded) if fleet else None
    if fleet and sharing:
        options["system"] = fleet.system
        for sentence in sharing.sentences:
            stderr().print(sentence)
    if loaded.official_samples:
        stderr().print(loaded.official_samples)
    corrections = sharing.corrections if sharing else {}
    return replace(search, options=options, ratios=corrections, read=before.index if before else None)


def systems_of(devices: Path) -> list[str]:
    """The systems that a file names. Raises DeviceFileError."""
    from dse.fleet.device_file import load_devices

    return list(dict.fromkeys(device.system for device in load_devices(devices)))


def _fleet(devices: Path | None, scheduler: str | None, system: str | None) -> Fleet | None:
    """The devices that are asked for. Raises UsageError, DeviceFileError."""
    if devices is None:
        for name, value in (("scheduler", scheduler), ("system", system)):
            if value is not None:
                raise UsageError(f"--{name} reaches devices: name their file, --devices FILE")
        return None
    from dse.fleet.fleet import fleet_of  # what nobody needs who measures here

    return fleet_of(devices, scheduler, system)


def _first(warm_start: str, studies: Path, space: Space) -> list[Configuration]:
    """What was on the front elsewhere, as configurations of ``space``. Raises StudyError, ResultsError."""
    if not Path(warm_start).is_file():
        known = open_study(warm_start, studies)
        found = [p.configuration for p in known.analysis.front if space.tree.locate(p.configuration) is not None]
        if not found:
            raise StudyError(
                f"no configuration on its front is one of {space.name}",
                path=known.folder,
                hint="leave --warm-start out, or name a study of the same space",
            )
        return found
    # Only this way of starting needs DuckDB.
    from dse.results.convert.warm_start import configurations_like, published_designs

    listed = Unseen(space.tree).some((), random.Random(0), LISTED)
    found = configurations_like(published_designs(Path(warm_start)), listed)
    if not found:
        raise ResultsError(
            f"no network on a published front is like one of {space.name}",
            path=warm_start,
            hint="leave --warm-start out, or name models as published ones are: mobilenet-v2-0.75-160-quantized",
        )
    return found
