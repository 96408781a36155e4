"""``dse explain`` on a recorded study."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from dse.cli import make_app
from dse.errors import UsageError

RUN = CliRunner()


def explained(study: Path, what: str) -> dict[str, object]:
    result = RUN.invoke(make_app(), ["explain", str(study), what, "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert isinstance(document, dict)
    return document


def test_by_trial_and_by_configuration(small_study: Path) -> None:
    found = {number: explained(small_study, str(number)) for number in range(6)}
    assert {"front", "dominated"} == {document["verdict"] for document in found.values()}
    for document in found.values():
        assert explained(small_study, json.dumps(document["config"])) == document
        pairs = document["config"]
        assert isinstance(pairs, dict)
        assert explained(small_study, ",".join(f"{k}={v}" for k, v in pairs.items())) == document
        assert (document["verdict"] == "dominated") == (document["dominated_by"] is not None)


def test_what_is_not_in_the_study_is_a_usage_error(small_study: Path) -> None:
    for what in ("side=7", "99"):
        result = RUN.invoke(make_app(), ["explain", str(small_study), what])
        assert isinstance(result.exception, UsageError)


def test_people_get_sentences(small_study: Path) -> None:
    result = RUN.invoke(make_app(), ["explain", str(small_study), "0"])
    assert result.exit_code == 0
    assert ":" in result.stdout
