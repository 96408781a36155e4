"""The page of a study claims what the study says, asks nobody for anything, and stands without a script."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import statistics
import sys
import tarfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import dse
from dse.core.metrics import METRICS, objective
from dse.core.pareto import dominates
from dse.errors import MachineError, NothingMeasuredError
from dse.reports.front import front_document, front_report
from dse.reports.page.document import COMPARED, SCHEMA
from dse.reports.page.page import page_text
from dse.study import Study
from tests.recording import RecordedHarness, fails, make_space, run_study
from tests.reports.pages import HOSTILE, make_study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_study(tmp_path_factory.mktemp("page"))


class _Page(HTMLParser):
    """The text of a page by element, its addresses, and the rows of its front."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html, self.rows, self.addresses = html, [], []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "tr" and "data-trial" in given:
            self.rows.append(int(given["data-trial"] or ""))
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action", "data", "srcset")]

    def element(self, pattern: str) -> str:
        found = re.search(pattern, self.html, re.DOTALL)
        assert found, pattern
        return found[1]

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            self.element(r'<script type="application/json" id="dse-data">(.*?)</script>')
        )
        return found


@pytest.fixture(scope="module")
def page(study: Study, tmp_path_factory: pytest.TempPathFactory) -> _Page:
    return _Page(dse.report(study, tmp_path_factory.mktemp("out") / "page.html").read_text(encoding="utf-8"))


def test_the_front_is_that_of_the_study_and_of_its_json(study: Study, page: _Page) -> None:
    points = front_document(front_report(study))["points"]
    assert page.rows == page.data["front"] == [row.trial for row in study.front()] == [p["trial"] for p in points]
    columns = page.data["configurations"]
    for point in points:
        place = columns["trial"].index(point["trial"])
        assert columns["verdict"][place] == "front"
        assert {n: columns["values"][n][place] for n in point["values"]} == point["values"]
        assert {n: [columns["low"][n][place], columns["high"][n][place]] for n in point["intervals"]} == point[
            "intervals"
        ]
        assert columns["represents"][place] == point["represents"]
        assert columns["p_front"][place] == point["p_front"]
        assert columns["standing"][place] == point["standing"]


def test_every_configuration_is_there_with_its_figures_or_the_reason_why_not(study: Study, page: _Page) -> None:
    columns, rows = page.data["configurations"], study.configurations()
    assert columns["trial"] == [row.trial for row in rows]
    assert columns["verdict"] == [row.verdict for row in rows]
    assert {"front", "constraint", "infeasible", "excluded"} <= set(columns["verdict"])
    assert columns["reason"] == [row.reason for row in rows]
    for name, levels in columns["parameters"].items():
        assert levels == [str(row.configuration[name]) for row in rows]
    for name, values in columns["values"].items():
        for row, value in zip(rows, values, strict=True):
            assert value == row.values.get(name) or (row.verdict == "excluded" and value is not None)
    assert page.data["counts"] == study.analysis.counts.document()


def test_what_is_not_compared_is_there_by_its_reason(study: Study, page: _Page) -> None:
    found = {(each["verdict"], each["word"]): each["trials"] for each in page.data["not_compared"]}
    assert set(found) == {
        ("infeasible", "delegate_refused"),
        ("excluded", "starved"),
        ("constraint", "latency_p90_ns <= 3000000 does not hold"),
    }
    rest = [row.trial for row in study.configurations() if row.verdict not in COMPARED]
    assert sorted(itertools.chain.from_iterable(found.values())) == sorted(rest)


def test_the_front_of_two_figures_is_what_nothing_dominates_in_these(page: _Page) -> None:
    columns, directions = page.data["configurations"], {m["name"]: m["direction"] for m in page.data["metrics"]}
    compared = [i for i, verdict in enumerate(columns["verdict"]) if verdict in COMPARED]
    assert len(directions) > 4
    for x, y in itertools.permutations(directions, 2):
        axes = [objective(name, directions[name]) for name in (x, y)]
        costs = {i: [o.cost(columns["values"][o.name][i]) for o in axes] for i in compared}
        expected = [i for i in compared if not any(dominates(costs[j], costs[i]) for j in compared)]
        assert page.data["fronts"][f"{x}|{y}"] == expected


def test_the_sentence_and_the_numbers_are_the_studys(study: Study, page: _Page) -> None:
    front, counts = study.front(), study.analysis.counts
    lead = page.element(r'<p class="lead">(.*?)</p>')
    compared = sum(row.verdict in COMPARED for row in study.configurations())
    compared += sum(row.verdict == "constraint" for row in study.configurations())
    assert lead.startswith(f"{len(front)} of {compared} measured configurations are Pareto-optimal; ")
    best = max(row.values["accuracy"] for row in front)
    near = [row for row in front if row.values["accuracy"] >= best - 0.005]
    fastest = min(near, key=lambda row: row.values["latency_p90_ns"])
    assert f"within 0.5 points of the best accuracy is trial {fastest.trial} (" in lead
    assert METRICS.get("latency_p90_ns").show(fastest.values["latency_p90_ns"]) in lead
    certain = sum(row.standing == "on" for row in front)
    assert f"; {'all' if certain == len(front) else certain or 'none'} of them for certain, at 95 % jointly" in lead
    facts = re.findall(r"<li><b>(.*?)</b> (.*?)</li>", page.html)
    assert len(facts) <= 10
    assert {(str(len(front)), "on the front"), (str(compared), "configurations compared")} <= set(facts)
    assert {(str(counts.trials), "trials"), (str(counts.excluded), "of them excluded")} <= set(facts)
    assert (f"{100 * best:.2f} %", "most accuracy") in facts
    assert (f"{counts.trials - counts.failed} s", "device time") in facts
    for note in (counts.trials_sentence, counts.configurations_sentence):
        assert note in page.html


def test_the_best_within_a_limit_is_the_best_of_all_that_are_compared(study: Study, page: _Page) -> None:
    rows = [row for row in study.configurations() if row.verdict in COMPARED]
    assert page.data["buckets"]
    for bucket in page.data["buckets"]:
        within = [row for row in rows if row.values["latency_p90_ns"] <= bucket["limit"]]
        assert bucket["value"] == max(row.values["accuracy"] for row in within)
        assert bucket["trial"] in [row.trial for row in within if row.values["accuracy"] == bucket["value"]]
        assert float(f"{bucket['limit'] / 1e6:.3g}") in (1, 2, 5)


def test_what_a_parameter_costs_is_the_middle_of_pairs_that_differ_in_it_alone(study: Study, page: _Page) -> None:
    known = {tuple(e.configuration.items()): e.values for e in study.analysis.estimates}
    (found,) = [p for p in page.data["prices"] if (p["parameter"], p["from"], p["to"]) == ("threads", "2", "3")]
    pairs = [
        (values, known[other])
        for key, values in known.items()
        if dict(key)["threads"] == 2 and (other := tuple((n, 3 if n == "threads" else v) for n, v in key)) in known
    ]
    assert found["pairs"] == len(pairs) == 3
    gains = [b["accuracy"] - a["accuracy"] for a, b in pairs]
    assert found["margins"]["accuracy"] == pytest.approx(
        {"median": statistics.median(gains), "least": min(gains), "most": max(gains), "better": 3}
    )
    assert found["margins"]["latency_p90_ns"]["better"] == 0
    assert "better in 3 of 3" in page.html


def test_the_front_grows_until_it_is_the_one_that_is_known(study: Study, page: _Page) -> None:
    grown = page.data["growth"]
    assert grown["share"] == sorted(grown["share"])
    assert grown["share"][-1] == 1
    assert grown["device_s"][-1] == sum(m.response.timing_s.get("total", 0) for m in study.measurements)


def test_loadgens_percentiles_are_those_of_the_run_that_a_row_shows(study: Study, page: _Page) -> None:
    runs = {m.trial: m.response.performance for m in study.measurements}
    latency = page.data["latency"]
    assert latency["trials"] == page.rows
    for trial, curve in zip(latency["trials"], latency["latency_ns"], strict=True):
        assert curve == [*[runs[trial].latency_p50_ns] * 6, runs[trial].latency_max_ns]
    assert set(latency["queries"]) == {500}


def test_device_versions_and_the_way_to_repeat_it_are_told(study: Study, page: _Page) -> None:
    assert page.data["schema"] == SCHEMA
    assert page.data["dse"] == dse.__version__
    assert page.data["versions"] == study.settings.versions
    assert page.data["device"]["versions"]["loadgen"] == ["6.0.17"]
    assert page.data["device"]["excluded"] == {"starved": study.analysis.counts.excluded}
    checks = [m.trial for m in study.measurements if m.phase == "reference" and not m.failed]
    assert [check["trial"] for check in page.data["device"]["drift_checks"]] == checks
    assert "dse.explore(&#39;small_study&#39;, &#39;study&#39;)" in page.html
    citation = page.element(r'<blockquote id="citation">(.*?)</blockquote>')
    assert f"{len(page.rows)} of " in citation
    assert f"dse {dse.__version__}, loadgen 6.0.17" in citation


def test_the_page_asks_nobody_for_anything_and_runs_nothing_that_a_trial_said(page: _Page) -> None:
    assert [address for address in page.addresses if not (address or "").startswith("#")] == []
    assert "default-src 'none'" in page.html
    assert HOSTILE not in page.html
    assert HOSTILE in page.data["configurations"]["reason"][page.data["configurations"]["verdict"].index("infeasible")]


def test_no_path_of_this_machine_is_on_the_page(study: Study, page: _Page) -> None:
    assert str(study.folder.parent) not in page.html


def test_it_is_written_into_the_study_where_no_place_is_named(small_study: Path) -> None:
    study = dse.open_study(small_study)
    front = study.front()
    assert dse.report(study) == small_study / "report.html"
    assert dse.open_study(small_study).front().rows == front.rows


def test_recorded_figures_are_called_so(tmp_path: Path) -> None:
    with tarfile.open(Path(__file__).parents[1] / "earlier" / "tabular.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    study = dse.open_study(tmp_path / "studies" / "tabular")
    page = _Page(dse.report(study).read_text(encoding="utf-8"))
    assert page.rows == [row.trial for row in study.front()]
    assert "<strong>RECORDED</strong> Nothing here was measured" in page.html
    assert page.html.count(">RECORDED<") == 2  # the sentence, and across the page
    assert " measured configurations" not in page.element(r'<p class="lead">(.*?)</p>')
    assert page.data["latency"]["trials"] == []


@dataclasses.dataclass(frozen=True)
class _Rehearsed:
    trial: int
    round: str = "v6.1"
    rehearsal: bool = True
    good: int = 90
    total: int = 100
    values: Any = dataclasses.field(default_factory=lambda: {"accuracy": 0.9})

    def document(self) -> dict[str, Any]:
        return {"round": self.round, "rehearsal": self.rehearsal}


def test_a_rehearsal_is_called_so(study: Study) -> None:
    trial = study.front()[0].trial
    page = _Page(page_text(front_report(study, {trial: _Rehearsed(trial)})))
    assert "<strong>REHEARSAL</strong>" in page.html
    assert page.html.count(">REHEARSAL<") == 2
    assert page.data["official"][str(trial)]["rehearsal"] is True


def test_a_study_in_which_most_runs_starved_says_so(tmp_path: Path) -> None:
    page = _Page(page_text(front_report(make_study(tmp_path, starved=True))))
    assert "<strong>NOT CERTAIN</strong>" in page.html
    assert page.rows == []
    assert set(page.data["configurations"]["verdict"]) == {"excluded", "infeasible"}
    assert any(page.data["configurations"]["values"]["latency_p90_ns"])


@pytest.mark.parametrize("objectives", [["latency_p90_ns"], ["peak_memory_bytes", {"accuracy": "minimize"}]])
def test_any_objectives_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, objectives: list[Any]) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    run_study(tmp_path / "s", make_space(tmp_path, objectives=objectives), trials=2)
    study = Study.read(tmp_path / "s")
    page = _Page(page_text(front_report(study)))
    assert page.rows == [row.trial for row in study.front()]
    assert [o["name"] for o in page.data["objectives"]] == [o.name for o in study.objectives]


def test_a_study_of_failures_alone_has_a_page_and_one_without_trials_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    run_study(tmp_path / "s", make_space(tmp_path), RecordedHarness(fails("crashed")), trials=1)
    study = Study.read(tmp_path / "s")
    page = _Page(page_text(front_report(study)))
    assert page.element(r'<p class="lead">(.*?)</p>').startswith("0 of 0 measured configurations")
    assert page.data["not_compared"][0]["word"] == "crashed"
    with pytest.raises(NothingMeasuredError, match="the study has no trials"):
        dse.report(dataclasses.replace(study, measurements=[]))


def test_without_what_draws_it_says_how_to_get_that(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bokeh", None)
    with pytest.raises(MachineError, match="bokeh is not installed") as raised:
        dse.report(study)
    assert "dse[report]" in (raised.value.hint or "")
