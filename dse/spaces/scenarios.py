"""What a space may ask of LoadGen's scenarios: batches that they have, and objectives that they measure.

MLPerf compares results within a scenario. A space may have several of them where all its objectives compare: accuracy,
memory, samples per second; never latencies, which are of queries of another size in each.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from dse_harness.engines import no_batches
from dse_harness.scenarios import LATENCIES, SCENARIOS, samples_per_query, too_large, yields

from dse.packages import engine_named, scenario_named
from dse.spaces.check import places
from dse.spaces.document import Document, Place
from dse.spaces.space import SINGLE_STREAM, Space

EARLY_STOPPING = {"latency_early_stopping_p90_ns": 64, "latency_early_stopping_p99_ns": 662}
"""From how many queries on LoadGen has each of its estimates."""


def check_scenarios(document: Document, space: Space) -> None:
    """Raise SpaceError for a batch that a scenario does not have, and for an objective that it does not measure."""
    if space.file.replay is not None:
        return
    _check_batches(document, space)
    if space.scenarios != (SINGLE_STREAM,):
        _check_figures(document, space)
    for section, name in _figures(space):
        least = EARLY_STOPPING.get(name, 0)
        if space.fidelity.min_query_count < least:
            raise document.error(
                ("fidelity", "explore", "min_query_count"),
                f"found {space.fidelity.min_query_count}, allowed: {least} or more, from which LoadGen has the {name} "
                f"that {section} names",
            )


def _check_batches(document: Document, space: Space) -> None:
    engines = {section.engine: engine_named(section.engine) for section in space.file.runtimes.values()}
    for place, parameter in places(space.tree.roots):
        if parameter.name != "batch_size":
            continue
        for value in parameter.values:
            for name in _scenarios_at(place, space):
                if reason := too_large(name, scenario_named(name), int(value)):
                    raise document.error(place, reason, "write scenario: {Offline: {batch_size: [1, 8, 64]}}")
            reasons = [no_batches(name, engine, int(value)) for name, engine in engines.items()]
            if None not in reasons:
                raise document.error(place, str(reasons[0]))


def _scenarios_at(place: Place, space: Space) -> Sequence[str]:
    """The scenarios that a parameter at ``place`` may meet: the level that it stands below, or all of the space."""
    above = [str(level) for name, level in pairwise(place) if name == "scenario"]
    return above[-1:] or space.scenarios


def _check_figures(document: Document, space: Space) -> None:
    of_scenarios = {name: yields(scenario_named(name)) for name in {*SCENARIOS, *space.scenarios}}
    known = {figure for figures in of_scenarios.values() for figure in figures or ()}
    for section, figure in _figures(space):
        for name in space.scenarios:
            own = of_scenarios[name]
            if own is not None and figure in known and figure not in own:
                raise document.error(
                    (section,),
                    f"found {figure}, which {name} does not have, allowed: {', '.join(own)}, and what every run has",
                    f"write objectives: [accuracy, {'samples_per_second' if 'samples_per_second' in own else own[0]}]",
                )
        if len(space.scenarios) > 1 and (figure in LATENCIES or figure in EARLY_STOPPING):
            sizes = ", ".join(f"{name} {samples_per_query(scenario_named(name)) or 'all'}" for name in space.scenarios)
            raise document.error(
                (section,),
                f"found {figure} in a space of several scenarios, whose queries differ in their samples: {sizes}",
                "explore each in a space of its own, or compare by samples_per_second",
            )


def _figures(space: Space) -> list[tuple[str, str]]:
    """Objectives and the figures of constraints, each with its section."""
    return [
        *(("objectives", objective.name) for objective in space.objectives),
        *(("constraints", constraint.metric.name) for constraint in space.constraints),
    ]
