"""``dse results report``: a file, its name, the next command, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.published import write_tree


@pytest.fixture
def database(tmp_path: Path, dse: Any) -> Path:
    path = tmp_path / "r.duckdb"
    assert dse("results", "import", write_tree(tmp_path / "tree"), "--db", path).code == 0
    return path


def test_the_page_is_written_and_named(database: Path, tmp_path: Path, dse: Any) -> None:
    page = tmp_path / "new" / "page.html"
    done = dse("results", "report", "--db", database, "-o", page)
    assert (done.code, done.out.partition(" MB")[0]) == (0, f"{page}: 4 results, {page.stat().st_size / 1e6:.1f}")
    assert f"dse results front --db {database}" in done.err.replace("\n", " ")


def test_json_is_one_object_and_the_rows_are_those_of_dse_results_list(
    database: Path, tmp_path: Path, dse: Any
) -> None:
    words = ("--db", database, "--where", "good >= 500", "--json")
    done = dse("results", "report", "-o", tmp_path / "page.html", *words)
    document = json.loads(done.out)
    assert (done.code, done.err, document["schema"], document["studies"]) == (0, "", 1, [])
    page = Path(document["path"]).read_text(encoding="utf-8")
    assert document["bytes"] == len(page.encode())
    embedded = json.loads(page.partition('id="dse-data">')[2].partition("</script>")[0])
    listed = json.loads(dse("results", "list", *words).out)["results"]
    assert embedded["id"] == [row["id"] for row in listed]
    assert document["results"] == len(listed) == 3


def test_ones_own_study_is_on_the_page(database: Path, small_study: Path, tmp_path: Path, dse: Any) -> None:
    page = tmp_path / "page.html"
    done = dse("results", "report", "--db", database, "-o", page, "--study", small_study, "--json")
    assert json.loads(done.out)["studies"] == [small_study.name]
    assert f"The front of study {small_study.name}" in page.read_text(encoding="utf-8")


def test_without_a_database_a_result_or_a_study_nothing_is_written(database: Path, tmp_path: Path, dse: Any) -> None:
    page = tmp_path / "page.html"
    done = dse("results", "report", "--db", tmp_path / "none.duckdb", "-o", page)
    assert (done.code, done.out) == (3, "")
    assert "no results database" in done.err
    assert "dse results import" in done.err
    done = dse("results", "report", "--db", database, "-o", page, "--where", "good > 1000")
    assert done.code == 2
    assert "no result matches" in done.err
    assert dse("results", "report", "--db", database, "-o", page, "--study", "nowhere").code == 3
    assert not page.exists()
