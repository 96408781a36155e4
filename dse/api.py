"""A search from Python. Nothing is printed, and no setting outside is changed."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dse.backends import Backend, closed_after
from dse.core.budget import Budget
from dse.core.calibration import Corrections
from dse.errors import DevicesGoneError, InputError, UsageError
from dse.log import logger
from dse.packages import known_version, runtime_version
from dse.search.devices import gone_words
from dse.search.driver import NO_DEVICE
from dse.search.edits import edits, require_same_answers
from dse.search.elsewhere import found_elsewhere
from dse.search.exchange import Exchange, Shares
from dse.search.explore import explore as search
from dse.search.plan import Plan, make_plan
from dse.search.pool import Pool
from dse.search.progress import Progress
from dse.search.spent import counted_from, spent_on
from dse.search.start import confirms, fetch
from dse.search.suggesters import Decision
from dse.spaces.load import load_space
from dse.spaces.space import Space
from dse.study import Study
from dse.study.continued import continued
from dse.study.rows import TrialRow
from dse.study.writer import StudyWriter, study_so_far
from dse.trust import untrusted

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

    from dse.fleet.fleet import Fleet

Callback = Callable[[Study, TrialRow], object]
_LOG = logger(__name__)
_DRAWING = threading.Lock()
"""Matplotlib is not for several threads at once."""


class StopSearch(Exception):  # noqa: N818  # no error: a callback asks for the end, as StopIteration does
    """Raised by a callback of `explore`: the search ends after this trial, and can go on later.

    >>> import dse
    >>> def enough(study, trial):
    ...     if len(study.configurations()) >= 2:
    ...         raise dse.StopSearch
    >>> device = dse.FakeDevice(latency_ns=lambda request: 1e6, accuracy=lambda request: 0.9)
    >>> study = dse.explore("mobilenet_v3", "studies/stopped", callbacks=[enough], backend=device)
    >>> len(study.configurations())
    2
    """


def explore(
    space: Space | Path | str | Mapping[str, Any],
    study: str | os.PathLike[str] | None = None,
    budget: Budget | None = None,
    seed: int | None = None,
    callbacks: Iterable[Callback] = (),
    backend: Backend | None = None,
    sampler: str | BaseSampler | None = None,
    *,
    again: bool = False,
    devices: str | os.PathLike[str] | None = None,
    scheduler: str | None = None,
) -> Study:
    """Search ``space``, or what `load_space` makes of it, and return the study.

    ``study`` is its folder; by default ``studies/NAME`` with the space's name. One that is there goes on, also after a
    kill. ``budget`` (default: the space's) is for all searches of the study together. ``backend`` is where it is
    measured; by default this machine, one process for each trial, or the space's table. ``sampler`` is a name that a
    space may have, or any of Optuna's; by default the space's. With ``again`` what is on the front is measured once
    more before anything else: so it is known in one more session, as a search of a study is one.

    ``devices`` is the YAML file of a fleet of one system (of several: `explore_systems`): it is measured there, on all
    of them at once, reached by the workers of the Dask ``scheduler`` (default: one of dse's own on this machine). A
    device that goes away for good is logged as a warning; what it was asked is measured on another.

    ``callbacks`` are called after each trial with the study and the trial's row; one that raises `StopSearch` ends
    the search. The front is written into the folder at the end, as ``dse explore`` does.

    Raises SpaceError and what `load_space` raises; StudyError for a study that is in use, of another space, or that the
    edited space would change; ModelError for a download; InputError for an interpreter or an SSH configuration that the
    space or the file of devices names and nobody trusted; MachineError, also for boards with different versions;
    DevicesGoneError where all devices have gone, which loses nothing that was measured.

    >>> import dse
    >>> device = dse.FakeDevice(latency_ns=lambda r: 1e6 / r.runtime.threads, accuracy=lambda r: 0.9, noise=0.0)
    >>> study = dse.explore("mobilenet_v3", "studies/mine", dse.Budget(trials=3), seed=1, backend=device)
    >>> len(study.configurations())
    3
    """
    fleet = _fleet(devices, scheduler, backend)
    if fleet is not None:
        require_trusted([program for device in fleet.devices for program in device.programs], fleet.file)
    loaded = loaded_space(space, on_devices=fleet is not None)
    folder = Path(study if study is not None else Path("studies") / loaded.name).absolute()
    given = {"seed": seed, "callbacks": callbacks or None, "backend": backend, "sampler": sampler}
    given |= {
        "again": again or None,
        "devices": None if devices is None else from_here(devices),
        "scheduler": scheduler,
    }
    command = called(space, folder, budget, given)
    return Asked(loaded, folder, budget, seed, tuple(callbacks), backend, sampler, again, fleet, command).searched()


def loaded_space(space: Space | Path | str | Mapping[str, Any], *, on_devices: bool) -> Space:
    """What `load_space` makes of ``space``, with the versions of engines where devices do not say them.

    Raises as that does, and InputError for an interpreter that nobody trusted.
    """
    loaded = (
        space if isinstance(space, Space) else load_space(space, versions=_unknown if on_devices else known_version)
    )
    if on_devices or not loaded.programs:
        return loaded
    require_trusted(loaded.programs.values(), loaded.path)
    runtimes = loaded.file.runtimes
    asked = {name: runtime_version(section.engine, section.python) for name, section in runtimes.items()}
    return dataclasses.replace(loaded, runtime_versions=asked)


@dataclass(frozen=True)
class Asked:
    """A search that is asked for: the arguments of `explore`, and the ``fleet`` of one system that measures."""

    space: Space
    folder: Path
    budget: Budget | None
    seed: int | None
    callbacks: tuple[Callback, ...]
    backend: Backend | None
    sampler: str | BaseSampler | None
    again: bool
    fleet: Fleet | None
    command: str

    def searched(
        self,
        stopped: Callable[[], bool] = lambda: False,
        elsewhere: Sequence[Study] = (),
        exchange: Exchange | None = None,
    ) -> Study:
        """Search, and return the study. Raises as `explore`.

        The accuracies that studies ``elsewhere`` counted, and others by ``exchange`` meanwhile, count here too.
        """
        fleet, folder = self.fleet, self.folder
        loaded = self.space if fleet is None else fleet.of(self.space)
        before = study_so_far(folder, loaded, None)
        if before is not None:
            loaded = continued(loaded, before)
        if fleet is not None:
            loaded = fleet.asked(loaded, before)
        spent_s = 0.0
        limits = self.budget or Budget(trials=loaded.file.budget.trials, device_s=loaded.file.budget.time)
        options: dict[str, object] = {"seed": loaded.file.seed if self.seed is None else self.seed}
        if before is not None:
            require_same_answers(edits(before, loaded), folder)
            spent = spent_on(before)
            spent_s, limits = spent.time_s, spent.since(counted_from(before)).left_of(limits)
            options |= {name: value for name, value in before.settings.options.items() if name == "counted_from"}
        fetch(loaded, None if fleet else self.backend or loaded.backend)
        ratios: Corrections = {}
        if fleet is not None:
            sharing = fleet.sharing(loaded)
            ratios, options["system"] = sharing.corrections, fleet.system
            for sentence in sharing.sentences:
                _LOG.info(sentence)
        writing = StudyWriter(
            folder,
            loaded,
            None,
            options,
            command=self.command,
            say=_LOG.warning,
            ratios=ratios,
            elsewhere=found_elsewhere(loaded, elsewhere),
            boards=fleet.versions if fleet else None,
            read=before.index if before else None,
        )
        where: Backend | Pool = self.backend or loaded.backend
        with writing as writer, closed_after(self.backend or loaded.backend), ExitStack() as resources:
            shares = Shares(exchange, loaded, writer) if exchange else None
            events = _Events(writer.study, self.callbacks, shares)
            if fleet is not None:
                limits = dataclasses.replace(limits, devices=len(fleet.devices))
                where = resources.enter_context(fleet.pool(writer.study.settings.id))
            plan, gone = _plan(loaded, writer, limits, self.sampler), ""
            with suppress(StopSearch):
                progress = search(
                    writer,
                    loaded,
                    where,
                    plan,
                    int(str(options["seed"])),
                    events,
                    stopped,
                    confirm=confirms(where, plan.budget),
                    again=self.again,
                    spent_s=spent_s,
                )
                gone = gone_words(progress.devices) if progress.ended == NO_DEVICE else ""
            _write_front(writer.study)
            if gone:
                raise DevicesGoneError(gone, path=folder)
        return writer.study


def called(
    space: object, folder: Path, budget: Budget | None, given: Mapping[str, object], name: str = "explore"
) -> str:
    """The call as Python, with ``...`` for what is no text or number; folders elsewhere have their name alone."""
    named = str(space.path if isinstance(space, Space) else space) if not isinstance(space, Mapping) else None
    arguments = ["..." if named is None else repr(from_here(named)), repr(from_here(folder))]
    if budget is not None:
        limits = {f.name: getattr(budget, f.name) for f in dataclasses.fields(budget)}
        usual = dataclasses.asdict(Budget())
        said = [f"{name}={limit!r}" for name, limit in limits.items() if limit != usual[name]]
        arguments.append(f"dse.Budget({', '.join(said)})")
    arguments += [f"{name}={_said(value)}" for name, value in given.items() if value is not None]
    return f"dse.{name}({', '.join(arguments)})"


def from_here(path: str | os.PathLike[str]) -> str:
    """A path as the call has it: relative to this folder, or its name alone."""
    path, here = Path(path), Path.cwd()
    if path.is_relative_to(here):
        path = path.relative_to(here)
    return path.name if path.is_absolute() else path.as_posix()


def _said(value: object) -> str:
    return repr(value) if isinstance(value, str | int) else "..."


def _fleet(devices: str | os.PathLike[str] | None, scheduler: str | None, backend: Backend | None) -> Fleet | None:
    if devices is None:
        if scheduler is not None:
            raise UsageError(
                "found a scheduler without devices", argument="scheduler", hint="name their file: devices="
            )
        return None
    if backend is not None:
        raise UsageError("found devices and a backend, allowed: one of them", argument="devices")
    from dse.fleet.fleet import fleet_of  # what nobody needs who measures here

    return fleet_of(Path(devices), scheduler)


class _Events:
    """Tells the callbacks of each trial once, whenever the search is observed."""

    def __init__(self, study: Study, callbacks: tuple[Callback, ...], shares: Shares | None) -> None:
        self._study, self._callbacks, self._shares = study, callbacks, shares
        self._told = {measured.trial for measured in study.measurements}

    def __call__(self, progress: Progress) -> None:
        if self._shares is not None:
            self._shares(progress)
        if not self._callbacks or len(self._told) == len(self._study.measurements):
            return
        new = [row for row in self._study.trials() if row.trial not in self._told]  # they end in any order
        self._told.update(row.trial for row in new)
        for row in new:
            for callback in self._callbacks:
                callback(self._study, row)


def _plan(space: Space, writer: StudyWriter, budget: Budget, sampler: str | BaseSampler | None) -> Plan:
    """What a search with ``sampler`` means; one of Optuna's is planned as any that does not measure all of a space."""
    if sampler is not None:
        named = sampler if isinstance(sampler, str) else "random"
        space = dataclasses.replace(space, file=space.file.model_copy(update={"sampler": named}))
    plan = make_plan(space, writer.study.measurements, budget, writer.place)
    if sampler is None or isinstance(sampler, str):
        return plan
    return dataclasses.replace(plan, decision=Decision(sampler, f"sampler: {type(sampler).__name__}, as asked for"))


def _unknown(engine: str, python: str | None) -> None:
    """The version of an engine on devices, which say it themselves."""


def require_trusted(programs: Iterable[str], named_in: Path | None) -> None:
    """Raise InputError where nobody has said that one of ``programs`` may be run."""
    if unknown := untrusted(programs):
        raise InputError(
            f"names a program that would be run: {', '.join(unknown)}",
            path=named_in,
            hint="look at it; dse.trust.trust says that it may be run",
        )


def _write_front(study: Study) -> None:
    with _DRAWING:
        _written(study)


def _written(study: Study) -> None:
    from dse.reports.front import front_report, write_front
    from dse.submission.official_figures import official_figures  # with the rules, which only a validated study needs

    official = official_figures(study)[0] if (study.folder / "validation").is_dir() else {}
    write_front(front_report(study, official))
