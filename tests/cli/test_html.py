"""``dse report``: a file, its name, and the next command."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from dse.study import Study
from tests.fuzz.bases import table_rows, write_table


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


def test_the_command_on_the_page_is_the_one_that_was_typed_and_searches_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dse: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "table.csv", table_rows())
    (tmp_path / "recorded.yaml").write_text(
        "schema: 1\nname: recorded\nreplay: table.csv\nobjectives: [accuracy, latency_p90_ns]\n"
    )
    words = ["explore", "--space", "recorded.yaml", "--trials", "3", "--seed", "7"]
    for more in ([], [], ["--more"]):
        assert dse(*words, *more).code == 0
    page = Path(json.loads(dse("report", "recorded", "--json").out)["path"]).read_text(encoding="utf-8")
    lines = page.partition('<pre id="repeat"><code>')[2].partition("</code>")[0].splitlines()
    assert [shlex.split(line, comments=True) for line in lines] == [["dse", *words], ["dse", *words, "--more"]]
    assert lines[0].endswith("# 2 times")
    assert dse(*words, "--studies", "others").code == 0
    first, again = (Study.read(tmp_path / folder / "recorded") for folder in ("studies", "others"))
    assert [m.configuration for m in again.measurements] == [m.configuration for m in first.measurements][:3]


def test_a_study_that_does_not_say_what_started_it_says_so(small_study: Path, dse: Any) -> None:
    page = Path(json.loads(dse("report", small_study, "--json").out)["path"]).read_text(encoding="utf-8")
    assert "this comes near" in page
    assert "dse.explore(&#39;small_study&#39;, &#39;small_study&#39;)" in page


def test_what_is_no_study_is_refused(tmp_path: Path, dse: Any) -> None:
    done = dse("report", tmp_path)
    assert (done.code, done.out) == (3, "")
    assert "no study is here" in done.err
