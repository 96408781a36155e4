from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dse.cli import make_app
from dse.errors import DseError, ResultsError, UsageError
from dse.results.importing.importer import import_results
from tests.cli.published import write_tree


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import_results([write_tree(tmp_path / "tree")], tmp_path / "r.duckdb")
    monkeypatch.setenv("DSE_RESULTS_DB", str(tmp_path / "r.duckdb"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "r.duckdb"


def run(*words: str) -> tuple[str, str]:
    """What a command prints on stdout and stderr; an error of dse is raised."""
    result = CliRunner().invoke(make_app(), list(words))
    if isinstance(result.exception, DseError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


def test_from_published_results_to_a_front(database: Path) -> None:
    stdout, stderr = run("space", "from-results", "board.yaml", "--where", "round = 'v6.1'")
    assert stdout == "board.yaml: 4 configurations of 4 results\n"
    assert "next: dse explore --space board.yaml" in stderr
    document = json.loads(run("explore", "--space", "board.yaml", "--json")[0])
    assert [point["values"]["latency_p90_ns"] for point in document["points"]] == [4_000_000, 2_000_000, 1_000_000]
    assert [point["values"]["accuracy"] for point in document["points"]] == [0.6, 0.5, 0.4]
    assert document["recorded_in"] == str(database.with_name("board.csv"))


def test_as_json(database: Path) -> None:
    document = json.loads(run("space", "from-results", "b.yaml", "--name", "image-classification-*", "--json")[0])
    assert document == {"schema": 1, "space": "b.yaml", "table": "b.csv", "configurations": 4, "results": 4}


def test_nothing_is_lost_without_a_word(database: Path) -> None:
    Path("b.csv").write_text("mine")
    with pytest.raises(ResultsError, match=r"b\.csv: is there already"):
        run("space", "from-results", "b.yaml")
    assert not Path("b.yaml").exists()
    run("space", "from-results", "b.yaml", "--force")
    assert Path("b.csv").read_text() != "mine"


@pytest.mark.parametrize(
    ("words", "message"),
    [(("--where", "round = 'v9'"), "no result matches"), (("--scenario", "On"), "no scenario 'On'")],
)
def test_usage_errors(database: Path, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run("space", "from-results", "b.yaml", *words)
