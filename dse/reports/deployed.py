"""What it takes to run a picked configuration without dse, in a folder of its own:

model.tflite        the model file (or model.onnx, as its engine reads)
classify.py         runs it with its engine alone: `dse.reports.deployed_program`
requirements.txt    what that needs, in the versions that were measured
settings.json       schema 1: engine, settings, input, what was picked and its figures
README.md           the card: figures, how sure they are, where they were measured, where the model is from
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from dse_harness.protocol import Evidence, Request
from dse_harness.response import ModelInfo

from dse.core.configuration import text
from dse.core.metrics import METRICS
from dse.core.pareto import FrontPoint
from dse.errors import ModelError, StudyError, UsageError, why
from dse.files import sha256_file, write_bytes, write_json, write_text
from dse.packages import engine_named
from dse.reports.deployed_program import program
from dse.reports.front import FrontReport, front_report
from dse.reports.official import official_sentence
from dse.reports.pick import Pick, pick_document, pick_sentence, pick_sentences
from dse.study import Study
from dse.submission.candidate import Candidate
from dse.submission.front import candidate_of
from dse.submission.official_figures import official_figures
from dse.submission.readme import pins, row

SCHEMA = 1
PROGRAM, SETTINGS, CARD, REQUIREMENTS = "classify.py", "settings.json", "README.md", "requirements.txt"


def write_deployment(found: Pick, folder: Path) -> list[Path]:
    """Write the picked configuration into ``folder``, which is made, and say which files.

    Raises UsageError for a folder that has other files, StudyError for what was never measured or does not say what it
    takes to run, ModelError for a model file that is gone, OSError.
    """
    study, point = found.study, found.point
    if table := study.recorded_in:
        raise StudyError(f"the figures are recorded in {table}: there is no model to deploy", path=study.folder)
    _require_room(folder)
    candidate = candidate_of(study, point)
    request, model, evidence = candidate.request, candidate.response.model, candidate.response.evidence
    if model is None or evidence is None:
        raise StudyError("its response does not say what ran", path=study.trial_folder(point.trial))
    source = Path(request.model_path)
    _require_measured(source, request)
    name = f"model{source.suffix}"
    title = f"{candidate.name}, picked from the study {study.name}, trial {point.trial}"
    texts = {
        PROGRAM: program(request, model, title, PROGRAM, name),
        REQUIREMENTS: "".join(f"{pin}\n" for pin in pins(evidence, candidate.response.versions)),
        CARD: _card(found, candidate, model, evidence, name),
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / name, source.read_bytes(), follow=False)
    for file, content in texts.items():
        write_text(folder / file, content, follow=False)
    write_json(folder / SETTINGS, _settings(found, candidate, model, evidence, name), follow=False)
    return [folder / file for file in (name, *texts, SETTINGS)]


def _require_room(folder: Path) -> None:
    """Raises UsageError, unless ``folder`` is new, empty, or an earlier one of these."""
    if folder.is_dir() and (not any(folder.iterdir()) or (folder / SETTINGS).is_file()):
        return
    if folder.exists():
        what = "has files of something else" if folder.is_dir() else "is a file"
        raise UsageError(f"{folder} {what}", argument="out", hint="name a new folder")


def _require_measured(model: Path, request: Request) -> None:
    try:
        same = sha256_file(model) == request.model_sha256
    except OSError as error:
        raise ModelError(f"the model file cannot be read: {why(error)}", path=model) from error
    if not same:
        raise ModelError("is not the file that was measured", path=model, hint="put that one there again")


def _settings(found: Pick, candidate: Candidate, model: ModelInfo, evidence: Evidence, name: str) -> dict[str, Any]:
    """What `settings.json` holds, for programs."""
    accuracy = found.point.accuracy
    return {
        "schema": SCHEMA,
        "model": {
            "file": name,
            "sha256": evidence.model_sha256,
            "bytes": model.file_bytes,
            "from": candidate.origin.starting_weights_filename,
            "licence": candidate.origin.licence,
        },
        "engine": {
            "name": evidence.runtime,
            "version": evidence.runtime_version,
            "delegate": candidate.request.runtime.delegate,
            "threads": candidate.request.runtime.threads,
            "cpu_affinity": candidate.request.runtime.cpu_affinity,
            "options": candidate.request.runtime.options,
        },
        "preprocessing": dataclasses.asdict(candidate.request.preprocessing),
        "input": {name: getattr(model, name) for name in _INPUT},
        "background_class": model.background_class,
        "predictions": None
        if accuracy is None
        else {
            "data_set": candidate.request.data_set.name,
            "data_set_sha256": evidence.data_set_sha256,
            "images": accuracy.total,
            "image_order": accuracy.image_order,
            "sha256": accuracy.predictions_sha256,
        },
        "picked": pick_document(found),
    }


_INPUT = ("input_shape", "input_type", "input_layout", "input_scale", "input_zero_point")


def _card(found: Pick, candidate: Candidate, model: ModelInfo, evidence: Evidence, name: str) -> str:
    """README.md."""
    study, point, origin = found.study, found.point, candidate.origin
    report = front_report(study, official_figures(study)[0])
    engine = engine_named(evidence.runtime).title
    versions = candidate.response.versions
    licence = origin.licence or "not known to dse: ask where the model is from"
    settings = {"engine": f"{engine} {evidence.runtime_version}", **point.configuration}
    settings_rows = "\n".join(
        row(key, value if isinstance(value, str) else text(value)) for key, value in settings.items()
    )
    notes = "".join(f"- {sentence[0].upper()}{sentence[1:]}\n" for sentence in _notes(found, report))
    return f"""# {candidate.name}

{pick_sentence(found)}

| figure | measured | with 95 % probability |
| --- | --- | --- |
{_figures(study, point)}

{notes}
## Run it

```sh
python3 -m venv venv
venv/bin/pip install -r {REQUIREMENTS}
venv/bin/python {PROGRAM} IMAGE ...
```

That was Python {versions.get("python", "3")}. `classify` in `{PROGRAM}` takes an image as an array, and answers as the
model did when it was measured. Nothing of dse is needed.

## Settings

| setting | value |
| --- | --- |
{settings_rows}

`{SETTINGS}` has them for programs, with how images are made the model's input and what its answers come to.

## Where it was measured

{_place(point, candidate, evidence)}

## The model

| | |
| --- | --- |
| file | `{name}`, {model.file_bytes} bytes, SHA-256 `{evidence.model_sha256}` |
| input | {list(model.input_shape)} {model.input_type}, {model.input_layout} |
| output | {list(model.output_shape)} {model.output_type}{", the first is no class" if model.background_class else ""} |
| weights | {origin.starting_weights_filename}; trained anew: {origin.retraining} |
| licence | {licence} |
"""


def _figures(study: Study, point: FrontPoint) -> str:
    named = dict.fromkeys([*(o.name for o in study.objectives), *_ALSO])
    return "\n".join(_figure(name, point) for name in named if name in point.values)


_ALSO = ("latency_p50_ns", "latency_p99_ns", "peak_memory_bytes", "model_bytes")


def _figure(name: str, point: FrontPoint) -> str:
    metric, value = METRICS.get(name), point.values[name]
    counts = point.accuracy if name == "accuracy" else None
    counted = f" ({counts.good} of {counts.total} images)" if counts else ""
    ends = point.intervals.get(name)
    where = "not told" if ends is None else "exact" if len(set(ends)) == 1 else " to ".join(map(metric.show, ends))
    return f"| {metric.title} | {metric.show(value)}{counted} | {where} |"


def _notes(found: Pick, report: FrontReport) -> list[str]:
    """How sure it is, what official runs said, what the next ones cost, and what has to be known of the figures."""
    point = found.point
    sure = (
        "it is on the front, at 95 % together with all other verdicts"
        if point.standing == "on"
        else "whether it is on the front is undecided: others are too close to tell"
        if point.probability is None
        else f"P(front), the probability that it is on the front, is {100 * point.probability:.0f} %"
    )
    runs = (
        f"it was measured {len(point.trials)} times in {point.sessions} sessions"
        if len(point.trials) > 1
        else ("it was measured once: how far its times may be off is known from other configurations only")
    )
    official = report.official_of(point)
    return [
        sure,
        runs,
        *([official_sentence(official, point.values)] if official else []),
        *pick_sentences(found),
        *report.notes,
    ]


def _place(point: FrontPoint, candidate: Candidate, evidence: Evidence) -> str:
    state, versions = point.response.device_before, point.response.versions
    data_set = candidate.request.data_set.name
    when = f" at {state.time_utc}" if state else ""
    machine = ", ".join(filter(None, (versions.get("machine"), f"Linux {versions.get('kernel', '?')}")))
    performance = point.response.performance
    queries = f", {performance.query_count} queries of the trial that is shown" if performance else ""
    return (
        f"On {machine}{when}, with LoadGen {evidence.loadgen_version}{queries}; the accuracy on {data_set}, "
        f"SHA-256 `{evidence.data_set_sha256}`. "
        "Latencies hold on this machine and in its state then, and say little about another."
    )
