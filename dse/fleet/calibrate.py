"""Whether the boards of a system are the same: the same configurations on all of them, round by round.

All boards run a configuration at the same time, so that a round's runs are pairs; or, where boards share a machine, one
after the other, each round beginning with another board. Whoever is sure stops early.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from dse_harness.protocol import Request, Response

from dse.core.calibration import LOOKS, BoardComparison
from dse.core.configuration import Configuration
from dse.core.exclusions import find_exclusions
from dse.core.measurement import Measurement
from dse.core.metrics import Metric
from dse.core.noise import SETTINGS
from dse.core.words import counted
from dse.errors import DeviceLostError, MachineError, NothingMeasuredError, UsageError
from dse.fleet.calibration import BoardFacts, Calibration, KeptRun, limits_of
from dse.paths import cache_dir
from dse.search.accuracy_runs import FEWEST_IMAGES
from dse.search.pool import Pool, Run
from dse.spaces.space import Space

CONFIGURATIONS = 4
_TRIED = 64
_MOST_EXCLUDED = 0.75
"""Of a board's runs; where more do not count, something is wrong with it that a comparison would hide. A search on the
board leaves the same runs out, and no more of them as slowed."""


@dataclass(frozen=True)
class Progress:
    """So many ``runs`` have ended, in a ``round`` from 1 on; ``compared`` is there after those that were looked at,
    and in its place what ``disturbed`` a board, where hardly any of its runs count."""

    round: int
    runs: int
    compared: BoardComparison | None = None
    disturbed: str = ""


def calibrate(
    system: str,
    pool: Pool,
    space: Space,
    *,
    facts: Mapping[str, BoardFacts] | None = None,
    at_once: bool = True,
    most_rounds: int = LOOKS[-1],
    on_progress: Callable[[Progress], None] = lambda _: None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Calibration:
    """Compare the boards of ``pool`` by some configurations of ``space``, until it is known whether they are alike.

    ``facts`` are what is known of the boards beside what runs say. While more than three of four runs of a board do not
    count, nothing is decided: what disturbs it may pass. Raises UsageError for fewer than two boards, ModelError,
    NothingMeasuredError where no configuration works, MachineError where that is so in the end or a board is lost.
    """
    if len(pool.devices) < 2:
        raise UsageError(f"found {counted(len(pool.devices), 'board')}, two at least are compared")
    looks = [look for look in LOOKS if look <= most_rounds] or [most_rounds]
    calibration = Calibration(
        system,
        now().isoformat(timespec="seconds"),
        space.name,
        dict(space.indifference),
        {board: (facts or {}).get(board, BoardFacts()) for board in pool.devices},
        (),
        (),
    )
    runs = _Runs(space, pool, at_once=at_once)
    limits = limits_of(metrics_of(space), space.indifference)
    for number in range(1, looks[-1] + 1):
        runs.round(number)
        compared, disturbed = None, ""
        if number in looks or runs.unlike:
            disturbed = runs.disturbed()
            if disturbed and (number == looks[-1] or runs.unlike):
                raise MachineError(disturbed, hint="mend that, then calibrate again")
            if not disturbed:
                calibration = runs.taken(calibration)
                compared = calibration.compared(limits)
        on_progress(Progress(number, len(runs.measured), compared, disturbed))
        if compared is not None and (runs.unlike or compared.verdict != "undecided"):
            break
    return calibration


def chosen(space: Space, most: int = _TRIED) -> Iterator[Configuration]:
    """Configurations that differ as much as they can: first in how the harness runs them, then in all else.

    Each brings most levels that none before had; the ends of the space come first.
    """
    tree, chance = space.tree, random.Random(0)
    waiting = dict.fromkeys(tree.corners())
    for _ in range(most):
        waiting[tree.configuration(chance.randrange(tree.size))] = None
    seen: set[tuple[str, object]] = set()

    def new(configuration: Configuration) -> tuple[int, int]:
        levels = [level for level in configuration.items() if level not in seen]
        return sum(name in SETTINGS for name, _ in levels), len(levels)

    left = list(waiting)
    while left:
        best = max(left, key=new)
        left.remove(best)
        seen.update(best.items())
        yield best


def metrics_of(space: Space) -> list[Metric]:
    """What a study of ``space`` is about: objectives and constraints."""
    metrics = (*(o.metric for o in space.objectives), *(c.metric for c in space.constraints))
    return list({metric.name: metric for metric in metrics}.values())


@dataclass(frozen=True)
class _Case:
    """A configuration that works on every board, or on some."""

    configuration: Configuration
    key: str
    request: Request
    python: str | None


class _Runs:
    """The runs so far, and what they say beside figures."""

    def __init__(self, space: Space, pool: Pool, *, at_once: bool) -> None:
        self._space, self._pool, self._at_once, self._boards = space, pool, at_once, tuple(pool.devices)
        self._cases: list[_Case] = []
        self._rounds: dict[int, int] = {}
        self.measured: list[Measurement] = []
        self.unlike: tuple[str, ...] = ()

    def round(self, number: int) -> None:
        """Run every configuration once on every board; in the first round they are found."""
        if number == 1:
            self._find()
            return
        turn = number % len(self._cases)
        for case in (*self._cases[turn:], *self._cases[:turn]):
            self._take(case, number, self._run(case, number))

    def disturbed(self) -> str:
        """Why more runs of a board do not count than may, for people; nothing where enough of each do."""
        found = find_exclusions(self.measured)
        for board in self._boards:
            own = [m for m in self.measured if m.device == board]
            out = [m for m in own if not found.counts(m)]
            if len(out) > _MOST_EXCLUDED * len(own):
                words = sorted({reason.word for m in out for reason in found.reasons[m.trial]})
                return f"{board}: {len(out)} of {counted(len(own), 'run')} do not count: {', '.join(words)}"
        return ""

    def taken(self, calibration: Calibration) -> Calibration:
        """The calibration with the runs that count."""
        found = find_exclusions(self.measured)
        places = {case.configuration: place for place, case in enumerate(self._cases)}
        runs = [
            KeptRun(m.device, self._rounds[m.trial], places[m.configuration], dict(m.values))
            for m in self.measured
            if found.counts(m) and not m.failed
        ]
        return replace(
            calibration,
            boards={board: self._facts(board, facts) for board, facts in calibration.boards.items()},
            configurations=tuple(dict(case.configuration) for case in self._cases),
            runs=tuple(runs),
            unlike=self.unlike,
        )

    def _find(self) -> None:
        said: list[str] = []
        for configuration in islice(chosen(self._space), _TRIED):
            if self._space.unable(configuration):
                continue
            case = self._case(configuration)
            responses = self._run(replace(case, request=replace(case.request, spot_check_images=FEWEST_IMAGES)), 1)
            failed = {board: r.failure for board, r in responses.items() if r.failure}
            if len(failed) == len(responses):
                continue
            self._cases.append(case)
            self._take(case, 1, responses)
            said += [f"{configuration} fails on {board}: {f.message}" for board, f in failed.items() if f]
            said += _unlike(configuration, {b: r for b, r in responses.items() if not r.failure})
            if len(self._cases) == CONFIGURATIONS:
                break
        if not self._cases:
            raise NothingMeasuredError(f"no configuration of {self._space.name} works", path=self._space.path)
        self.unlike = tuple(dict.fromkeys(said))

    def _case(self, configuration: Configuration) -> _Case:
        space = self._space
        model, experiment = (
            space.source(configuration).make(space.variant(configuration)),
            space.experiment(configuration),
        )
        request = experiment.request(
            model_path=model.path,
            model_sha256=model.sha256,
            data_set=space.data_set.spec,
            cache=cache_dir(),
            energy=space.asks_for_energy,
        )
        return _Case(configuration, experiment.key(), request, space.runtime(configuration).python)

    def _run(self, case: _Case, number: int) -> dict[str, Response]:
        boards, turn = self._boards, number % len(self._boards)
        groups = [boards] if self._at_once else [(board,) for board in boards[turn:] + boards[:turn]]
        found: dict[str, Response] = {}
        for group in groups:
            with tempfile.TemporaryDirectory(prefix="dse-calibrate-") as folder:
                for board in group:
                    own = Path(folder, board)
                    own.mkdir()
                    run_number = len(self.measured) + boards.index(board)
                    timeout_s = self._space.fidelity.trial_timeout
                    self._pool.start(Run(board, run_number, case.request, own, timeout_s, case.python))
                found |= self._ended(len(group))
        return {board: found[board] for board in boards}

    def _ended(self, wanted: int) -> dict[str, Response]:
        found: dict[str, Response] = {}
        while len(found) < wanted:
            for ended in self._pool.ended():
                if ended.response is None:
                    hint = "nothing is kept of this calibration: calibrate again when the board is back"
                    raise DeviceLostError(ended.message, device=ended.device, hint=hint)
                found[ended.device] = ended.response
        return found

    def _take(self, case: _Case, number: int, responses: Mapping[str, Response]) -> None:
        for board, response in responses.items():
            trial = len(self.measured)
            self._rounds[trial] = number
            self.measured.append(Measurement(trial, case.configuration, case.key, response, device=board))

    def _facts(self, board: str, known: BoardFacts) -> BoardFacts:
        """What runs say of the board, where nobody asked it."""
        responses = [m.response for m in self.measured if m.device == board]
        versions = {name: version for r in responses for name, version in _versions(r).items()}
        governors = next((tuple(dict.fromkeys(r.device_after.cpu_governors)) for r in responses if r.device_after), ())
        return BoardFacts(
            known.boot_id,
            known.machine or versions.pop("machine", ""),
            {**versions, **known.versions},
            known.governors or governors,
        )


def _unlike(configuration: Configuration, responses: Mapping[str, Response]) -> Iterator[str]:
    """What sets boards apart without a figure: what they answer, and with which versions."""
    (first, one), *others = responses.items()
    for board, other in others:
        if one.spot_check and other.spot_check and one.spot_check != other.spot_check:
            yield f"{board} answers otherwise than {first}: {configuration}"
        ours, theirs = _versions(one), _versions(other)
        if changed := sorted(name for name in ours | theirs if ours.get(name) != theirs.get(name)):
            versions = (f"{name} {theirs.get(name)} instead of {ours.get(name)}" for name in changed)
            yield f"{board} has other versions than {first}: {', '.join(versions)}"


def _versions(response: Response) -> dict[str, str]:
    loadgen = {"loadgen": response.evidence.loadgen_version} if response.evidence else {}
    return {**response.versions, **loadgen}


def planned_runs(space: Space, rounds: Sequence[int] = LOOKS) -> tuple[int, int]:
    """How many runs there are on each board, at least and at most."""
    cases = min(CONFIGURATIONS, space.tree.size)
    return rounds[0] * cases, rounds[-1] * cases
