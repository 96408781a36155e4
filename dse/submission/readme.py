"""The texts of a tree: how each result was made, with the commands that make it again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

import yaml
from dse_harness.protocol import Evidence, Request, Response

from dse.address import without_secret
from dse.packages import engine_named
from dse.plain_yaml import parse_yaml
from dse.submission.detail_log import DetailLog
from dse.submission.log_keys import LogKeys
from dse.submission.point import ValidatedPoint
from dse.submission.rounds import MAX_UPLOAD_FILE_BYTES, Round, Scenario

_OTHERS = {"numpy": "numpy", "opencv": "opencv-python-headless"}
"""What the harness calls a package, and its name on PyPI."""
HARNESSES = ("dse_harness", "harness")
"""What the harness's folder in a tree is called: now, and in one that dse 0.1.0 wrote."""
_HEADLINES: Mapping[Scenario, tuple[str, str]] = {
    "SingleStream": ("p90", "p90 latency"),
    "MultiStream": ("p99", "p99 latency of a query"),
}
_EXPLORED = "p90 latency when it was explored"
_SESSIONS = "sessions in which it was explored"
_BOARD = "board that both runs were on"
REHEARSAL_LINES = """
**A REHEARSAL: runs shorter than the rules want. Not a result, never to be submitted.**
"""


def result_readme(point: ValidatedPoint, scenario: str, system: str, round_: Round, harness: str = HARNESSES[0]) -> str:
    """README.md beside user.conf: what ran, and the exact commands. Needs complete responses in ``point``.

    ``harness`` is the one of `HARNESSES` that the tree has.
    """
    performance, accuracy = point.performance.response, point.accuracy.response
    evidence = performance.evidence
    if evidence is None or accuracy.accuracy is None:
        raise ValueError(f"{point.name}: a run without figures")
    measured = {
        "top-1": top_1(accuracy.accuracy.good, accuracy.accuracy.total),
        **figure_rows(point.scenario, figures_in(performance)),
        "model, SHA-256": evidence.model_sha256,
    }
    if point.p90_ratio is not None:
        before_ms = point.explored["latency_p90_ns"] / 1e6
        measured[_EXPLORED] = f"{before_ms:.6f} ms, of which the official one is {point.p90_ratio:.2f} times"
    if point.explored_sessions is not None:
        measured[_SESSIONS] = str(point.explored_sessions)
    if point.device:
        measured[_BOARD] = f"{point.device}, one of {point.system}" if point.system else point.device
    rows = "\n".join(row(name, value) for name, value in measured.items())
    python = ".".join(performance.versions.get("python", "3.11").split(".")[:2])
    configuration = "\n".join(row(name, value) for name, value in point.configuration.items())
    derived = (
        ""
        if scenario == point.scenario
        else f"\nThe {scenario} result is derived from the {point.scenario} logs, "
        "as the rules allow for edge systems.\n"
    )
    return f"""# {point.name}, {scenario}, on {system}

MLPerf Inference {round_.name}, open division, image classification. {measured_with(evidence.loadgen_version)}
{derived}{REHEARSAL_LINES if point.rehearsal else ""}
| | |
| --- | --- |
{rows}
| runtime | {evidence.runtime} {evidence.runtime_version}, delegate {evidence.delegate} |
| data set, SHA-256 | {point.performance.request.data_set.name}, {evidence.data_set_sha256} |
| preprocessing, SHA-256 | {evidence.preprocessing_sha256} |

The configuration that ran:

| parameter | value |
| --- | --- |
{configuration}

## The commands

In the folder `{round_.source}/` of this submission, with Python {python}:

```
{_install(evidence, performance.versions)}
python -m {harness} run {point.name}/performance/request.json
python -m {harness} run {point.name}/accuracy/request.json
```

Before, write the place of the data set into `data_set.path` (and `labels`) of both requests. Each run is a process of
its own with the settings in `{point.name}/user.conf`; its figures, or why there are none, are in `response.json` beside
its request, and LoadGen's logs in the folder there.
"""


def figures_in(response: Response) -> dict[str, float | None]:
    """What `figure_rows` takes, from a response of a performance run. Raises ValueError where it has no figures."""
    found = {name: metric.value for name, metric in response.metrics.items()}
    performance = response.performance
    if performance is None and "samples_per_second" not in found:
        raise ValueError("a run without figures")
    return {**found, **({"query_count": performance.query_count} if performance else {})}


def figures_logged(log: DetailLog, keys: LogKeys) -> dict[str, float | None]:
    """The same from LoadGen's detail log."""
    named = {**keys.performance, **keys.metrics, "latency_early_stopping_p90_ns": "early_stopping_latency_ss"}
    return {name: log.number(key) for name, key in named.items()}


def figure_rows(scenario: Scenario, figures: Mapping[str, float | None]) -> dict[str, str]:
    """What a result's README.md says of LoadGen's figures, by the first cell of each row."""
    if scenario == "Offline":
        rate, samples = figures.get("samples_per_second"), figures.get("samples")
        if rate is None or samples is None:
            return {}
        return {
            "samples per second": f"{rate:.10g} over {samples:.0f} samples"
        }  # a log has 112326, a response 112326.0
    share, title = _HEADLINES[scenario]
    latency_ns, queries = figures.get(f"latency_{share}_ns"), figures.get("query_count")
    if latency_ns is None or queries is None:
        return {}
    estimate_ns = figures.get(f"latency_early_stopping_{share}_ns")
    return {
        title: f"{latency_ns / 1e6:.6f} ms over {queries:.0f} queries",
        "its early-stopping estimate": f"{estimate_ns / 1e6:.6f} ms" if estimate_ns else "none: too few queries",
    }


def top_1(good: int, total: int) -> str:
    """The accuracy, as a result's README.md says it."""
    return f"{good} of {total} images"


def row(name: str, value: object) -> str:
    """A row of a README.md's tables."""
    return f"| {name} | {value} |"


def measured_with(loadgen_version: str) -> str:
    """The sentence of a result's README.md about LoadGen."""
    return f"Measured with LoadGen {loadgen_version}."


def source_readme(points: list[ValidatedPoint]) -> str:
    """README.md of the code folder."""
    names = "\n".join(
        f"- `{point.name}/`: requests, user.conf and {'the' if fits_upload(point.model) else 'no'} model file"
        for point in points
    )
    return f"""# What is needed to repeat the runs

- `dse_harness/`: the system under test: LoadGen, the runtime, preprocessing, accuracy
{names}

A model file of more than 50 MiB cannot be uploaded; each result's README.md has its SHA-256 and the commands.
"""


def fits_upload(model: Path) -> bool:
    """Whether MLCommons' upload takes a file of that size."""
    return model.stat().st_size <= MAX_UPLOAD_FILE_BYTES


def portable_request(request: Request, model_name: str) -> str:
    """A request without the paths of the machine that it ran on, as JSON: model and user.conf lie one folder up."""
    document: dict[str, Any] = dataclasses.asdict(request)
    document["model_path"] = f"../{model_name}"
    document["cache_dir"] = "../cache"
    for name in ("path", "labels"):
        if document["data_set"][name]:
            document["data_set"][name] = f"../{document['data_set'][name].rpartition('/')[2]}"
    for run in ("performance", "accuracy"):
        if document[run]:
            document[run]["user_conf"] = "../user.conf"
    return json.dumps(document, indent=2) + "\n"


def portable_study(study: str) -> str:
    """study.yaml without the paths of the machine, and without what may be a secret in addresses and the storage."""
    document = {**_without_paths(parse_yaml(study)), "storage": None}
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _without_paths(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_paths(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_paths(item) for item in value]
    if not isinstance(value, str):
        return value
    return PurePath(value).name if value.startswith("/") else without_secret(value)


def _install(evidence: Evidence, versions: dict[str, str]) -> str:
    loadgen = f"mlcommons-loadgen=={evidence.loadgen_version.partition(' ')[0]}"
    return f"pip install {' '.join([loadgen, *pins(evidence, versions)])}"


def pins(evidence: Evidence, versions: Mapping[str, str]) -> list[str]:
    """The engine and what reads images, in the versions that ran, as pip's requirements."""
    engine, *others = engine_named(evidence.runtime).packages
    return [
        f"{engine}=={evidence.runtime_version}",
        *others,
        *(f"{package}=={versions[name]}" for name, package in _OTHERS.items() if name in versions),
    ]
