"""``dse explore`` on devices of several systems: a study for each, at the same time, and the front over all."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import typer

from dse.cli.common_front import show_common_front
from dse.cli.interrupt import INTERRUPTED, Interrupt
from dse.cli.live_systems import LiveSystems
from dse.cli.opened import open_study
from dse.cli.outcome import show_result
from dse.cli.render import next_command, print_error, say
from dse.cli.searching import Asked, Search, prepare
from dse.core.words import counted
from dse.errors import DseError, UsageError
from dse.search.exchange import Exchange, Shares
from dse.search.progress import Progress
from dse.search.together import Check, together
from dse.spaces.load import find_space, load_space
from dse.study import Study
from dse.study.folder import is_study

_Outcome = tuple[Study, Progress]


def explore_each(asked: Asked, systems: Sequence[str]) -> None:
    """Search each of ``systems``, at the same time; then show what came of each, and the front over all.

    A system that fails is told and costs no other one; the exit code is that of the last one that did.
    """
    name = _name(asked)
    say(f"{counted(len(systems), 'system')}: {', '.join(systems)}; a study each, {name}-{systems[0]} and so on")
    if asked.json and asked.dry_run:
        raise UsageError("a plan as JSON is of one system: name it with --system")
    failed: dict[str, DseError] = {}
    with contextlib.redirect_stdout(sys.stderr) if asked.json else contextlib.nullcontext():
        searches = _prepared(asked, name, systems, failed)
        stopped = _searched(asked, searches, failed) if searches else False
    if stopped:
        next_command(asked.command, "goes on where this stopped")
    if not asked.dry_run:
        _show_front_over_all(asked, [f"{name}-{system}" for system in systems])
    if stopped:
        raise typer.Exit(INTERRUPTED)
    if failed:
        raise typer.Exit([failed[system].exit_code for system in systems if system in failed][-1])


def _prepared(asked: Asked, name: str, systems: Sequence[str], failed: dict[str, DseError]) -> dict[str, Search]:
    """The searches that nothing stands in the way of; the others are told, and are ``failed``. None of a plan."""
    found: dict[str, Search] = {}
    for system in systems:
        try:
            search = prepare(replace(asked, system=system, study=f"{name}-{system}", json=False))
        except DseError as error:
            print_error(error)
            failed[system] = error
        else:
            found |= {system: search} if search else {}
    return found


def _searched(asked: Asked, searches: dict[str, Search], failed: dict[str, DseError]) -> bool:
    """Carry out the searches, and show what came of each; whether somebody asked to stop."""
    from dse.fleet.fleet import turns, turns_words

    exchange, ended = Exchange(), dict[str, _Outcome | Exception]()
    order = turns(search.fleet for search in searches.values() if search.fleet)
    for sentence in turns_words(order):
        say(sentence)
    with Interrupt("trial of each system") as interrupt:
        for fleets in order:
            if not interrupt.requested():
                ended |= _at_once({fleet.system: searches[fleet.system] for fleet in fleets}, exchange, interrupt)
        stopped = interrupt.requested()
    for system in searches:
        if system not in ended:
            continue
        say(f"{system}:")
        try:
            if isinstance(outcome := ended[system], Exception):
                raise outcome
            show_result(*outcome, asked.studies, asked.command, as_json=False, interrupted=stopped, several=True)
        except DseError as error:
            print_error(error)
            failed[system] = error
    return stopped


def _at_once(searches: dict[str, Search], exchange: Exchange, interrupt: Interrupt) -> dict[str, _Outcome | Exception]:
    live = LiveSystems({system: search.space.objectives for system, search in searches.items()})

    def searched(system: str, check: Check) -> _Outcome:
        search, part = searches[system], live.part(system)

        def stopped() -> bool:
            check()
            return interrupt.requested()

        with search.writer(part.note) as writer:
            shares = Shares(exchange, search.space, writer)

            def observe(progress: Progress) -> None:
                shares(progress)
                part(progress)

            return writer.study, search.measure(writer, part, stopped, observe)

    with live:
        before, interrupt.say = interrupt.say, live.note
        try:
            return together({system: partial(searched, system) for system in searches})
        finally:
            interrupt.say = before


def _show_front_over_all(asked: Asked, names: Sequence[str]) -> None:
    """Of the studies that have a front, where there are two at least."""
    made = [name for name in names if is_study(asked.studies / name)]
    shown = [name for name in made if open_study(name, asked.studies).analysis.front]
    if len(shown) > 1:
        show_common_front(shown, asked.studies, as_json=asked.json)


def _name(asked: Asked) -> str:
    """What studies are called without their systems."""
    if asked.study is not None:
        return asked.study
    if asked.space is None:
        return asked.model.stem if asked.model is not None else "study"
    return load_space(find_space(asked.space), asked.paths, lambda *_: None).name
