"""``dse explore``: the main job."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from dse.cli.download import download
from dse.cli.interrupt import INTERRUPTED, Interrupt
from dse.cli.live import LiveProgress
from dse.cli.options import STUDIES, Images, Labels, Models, Studies, study_words, variables
from dse.cli.render import front_table, next_command, print_json, stderr, stdout
from dse.durations import parse_duration, show_duration
from dse.errors import DseError, NothingMeasuredError, UsageError
from dse.harnesses import Harness, SubprocessHarness
from dse.reports.front import front_document, front_title, study_front, study_knowledge, write_front
from dse.search.explore import Budget, Plan, Progress, explore, failures_by_reason, make_plan
from dse.spaces.load import find_space, load_space
from dse.spaces.space import Space
from dse.study import Study, StudyWriter, find_study


def explore_command(
    space: Annotated[str, typer.Option(help="Search space: a YAML file, or the name of one that ships.")],
    study: Annotated[str | None, typer.Option(help="Name of the study. [default: the space's name]")] = None,
    studies: Studies = STUDIES,
    trials: Annotated[int | None, typer.Option(min=1, help="Measure this many configurations at most.")] = None,
    timeout: Annotated[str | None, typer.Option(help="Search for this long at most: 90s, 30m, 2h.")] = None,
    budget: Annotated[str | None, typer.Option(help="Spend this much device time: search, then confirm: 45m.")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at a trial that does not count: throttling, foreign load, drift.")
    ] = False,
    warm_start: Annotated[
        str | None, typer.Option(help="First what was on the front of this study, here or from another device.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, help="Seed of the sampler. [default: the space's]")
    ] = None,
    storage: Annotated[str | None, typer.Option(help="Optuna storage URL. [default: study.db in the folder]")] = None,
    models: Models = None,
    images: Images = None,
    labels: Labels = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be measured, and how long it takes.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the front (or the plan) as JSON.")] = False,
) -> None:
    """Search a space on this machine and print the Pareto front of what was measured.

    The same command goes on where it was stopped or killed. Ctrl-C once ends after the running trial, twice at once.

    Example: dse explore --space mobilenet_v3.yaml --timeout 5m
    """
    loaded = load_space(find_space(space), variables(models, images, labels))
    folder = (studies / (study or loaded.name)).absolute()
    given = any(limit is not None for limit in (trials, timeout, budget))
    limits = Budget(
        time_s=_duration("--timeout", timeout) if timeout is not None else None,
        trials=trials or (None if given else loaded.file.budget.trials),
        device_s=_duration("--budget", budget) if budget is not None else None if given else loaded.file.budget.time,
    )
    if dry_run:
        _show_downloads(loaded)
        known = Study.read(folder).measurements if (folder / "study.yaml").exists() else []
        _show_plan(make_plan(loaded, known, limits), loaded, folder, as_json=json)
        return
    if loaded.downloads:
        if (folder / "study.yaml").exists():
            Study.read(folder)  # what is no study is refused before the downloads, not after
        download(loaded.downloads)
    options = {"seed": loaded.file.seed if seed is None else seed}
    first = [point.configuration for point in study_front(find_study(warm_start, studies))] if warm_start else []
    with StudyWriter(folder, loaded, storage, options) as writer, Interrupt("trial") as interrupt:
        plan = make_plan(loaded, writer.study.measurements, limits)
        console = stderr()
        console.print(
            f"{loaded.name}: {plan.configurations} configurations, {plan.known} known. {plan.decision.reason}\n"
            f"{_plan_line(plan)}"
        )
        with LiveProgress(loaded.objectives) as live:
            interrupt.say = live.note
            progress = explore(
                writer,
                loaded,
                _harness,
                plan,
                options["seed"],
                live,
                interrupt.requested,
                confirm=limits.seconds is not None,
                strict=strict,
                first=first,
            )
        _show_result(writer.study, progress, studies, as_json=json, interrupted=interrupt.requested())


def _harness(python: str | None) -> Harness:
    return SubprocessHarness(python) if python else SubprocessHarness()


def _duration(option: str, source: str) -> float:
    try:
        seconds = parse_duration(source)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None
    if seconds <= 0:
        raise UsageError(f"{option}: found {source!r}, allowed: more than nothing")
    return seconds


def _show_downloads(space: Space) -> None:
    if count := len(space.downloads):
        stderr().print(f"{count} model{'s' if count > 1 else ''} would be downloaded first")


def _show_plan(plan: Plan, space: Space, folder: Path, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "schema": 1,
                "space": space.name,
                "study": str(folder),
                "configurations": plan.configurations,
                "known": plan.known,
                "trials": plan.trials,
                "seconds": round(plan.time_s, 1),
                "sampler": plan.decision.sampler,
                "reason": plan.decision.reason,
            }
        )
        return
    stdout().print(
        f"{space.name}: {plan.configurations} configurations, {plan.known} of them known in {folder}\n"
        f"{plan.decision.reason}\n"
        f"{_plan_line(plan)}"
    )


def _plan_line(plan: Plan) -> str:
    """What the time goes to: ``about 30 configurations of 2.1 s in 1 min 24 s, then 36 s to confirm the front``."""
    searched, total = plan.search_s, plan.budget.seconds
    if searched is None or total is None:
        return f"plan: about {plan.trials} configurations of {plan.trial_s:.1f} s in {show_duration(plan.time_s)}"
    count = min(plan.trials, max(1, int(searched / plan.trial_s)))
    confirm = f", then {show_duration(total - searched)} to confirm the front" if total > searched else ""
    return f"plan: about {count} configurations of {plan.trial_s:.1f} s in {show_duration(searched)}{confirm}"


def _show_result(study: Study, progress: Progress, studies: Path, *, as_json: bool, interrupted: bool) -> None:
    points, console = progress.front, stderr()
    write_front(study, points)
    failures = failures_by_reason(study.measurements)
    if failures:
        console.print("failed: " + ", ".join(f"{count} {reason}" for reason, count in failures.items()))
    if as_json:
        print_json(front_document(study, points))
    elif points:
        stdout().print(front_table(points, study.objectives, front_title(study, points)))
    repeats = f" and {progress.repeats} repeats" if progress.repeats else ""
    ended = f"; {progress.ended}" if progress.ended else ""
    console.print(
        f"{progress.done} trials{repeats} in {show_duration(progress.elapsed_s)}{ended}; study: {study.folder}"
    )
    reasons = study_knowledge(study).judgement.reasons
    if reasons:
        counts = Counter(reason.word for found in reasons.values() for reason in found)
        shown = ", ".join(f"{count} {word}" for word, count in counts.most_common())
        console.print(f"{len(reasons)} trials do not count ({shown})")
        next_command(f"dse explain {study_words(study.name, studies)} TRIAL", "says why one does not count")
    if interrupted:
        next_command("the same command", "goes on where this stopped")
        raise typer.Exit(INTERRUPTED)
    if not points:
        raise _nothing(study)
    next_command(f"dse dashboard {study_words(study.name, studies)}", "looks at every trial")


def _nothing(study: Study) -> DseError:
    """Why there is no front."""
    reasons = sorted(m.response.failure.message for m in study.measurements if m.response.failure)
    if len(reasons) < len(study.measurements):
        constraints = " and ".join(map(str, study.constraints)) or "the objectives"
        return NothingMeasuredError(
            f"no measurement satisfies {constraints}", path=study.folder, hint="loosen it, or search on"
        )
    if reasons:
        return NothingMeasuredError(
            f"nothing could be measured: all of {len(reasons)} trials failed, e.g.: {reasons[0]}",
            path=study.folder,
            hint="dse doctor",
        )
    return NothingMeasuredError(
        "nothing was measured", path=study.folder, hint="give the search more --timeout or --trials"
    )
