"""A space whose figures are those of a tabular benchmark: nothing is run, and every configuration is looked up."""

from __future__ import annotations

from pathlib import Path

from dse.core.metrics import METRICS, objective, parse_constraint
from dse.data_sets import DataSet
from dse.errors import Remedy, ResultsError
from dse.spaces.document import Document
from dse.spaces.format import MEASURED_BY, ExploreSection, FidelitySection, SpaceFile
from dse.spaces.places import named_in
from dse.spaces.space import Space
from dse.spaces.tree import read_tree
from dse.tabular.backend import TabularBackend
from dse.tabular.columns import GOOD, LATENCIES, TOTAL
from dse.tabular.source import TabularSource
from dse.tabular.table import TabularBenchmark, read_table


def check_one_way(document: Document) -> None:
    """Raise SpaceError where the space says how to measure and where it is recorded."""
    given = [section for section in MEASURED_BY if section in document.content]
    if document.content.get("replay") is not None and given:
        raise document.error(
            (given[0],),
            f"found beside replay in line {document.line(('replay',))}, which stands in its place",
            f"remove replay, or {' and '.join(given)}",
        )


def tabular_space(document: Document, file: SpaceFile, path: Path) -> Space:
    """The space of the table at ``path``. Raises SpaceError and, for the table, ResultsError."""
    with named_in(document, ("replay",)):
        table = read_table(path)
        if not table.images:
            raise ResultsError(
                f"no row has {GOOD} and {TOTAL}",
                path=path,
                remedy=Remedy.REPLAY_TABLE,
            )
    complete = ExploreSection(accuracy_images=table.images[0])  # each row's accuracy is on so many at least
    space = Space(
        path=document.path,
        file=file.model_copy(
            update={"replay": str(path), "runtimes": {}, "fidelity": FidelitySection(explore=complete)}
        ),
        tree=read_tree(document, file.parameters) if file.parameters else table.tree,
        objectives=tuple(objective(name, direction) for name, direction in file.objectives.items()),
        constraints=tuple(parse_constraint(constraint) for constraint in file.constraints),
        data_set=DataSet(path.stem, path, None, max(table.images), None, table.sha256),
        sources={path.stem: TabularSource(table)},
        runtime_versions={},
        backend=TabularBackend(table),
    )
    _check_metrics(document, space, table)
    for name in space.tree.names:
        if name not in table.tree.names:
            allowed = f"allowed: {', '.join(table.tree.names)}"
            raise document.error(("parameters", name), f"{path.name} does not tell its rows apart by {name}", allowed)
    return space


def _check_metrics(document: Document, space: Space, table: TabularBenchmark) -> None:
    columns = {name for row in table.rows.values() for name in row}
    recorded = ["accuracy", *(f"latency_{name}_ns" for name, column in LATENCIES.items() if column in columns)]
    wanted = [
        *(("objectives", objective.name) for objective in space.objectives),
        *(("constraints", constraint.metric.name) for constraint in space.constraints),
    ]
    for section, metric in wanted:
        if metric not in recorded:
            allowed = [name for name in METRICS if name in recorded]
            raise document.error(
                (section,), f"found {metric}, which {table.path.name} does not record", f"allowed: {', '.join(allowed)}"
            )
