"""What a search will do, and what it did, in words, tables and JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import typer

from dse.cli.interrupt import INTERRUPTED
from dse.cli.options import study_words
from dse.cli.render import by_reason, front_table, next_command, print_json, print_table, stderr, stdout
from dse.cli.report import remarks_of, report_of
from dse.core.analysis import Analysis
from dse.core.budget import Budget
from dse.core.no_front import Cause, why_no_front
from dse.core.words import counted
from dse.durations import show_duration
from dse.errors import DevicesGoneError, NothingMeasuredError
from dse.reports.front import front_document, write_front
from dse.search.devices import gone_words, waiting_words
from dse.search.driver import NO_DEVICE
from dse.search.plan import Plan
from dse.search.progress import Progress
from dse.search.settling import Unsettled
from dse.spaces.space import Space
from dse.study import Study

_DRAWING = ("bokeh", "jinja2")
"""What `dse report` needs, and who installs dse without its extra has not."""


def show_plan(
    plan: Plan, space: Space, folder: Path, *, first: int, as_json: bool, devices: Sequence[str] = ()
) -> None:
    """What a search would measure, and how long that takes; ``first`` is how many configurations a warm start names.

    ``devices`` are where it would be measured; none is this machine.
    """
    if space.downloads:
        stderr().print(f"{counted(len(space.downloads), 'model')} would be downloaded first")
    if as_json:
        print_json(
            {
                "space": space.name,
                "study": str(folder),
                "configurations": plan.configurations,
                "duplicates": plan.duplicates,
                "known": plan.known,
                "trials": plan.trials,
                "first": first,
                "seconds": round(plan.time_s, 1),
                "search_seconds": round(plan.search_s, 1),
                "accuracy_seconds": round(plan.complete_s, 1),
                "guessed": not plan.is_learned,
                "sampler": plan.decision.sampler,
                "reason": plan.decision.reason,
                "devices": list(devices),
            }
        )
        return
    where = f"\n{space.system}: {counted(len(devices), 'device')}: {', '.join(devices)}" if devices else ""
    what = f"{space.name}: {counts(plan)} of them known in {folder}\n{plan.decision.reason}"
    stdout().print(f"{what}\n{plan_line(plan, first)}{where}")


def counts(plan: Plan) -> str:
    """``18 configurations, 6 of them the same experiment as another one, 4``: what there is and what is known."""
    duplicates = f"{plan.duplicates} of them the same experiment as another one, " if plan.duplicates else ""
    return f"{counted(plan.configurations, 'configuration')}, {duplicates}{plan.known}"


def plan_line(plan: Plan, first: int = 0) -> str:
    """What the time goes to: ``about 30 configurations of 2.1 s in 1 min 24 s, then up to 36 s to confirm the front``.

    With a warm start, also how many configurations come ``first``.
    """
    shown, total, at_once = counted(plan.trials, "configuration"), plan.budget.seconds, plan.budget.devices
    each = f" of {plan.trial_s:.1f} s" if plan.trials else ""
    guess = "" if plan.is_learned or not plan.trials else " (a guess from the models' sizes until one is measured)"
    line = f"plan: about {shown}{each} in {show_duration(plan.search_s / at_once)}{guess}"
    on_all = f"the accuracies of the front on all {plan.images} images" if plan.complete_s else ""
    rest = 0.0 if total is None else (total - plan.search_s) / at_once
    if rest >= 1:
        line += f", then up to {show_duration(rest)} to confirm the front"
        line += f"; {on_all} take about {show_duration(plan.complete_s / at_once)} of it" if on_all else ""
    elif on_all:
        line += f", then about {show_duration(plan.complete_s / at_once)} for {on_all}"
    return f"{line}; first the {first} of the warm start" if first else line


def show_result(
    study: Study,
    progress: Progress,
    studies: Path,
    command: str,
    *,
    as_json: bool,
    interrupted: bool,
    several: bool = False,
) -> None:
    """The front, what does not count, what is left, and the next command: ``command`` goes on with the study.

    Of ``several`` searches, what one does next is said once, by whoever shows all.

    Raises NothingMeasuredError without a front, DevicesGoneError where a device was retired, typer.Exit after an
    interrupt.
    """
    report, console = report_of(study), stderr()
    points, analysis = report.points, report.analysis
    write_front(report)
    if as_json:
        print_json(front_document(report))
    elif points:
        print_table(front_table(points, study.objectives, report.title, remarks_of(report)))
    for line in (*_what_was_done(study, progress), *_what_does_not_count(progress, analysis), *report.notes):
        console.print(line)
    if analysis.counts.excluded:
        next_command(f"dse explain {study_words(study.name, studies)} TRIAL", "says why one is excluded")
    if interrupted:
        if several:
            return
        left_s = progress.budget_left_s
        left = f", with {show_duration(left_s)} of its budget left" if 0 < left_s < math.inf else ""
        next_command(command, f"goes on where this stopped{left}")
        raise typer.Exit(INTERRUPTED)
    is_limited = replace(progress.plan.budget, devices=1) != Budget()
    if is_limited and (_unmeasured(progress) or progress.incomplete):
        next_command(f"{command} --more", "goes on, with the same limits counted from then on")
    if gone := gone_words(progress.devices):
        hint = f"see that one is reached, then: {command}" if progress.ended == NO_DEVICE else None
        raise DevicesGoneError(gone, path=study.folder, hint=hint)
    if not points:
        nothing = why_no_front(analysis, study.measurements)
        raise NothingMeasuredError(nothing.sentence, path=study.folder, hint=_HINTS[nothing.cause])
    if not several:
        _look_at(study_words(study.name, studies))


def _look_at(study: str) -> None:
    """What one does with a front: choose, and show it, in a browser by what is installed."""
    next_command(f"dse pick {study}", "picks one of them; --where says what it has to satisfy")
    if all(map(find_spec, _DRAWING)):
        next_command(f"dse report {study}", "writes it as a page for a browser")
    else:
        next_command(f"dse dashboard {study}", "looks at every trial in a browser")


def _what_was_done(study: Study, progress: Progress) -> list[str]:
    """This run in numbers that add up, and what is left."""
    trials = progress.done + progress.repeats
    ran = f"{counted(progress.done, 'new configuration')} and {counted(progress.repeats, 'repeat')}"
    ended = f"; {progress.ended}" if progress.ended else ""
    lines = [
        f"this run: {counted(trials, 'trial')} ({ran}) in {show_duration(progress.elapsed_s)}{ended}; "
        f"study: {study.folder}"
    ]
    total = progress.known + _unmeasured(progress)
    if _unmeasured(progress):
        lines.append(f"{_unmeasured(progress)} of {counted(total, 'configuration')} are not measured")
    if progress.incomplete:
        points = counted(len(progress.incomplete), "accuracy")
        seconds = show_duration(sum(progress.incomplete))
        lines.append(
            f"{points} of the front {'is' if len(progress.incomplete) == 1 else 'are'} counted on a part of the "
            f"{study.accuracy_images} images: the rest takes about {seconds}"
        )
    return lines + unsettled_lines(progress.unsettled)


def unsettled_lines(left: Unsettled) -> list[str]:
    """How many configurations are neither certainly on the front nor certainly off it, and what it takes to tell."""
    if not left.plausible:
        return []
    line = f"{counted(left.plausible, 'configuration')} may be on the front or off it, at 95 %"
    if left.plausible > left.hopeless:
        which = f" of {left.plausible - left.hopeless} of them" if left.hopeless else ""
        line += f": to tell{which} takes about {show_duration(left.seconds)} more"
    if left.hopeless:
        line += f"; {left.hopeless} {'is' if left.hopeless == 1 else 'are'} too close to others to be told here"
    return [line]


def _unmeasured(progress: Progress) -> int:
    return max(0, progress.plan.unknown - progress.done)


def _what_does_not_count(progress: Progress, analysis: Analysis) -> list[str]:
    """Why trials failed, what disturbs all of them, and what was not shared."""
    lines = [by_reason("failed", progress.failures)] if progress.failures else []
    if analysis.exclusions.disturbance:
        lines.append(analysis.exclusions.disturbance)
    lines += waiting_words(progress.devices)
    if analysis.differing:
        trial, other = next(iter(analysis.differing.items()))
        lines.append(
            f"{counted(len(analysis.differing), 'trial')} answered otherwise than the same model with other threads "
            f"or buffers, e.g. {trial} and {other}: the accuracy of each was measured"
        )
    return lines


_HINTS: Mapping[Cause, str] = {
    "excluded": "mend that, and search on, with --more where a limit is reached",
    "constraints": "loosen it, or search on",
    "failed": "dse doctor",
    "unmeasured": "give the search more --timeout or --trials",
}
