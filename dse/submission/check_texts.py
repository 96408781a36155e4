"""What a tree says in words of a point (README.md, measurements, requests) against the official runs in the study."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dse.errors import why
from dse.reading import MIB, parse_json, read_json, read_text
from dse.submission.findings import Finding, finding
from dse.submission.point import ValidatedPoint
from dse.submission.readme import HARNESSES, portable_request, result_readme
from dse.submission.rounds import Round

_FACTS = ("| ", "pip install ", "python -m ")
"""How the lines of a README.md begin that say what ran, and how to run it again."""
_CLAIMS = ("retraining", "starting_weights_filename", "weight_transformations")


def check_readme(
    root: Path, path: Path, point: ValidatedPoint, scenario: str, system: str, round_: Round, code: Path
) -> Iterator[Finding]:
    """What README.md says that the official runs of ``point`` do not; findings name files from ``root`` on.

    ``code`` is the folder of the tree that has the harness: the commands name it as it is called there.
    """
    harness = next((name for name in HARNESSES if (code / name).is_dir()), HARNESSES[0])
    try:
        found, expected = _facts(read_text(path, MIB)), _facts(result_readme(point, scenario, system, round_, harness))
    except (OSError, ValueError):
        return  # run-file-missing and check_evidence say so
    wrong, missing = list((found - expected).elements()), list((expected - found).elements())
    for number in range(max(len(wrong), len(missing))):
        said = wrong[number] if number < len(wrong) else "no such line"
        allowed = missing[number] if number < len(missing) else "no line that dse did not write"
        yield finding(path.relative_to(root), "readme-figures", said[:200], allowed=allowed)


def check_measurements_claims(root: Path, path: Path, point: ValidatedPoint) -> Iterator[Finding]:
    """What the measurements say of the weights that the study did not."""
    try:
        document = read_json(path, MIB)
    except (OSError, ValueError):
        return  # measurements says so
    for name in _CLAIMS:
        said, expected = document.get(name) if isinstance(document, dict) else None, getattr(point.origin, name)
        if said != expected:
            yield finding(path.relative_to(root), "model-types", f"{name} {str(said)[:200]}", allowed=str(expected))


def check_requests(root: Path, source: Path, point: ValidatedPoint) -> Iterator[Finding]:
    """What the requests in the code folder ask for that was not what ran."""
    for name, run in (("performance", point.performance), ("accuracy", point.accuracy)):
        path = source / name / "request.json"
        place = path.relative_to(root)
        try:
            found: Any = read_json(path, MIB)
        except (OSError, ValueError) as error:
            yield finding(place, "configuration", f"cannot be read: {why(error)}", allowed="the request that ran")
            continue
        expected = parse_json(portable_request(run.request, f"{point.name}{Path(run.request.model_path).suffix}"))
        for key, said, asked in _differences("", found, expected):
            yield finding(place, "configuration", f"{key} {said}"[:200], allowed=f"{asked}, which ran"[:200])


def _facts(text: str) -> Counter[str]:
    return Counter(line for line in text.splitlines() if line.startswith(_FACTS))


def _differences(key: str, found: Any, expected: Any) -> Iterator[tuple[str, str, str]]:
    """Where two JSON values differ, and how. What a request of another version does not have is no difference."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for name in sorted(set(found) | set(expected)):
            inner = f"{key}.{name}" if key else name
            if name not in expected:
                yield inner, json.dumps(found[name]), "nothing"
            elif name in found:
                yield from _differences(inner, found[name], expected[name])
    elif json.dumps(found) != json.dumps(expected):
        yield key or "all", json.dumps(found), json.dumps(expected)
