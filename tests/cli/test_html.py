"""``dse report``: a file, its name, and the next command."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any


def test_the_page_is_written_into_the_study_and_named(small_study: Path, dse: Any) -> None:
    done = dse("report", small_study)
    assert done.code == 0
    assert done.out.startswith(f"{small_study / 'report.html'}: ")
    assert f"dse pick {small_study}" in done.err.replace("\n", "")


def test_json_is_one_object_and_the_page_has_the_rows_of_dse_front(small_study: Path, tmp_path: Path, dse: Any) -> None:
    done = dse("report", small_study, "-o", tmp_path / "new" / "page.html", "--json")
    assert (done.code, done.err) == (0, "")
    document = json.loads(done.out)
    page = Path(document["path"]).read_text(encoding="utf-8")
    assert (document["schema"], document["bytes"]) == (1, len(page.encode()))
    front = [p["trial"] for p in json.loads(dse("front", small_study, "--json").out)["points"]]
    places = [page.index(f'<tr data-trial="{trial}">') for trial in front]
    assert places == sorted(places)
    assert page.count("<tr data-trial=") == len(front)


def test_the_command_on_the_page_searches_again(small_study: Path, dse: Any) -> None:
    page = Path(json.loads(dse("report", small_study, "--json").out)["path"]).read_text(encoding="utf-8")
    command = shlex.split(page.partition("<pre><code>")[2].partition("</code>")[0])
    command[command.index("--space") + 1] = str(small_study.with_suffix(".yaml"))
    command[command.index("--study") + 1] = "again"
    done = dse(*command[1:], "--studies", small_study.parent / "other", "--dry-run", "--json")
    assert done.code == 0
    assert json.loads(done.out)["study"].endswith("again")


def test_what_is_no_study_is_refused(tmp_path: Path, dse: Any) -> None:
    done = dse("report", tmp_path)
    assert (done.code, done.out) == (3, "")
    assert "no study is here" in done.err
