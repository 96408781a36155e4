"""A study's front as candidates for official runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from dse_harness.decode import ProtocolError
from dse_harness.protocol import Request, read

from dse.core.origin import ModelOrigin
from dse.core.pareto import FrontPoint
from dse.errors import DseError, InputError, ModelError, Remedy, SubmissionError, UsageError, why
from dse.models.registry import read_section
from dse.spaces.parts import model_of, runtime_of, variant_of
from dse.study import Study
from dse.submission.candidate import Candidate
from dse.submission.located import located
from dse.submission.point import FOLDER


def front_candidates(
    study: Study, trials: Collection[int] = (), python: str | None = None
) -> tuple[list[Candidate], list[DseError]]:
    """The front's points, or those of them that ``trials`` names, run by the interpreter ``python`` if it is given.

    With them what is wrong with those that cannot be run: a request that cannot be read costs its own point. Raises
    SubmissionError, UsageError.
    """
    if table := study.recorded_in:
        raise SubmissionError(
            f"the study's figures are recorded in {table}, not measured: there is no model to run",
            path=study.folder,
            remedy=Remedy.SEARCH_ON_THIS_MACHINE,
        )
    points = study.analysis.front
    if not points:
        details = {"study": str(study.folder)}
        raise SubmissionError("the study has no front", path=study.folder, remedy=study.way_to_a_front, details=details)
    if unknown := sorted(set(trials) - {point.trial for point in points}):
        raise UsageError(
            f"trial {', '.join(map(str, unknown))} is not on the front, allowed: "
            f"{', '.join(str(point.trial) for point in points)}"
        )
    candidates: list[Candidate] = []
    problems: list[DseError] = []
    for point in points:
        if not trials or point.trial in trials:
            try:
                candidates.append(candidate_of(study, point, python))
            except InputError as error:
                problems.append(error)
    return candidates, problems


def candidate_of(study: Study, point: FrontPoint, python: str | None = None) -> Candidate:
    """A point with its request, its files where they lie now, and where its model is from.

    Raises SubmissionError, ModelError.
    """
    folder = study.trial_folder(point.trial)
    try:
        request = read(Request, folder / "request.json")
    except (OSError, ProtocolError) as error:
        raise SubmissionError(f"cannot be read: {why(error)}", path=folder / "request.json") from error
    name = model_of(point.configuration, study.space.models)
    try:
        request = located(request, study.space, point.configuration, study.folder / FOLDER)
        origin = _origin(study.space.models, name, request)
    except ModelError as error:
        error.path = error.path or study.folder / "study.yaml"
        raise
    return Candidate(
        trial=point.trial,
        model=_variant(name, point),
        configuration=dict(point.configuration),
        request=request,
        response=point.response,
        origin=origin,
        images=study.images,
        python=python or _harness_python(study, point),
        explored_values=point.values,
        explored_sessions=point.sessions,
    )


def _harness_python(study: Study, point: FrontPoint) -> str | None:
    """The interpreter that the space names for a point's runtime; None: this one. Raises SubmissionError."""
    runtimes = study.space.runtimes
    name = runtime_of(point.configuration, runtimes)
    if name not in runtimes:
        raise SubmissionError(
            f"found the runtime {name!r}, which the study does not have: {', '.join(map(str, runtimes))}",
            path=study.trial_folder(point.trial) / "trial.json",
            hint=f"explore a space that has it, or move {study.trial_folder(point.trial)} away",
        )
    return runtimes[name].python


def _variant(name: str, point: FrontPoint) -> str:
    parts = [
        value
        if isinstance(value, str)
        else f"{parameter}{repr(value).removesuffix('.0')}"
        if isinstance(value, float)
        else f"{parameter}{value}"
        for parameter, value in variant_of(point.configuration).items()
    ]
    return "-".join([name, *parts])


def _origin(models: Mapping[str, Mapping[str, Any]], name: str, request: Request) -> ModelOrigin:
    """Where the weights of a model come from; a file of a pattern has a name of its own."""
    path = Path(request.model_path)
    return read_section(models[name]).origin(path) if name in models else ModelOrigin(path.name)
