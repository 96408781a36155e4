"""What is kept of a calibration, and whether the boards of a system may share one study by it.

The file keeps the runs themselves: a study with other objectives, or another indifference, is answered from them anew.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from dse_harness.decode import Instant, Range, decode

from dse.core.calibration import BoardComparison, BoardRun, Corrections, Pair, compare_boards, correction_sentences
from dse.core.configuration import Configuration, Value
from dse.core.indifference import default_indifference
from dse.core.metrics import METRICS, Metric, Objective
from dse.core.words import counted
from dse.errors import InputError, MachineError, Remedy, why
from dse.files import write_json
from dse.reading import MIB, read_json

SCHEMA = 1
_VERSION = re.compile(r"[!-~][ -~]{0,99}")
"""What a board may say: a version is written into studies and commands."""
_MOST_BYTES = 64 * MIB
_MOST_DAYS = 30
"""After so long dust, ageing and whoever moved the boards may have changed them. Chosen."""


@dataclass(frozen=True)
class BoardFacts:
    """What a board was when it was calibrated. ``versions`` are those of its packages; empty is what nobody asked."""

    boot_id: str = ""
    machine: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    governors: tuple[str, ...] = ()


def board_facts(document: Mapping[str, Any]) -> BoardFacts:
    """What a device says of itself (`dse_harness.facts`), with versions named as responses name them."""
    packages, engines = (
        found if isinstance(found := document.get(n), Mapping) else {} for n in ("packages", "engines")
    )
    versions = {
        "python": document.get("python"),
        "kernel": document.get("kernel"),
        "numpy": packages.get("numpy"),
        "loadgen": packages.get("mlcommons-loadgen"),
        **{name: found.get("installed") for name, found in engines.items() if isinstance(found, Mapping)},
    }
    governors = document.get("governors")
    return BoardFacts(
        boot_id=str(document.get("boot_id") or ""),
        machine=str(document.get("machine") or ""),
        versions={n: found for n, found in versions.items() if isinstance(found, str) and _VERSION.fullmatch(found)},
        governors=tuple(map(str, governors)) if isinstance(governors, list) else (),
    )


@dataclass(frozen=True)
class KeptRun:
    """A run that counts: ``configuration`` is its place in the calibration's list, ``values`` are in metrics' units."""

    board: str
    round: Annotated[int, Range(0)]
    configuration: Annotated[int, Range(0)]
    values: dict[str, float]


@dataclass(frozen=True)
class Calibration:
    """Paired runs on the boards of one system. ``unlike`` says what is not a matter of figures, for people."""

    system: str
    measured_utc: Annotated[str, Instant()]
    space: str
    indifference: dict[str, float]
    boards: dict[str, BoardFacts]
    configurations: tuple[dict[str, Value], ...]
    runs: tuple[KeptRun, ...]
    unlike: tuple[str, ...] = ()

    def problem(self) -> str | None:
        """What is wrong among the fields."""
        for run in self.runs:
            if run.board not in self.boards or run.configuration >= len(self.configurations):
                return f"a run of board {run.board!r}, configuration {run.configuration}: neither is listed"
        return None

    @property
    def rounds(self) -> int:
        """How many there were."""
        return len({run.round for run in self.runs})

    def compared(self, limits: Mapping[str, float], boards: Iterable[str] | None = None) -> BoardComparison:
        """What the runs say where a difference within ``limits`` does not matter; see `limits_of`."""
        configurations = [Configuration(each) for each in self.configurations]
        kept = [board for board in self.boards if boards is None or board in set(boards)]
        runs = [
            BoardRun(run.board, run.round, configurations[run.configuration], _scaled(run.values))
            for run in self.runs
            if run.board in kept
        ]
        return compare_boards(runs, kept, limits)

    def out_of_date(self, facts: Mapping[str, BoardFacts], now: datetime) -> list[str]:
        """Why it says nothing of boards that are now as ``facts`` say: a sentence for each reason."""
        said = []
        for board, found in facts.items():
            before = self.boards.get(board)
            if before is None:
                said.append(f"{board} was not among the boards")
                continue
            changed = [
                f"{name} {version} is now {found.versions[name]}"
                for name, version in before.versions.items()
                if found.versions.get(name, version) != version
            ]
            if found.machine and before.machine and found.machine != before.machine:
                changed.append(f"machine {before.machine} is now {found.machine}")
            if found.governors and before.governors and found.governors != before.governors:
                changed.append(f"governor {_listed(before.governors)} is now {_listed(found.governors)}")
            if found.boot_id and before.boot_id and found.boot_id != before.boot_id:
                changed.append("it has started anew since")
            said += [f"{board}: {', '.join(changed)}"] if changed else []
        age = now - datetime.fromisoformat(self.measured_utc)
        if age > timedelta(days=_MOST_DAYS):
            said.append(f"it is {age.days} days old, {_MOST_DAYS} are allowed")
        return said


@dataclass(frozen=True)
class Sharing:
    """That boards share a study: what their figures are divided by (nothing where they are the same), and how it is
    said."""

    corrections: Corrections
    sentences: tuple[str, ...]


def sharing(
    calibration: Calibration | None,
    system: str,
    facts: Mapping[str, BoardFacts],
    limits: Mapping[str, float],
    *,
    correct: bool,
    now: datetime,
) -> Sharing:
    """How the boards of ``facts`` share one study, whose ``limits`` say what does not matter.

    With ``correct`` a known ratio is corrected for. Raises MachineError, with the figures, where they may not.
    """
    if len(facts) < 2:
        return Sharing({}, ())
    boards = ", ".join(facts)
    details = {"boards": " ".join(facts)}
    if calibration is None:
        raise MachineError(
            f"{boards} of {system} share one study only after they were shown to be the same; they were not calibrated",
            remedy=Remedy.CALIBRATE,
            details=details,
        )
    if reasons := calibration.out_of_date(facts, now):
        raise MachineError(
            f"the calibration of {system} of {calibration.measured_utc[:10]} is out of date: {'; '.join(reasons)}",
            remedy=Remedy.CALIBRATE,
            details=details,
        )
    found = calibration.compared(limits, facts)
    said = [*calibration.unlike, *comparison_sentences(found)]
    if calibration.unlike or found.verdict in ("different", "undecided"):
        raise MachineError(
            f"{boards} of {system} are not shown to be the same: {'; '.join(said)}",
            remedy=Remedy.OTHER_BOARDS,
            details=details,
        )
    if found.verdict == "same":
        return Sharing({}, tuple(said))
    if not correct:
        raise MachineError(
            f"{boards} of {system} differ by a ratio: {'; '.join(said)}",
            remedy=Remedy.CORRECT_RATIO,
            details=details,
        )
    corrections = corrections_of(found)
    return Sharing(corrections, (*said, *correction_sentences(corrections)))


def corrections_of(found: BoardComparison) -> Corrections:
    """What each board's figures are divided by, in the metrics in which some board differs by a ratio."""
    corrected = [name for name in found.metrics if found.of(metric=name).verdict == "ratio"]
    return {
        board: ratios
        for board in found.boards[1:]
        if (ratios := {m: math.exp(p.margin) for m in corrected if (p := found.against_first(board, m))})
    }


def limits_of(metrics: Iterable[Metric], indifference: Mapping[str, float]) -> dict[str, float]:
    """What does not matter, on the scaled axis; of metrics that are compared by ratio.

    An accuracy is no matter of the board as long as it answers alike.
    """
    named = {metric.name: metric for metric in metrics if metric.scale == "ratio"}
    default = default_indifference([Objective(metric, metric.direction) for metric in named.values()])
    return {name: math.log1p(indifference.get(name, default[name])) for name in named}


def comparison_sentences(found: BoardComparison) -> list[str]:
    """A sentence for each board and metric: ``pi2 against pi1: p90 latency +5.1 % ±0.8 % (...), a known ratio``."""
    return [pair_sentence(pair) for pair in found.pairs if pair.one == found.boards[0] or pair.verdict != "same"]


def pair_sentence(pair: Pair) -> str:
    """The figures of a pair, and what follows from them."""
    metric, widest = METRICS.get(pair.metric), pair.widest
    verdict = {
        "same": "the same",
        "ratio": "a known ratio",
        "different": "not the same, and not by one ratio",
        "undecided": "not shown to be the same",
    }[pair.verdict]
    if widest is None:
        return f"{pair.other} against {pair.one}: {metric.title}: no run counts: {verdict}"
    return (
        f"{pair.other} against {pair.one}: {metric.title} {_change(pair.margin, pair.half)} on average of "
        f"{counted(len(pair.gaps), 'configuration')}, at most {_change(widest.margin, widest.half)} in "
        f"{counted(widest.rounds, 'round')} ({widest.configuration}); {_per_cent(pair.limit)} would not matter: "
        f"{verdict}"
    )


def calibration_path(devices: Path) -> Path:
    """Where the calibrations of a device file are kept: beside it."""
    return devices.with_name(f"{devices.stem}.calibrations.json")


def read_calibrations(path: Path) -> dict[str, Calibration]:
    """The calibrations that are kept there, by system; none where nothing is. Raises InputError."""
    try:
        document = read_json(path, _MOST_BYTES)
        if not isinstance(document, dict) or document.get("schema") != SCHEMA or document["schema"] is True:
            raise ValueError(f"no calibrations of schema {SCHEMA}")
        found: dict[str, Calibration] = decode(dict[str, Calibration], document.get("systems"), "systems")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot be read: {why(error)}", path=path, hint="move it away, and calibrate again"
        ) from error
    return found


def keep_calibration(path: Path, calibration: Calibration) -> None:
    """Keep it there in place of the one of the same system. Raises InputError, OSError."""
    found = {**read_calibrations(path), calibration.system: calibration}
    systems: dict[str, Any] = {name: asdict(each) for name, each in found.items()}
    write_json(path, {"schema": SCHEMA, "systems": systems})


def comparison_document(found: BoardComparison) -> dict[str, Any]:
    """The verdicts with their figures, as JSON: ratios as such, an interval's ends None where nothing is known."""
    return {
        "verdict": found.verdict,
        "boards": list(found.boards),
        "pairs": [
            {
                "one": pair.one,
                "other": pair.other,
                "metric": pair.metric,
                "verdict": pair.verdict,
                "indifference": math.expm1(pair.limit),
                **_ratio_document(pair.margin, pair.half),
                "configurations": [
                    {
                        "config": dict(gap.configuration),
                        "rounds": gap.rounds,
                        "outliers": gap.outliers,
                        **_ratio_document(gap.margin, gap.half),
                    }
                    for gap in pair.gaps
                ],
            }
            for pair in found.pairs
        ],
    }


def _ratio_document(margin: float, half: float) -> dict[str, float | None]:
    known = math.isfinite(half)
    return {
        "ratio": math.exp(margin),
        "ratio_low": math.exp(margin - half) if known else None,
        "ratio_high": math.exp(margin + half) if known else None,
    }


def _scaled(values: Mapping[str, float]) -> dict[str, float]:
    return {name: METRICS.get(name).scaled(value) for name, value in values.items() if name in METRICS}


def _change(margin: float, half: float) -> str:
    off = f" ±{_per_cent(half)}" if math.isfinite(half) else ", nobody knows how sure"
    return f"{100 * math.expm1(margin):+.1f} %{off}"


def _per_cent(scaled: float) -> str:
    return f"{100 * math.expm1(scaled):.1f} %"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(words))
