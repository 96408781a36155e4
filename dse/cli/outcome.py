"""What a search will do, and what it did, in words, tables and JSON."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import typer

from dse.cli.interrupt import INTERRUPTED
from dse.cli.options import study_words
from dse.cli.render import counted, front_table, next_command, print_json, stderr, stdout
from dse.cli.report import remarks_of, report_of
from dse.durations import show_duration
from dse.errors import DseError, NothingMeasuredError
from dse.reports.front import front_document, write_front
from dse.search.knowledge import Knowledge
from dse.search.plan import Plan, Progress
from dse.spaces.space import Space
from dse.study import Study


def show_plan(plan: Plan, space: Space, folder: Path, *, first: int, as_json: bool) -> None:
    """What a search would measure, and how long that takes; ``first`` is how many configurations a warm start names."""
    if space.downloads:
        stderr().print(f"{counted(len(space.downloads), 'model')} would be downloaded first")
    if as_json:
        print_json(
            {
                "schema": 1,
                "space": space.name,
                "study": str(folder),
                "configurations": plan.configurations,
                "twins": plan.twins,
                "known": plan.known,
                "trials": plan.trials,
                "first": first,
                "seconds": round(plan.time_s, 1),
                "sampler": plan.decision.sampler,
                "reason": plan.decision.reason,
            }
        )
        return
    stdout().print(
        f"{space.name}: {counts(plan)} of them known in {folder}\n{plan.decision.reason}\n{plan_line(plan, first)}"
    )


def counts(plan: Plan) -> str:
    """``18 configurations, 6 of them the same experiment as another one, 4``: what there is and what is known."""
    twins = f"{plan.twins} of them the same experiment as another one, " if plan.twins else ""
    return f"{counted(plan.configurations, 'configuration')}, {twins}{plan.known}"


def plan_line(plan: Plan, first: int = 0) -> str:
    """What the time goes to: ``about 30 configurations of 2.1 s in 1 min 24 s, then up to 36 s to confirm the front``.

    With a warm start, also how many configurations come ``first``.
    """
    searched, total = plan.search_s, plan.budget.seconds
    warm = f"; first the {first} of the warm start" if first else ""
    if searched is None or total is None:
        then = f", then the accuracies of the front on all {plan.images} images" if plan.images and plan.trials else ""
        shown = counted(plan.trials, "configuration")
        return f"plan: about {shown} of {plan.trial_s:.1f} s in {show_duration(plan.time_s)}{then}{warm}"
    count = min(plan.trials, max(1, int(searched / plan.trial_s)))
    confirm = f", then up to {show_duration(total - searched)} to confirm the front" if total > searched else ""
    shown = counted(count, "configuration")
    return f"plan: about {shown} of {plan.trial_s:.1f} s in {show_duration(searched)}{confirm}{warm}"


def show_result(study: Study, progress: Progress, studies: Path, *, as_json: bool, interrupted: bool) -> None:
    """The front, what failed, and the next command.

    Raises NothingMeasuredError without a front, typer.Exit after an interrupt.
    """
    report, console = report_of(study), stderr()
    points, knowledge = report.points, report.knowledge
    write_front(report)
    failures = Counter(m.response.failure.error for m in study.measurements if m.response.failure)
    if failures:
        console.print("failed: " + ", ".join(f"{count} {reason}" for reason, count in failures.most_common()))
    if as_json:
        print_json(front_document(report))
    elif points:
        stdout().print(front_table(points, study.objectives, report.title, remarks_of(report)))
    repeats = f" and {counted(progress.repeats, 'repeat')}" if progress.repeats else ""
    ended = f"; {progress.ended}" if progress.ended else ""
    spent = f"{counted(progress.done, 'trial')}{repeats} in {show_duration(progress.elapsed_s)}"
    console.print(f"{spent}{ended}; study: {study.folder}")
    if knowledge.differing:
        trial, other = next(iter(knowledge.differing.items()))
        console.print(
            f"{counted(len(knowledge.differing), 'trial')} answered otherwise than the same model with other threads "
            f"or buffers, e.g. {trial} and {other}: the accuracy of each was measured"
        )
    if knowledge.judgement.disturbance:
        console.print(knowledge.judgement.disturbance)
    for note in report.notes:
        console.print(note)
    if knowledge.counts.excluded:
        next_command(f"dse explain {study_words(study.name, studies)} TRIAL", "says why one is excluded")
    if interrupted:
        next_command("the same command", "goes on where this stopped")
        raise typer.Exit(INTERRUPTED)
    if not points:
        raise _nothing(study, knowledge)
    next_command(f"dse dashboard {study_words(study.name, studies)}", "looks at every trial")


def _nothing(study: Study, knowledge: Knowledge) -> DseError:
    """Why there is no front."""
    reasons = sorted(m.response.failure.message for m in study.measurements if m.response.failure)
    left_out = [k.trials[-1] for k in knowledge.known if not k.good and not k.trials[-1].failed]
    if left_out and not knowledge.estimates:
        first = knowledge.judgement.reasons[left_out[0].trial][0]
        return NothingMeasuredError(
            f"every trial that worked is excluded, e.g. trial {left_out[0].trial}: {first.sentence}",
            path=study.folder,
            hint="mend that, and run the same command again",
        )
    if len(reasons) < len(study.measurements):
        constraints = " and ".join(map(str, study.constraints)) or "the objectives"
        return NothingMeasuredError(
            f"no measurement satisfies {constraints}", path=study.folder, hint="loosen it, or search on"
        )
    if reasons:
        return NothingMeasuredError(
            f"nothing could be measured: {counted(len(reasons), 'trial')} failed, e.g.: {reasons[0]}",
            path=study.folder,
            hint="dse doctor",
        )
    return NothingMeasuredError(
        "nothing was measured", path=study.folder, hint="give the search more --timeout or --trials"
    )
