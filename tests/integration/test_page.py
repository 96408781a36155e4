"""A study's page in a real browser: it asks nobody, its views are one, its fronts are the study's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import dse
from benchmarks.results_page import fill_database, make_rows
from dse.reports.front import front_document, front_report
from dse.study import Study
from tests.integration.browsing import SIZES, Opened, browser
from tests.recording import RecordedHarness, fails, make_space, run_study
from tests.reports.pages import HOSTILE, make_study

__all__ = ["browser"]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Measured configurations of every verdict, without a clock."""
    return make_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def file(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dse.report(study, tmp_path_factory.mktemp("page") / "report.html")


class _Opened(Opened):
    def source(self, column: str) -> list[Any]:
        return self.column("configurations", column)

    def chosen(self) -> set[int]:
        """The trials that are selected in what scatter, table and lines are drawn from."""
        indices = "Array.from(Bokeh.documents[0].get_model_by_name('configurations').selected.indices)"
        trials = self.source("trial")
        return {trials[index] for index in self.page.evaluate(indices)}

    def front(self) -> set[int]:
        pairs = zip(self.source("trial"), self.source("layer"), strict=True)
        return {trial for trial, layer in pairs if layer == "front"}

    def see(self, chart: str) -> None:
        """Scroll to a chart, which is drawn only then, and wait until it is."""
        self.page.eval_on_selector(f"#chart-{chart}", "found => found.scrollIntoView({ behavior: 'instant' })")
        model = f"Bokeh.documents[0].get_model_by_name('{chart}')"
        self.page.wait_for_function(f"{model} && Bokeh.index.get_by_id({model}.id)")

    def rows(self) -> list[int]:
        found: list[int] = self.page.eval_on_selector_all(
            "#front-table tbody tr", "rows => rows.map((row) => Number(row.dataset.trial))"
        )
        return found


@pytest.fixture
def opened(browser: Any, file: Path) -> Iterator[_Opened]:
    with _Opened(browser, file) as page:
        yield page


def _trials(study: Study) -> list[int]:
    return [point["trial"] for point in front_document(front_report(study))["points"]]


def test_a_real_study_opens_without_a_complaint_and_asks_nobody(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    study = dse.explore("mobilenet_v3", tmp_path / "real", dse.Budget(trials=4), seed=0)
    with _Opened(browser, dse.report(study)) as opened:
        opened.check_quiet()
        assert opened.rows() == _trials(study)
        assert len(opened.source("trial")) == len(study.configurations())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_complains_nothing_is_asked_and_nothing_is_wider_than_the_screen(
    browser: Any, file: Path, size: str, scheme: str
) -> None:
    with _Opened(browser, file, size, color_scheme=scheme) as opened:
        for axis in ("accuracy", "peak_memory_bytes"):
            opened.page.select_option("#axis-x", axis)
        opened.page.click("#theme")
        opened.check_quiet()
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]


def test_what_a_trial_said_is_text(opened: _Opened) -> None:
    assert HOSTILE in opened.page.inner_text("#h-not >> xpath=..")


def test_the_front_is_that_of_dse_front_and_axes_change_it(study: Study, opened: _Opened) -> None:
    assert opened.rows() == _trials(study)
    assert opened.front() == set(_trials(study))
    opened.page.select_option("#axis-x", "model_memory_bytes")
    rows = [row for row in study.configurations() if row.verdict in ("front", "represented", "dominated")]

    def figures(row: Any) -> tuple[float, float]:
        return row.values["model_memory_bytes"], -row.values["accuracy"]

    def beaten(row: Any) -> bool:
        mine = figures(row)
        return any(figures(o) != mine and all(a <= b for a, b in zip(figures(o), mine, strict=True)) for o in rows)

    assert opened.front() == {row.trial for row in rows if not beaten(row)} != set(_trials(study))
    assert opened.page.input_value("#members") == "axes"
    opened.page.select_option("#members", "study")
    assert opened.front() == set(_trials(study))
    opened.page.click("#reset")
    assert opened.page.input_value("#axis-x") == "latency_p90_ns"
    assert opened.front() == set(_trials(study))
    assert opened.complaints == []


def test_an_axis_is_drawn_as_its_scale_says(opened: _Opened) -> None:
    view = "Bokeh.index.get_by_id(Bokeh.documents[0].get_model_by_name('scatter').id)"
    assert opened.page.is_checked("#log-x")
    assert opened.page.evaluate(f"{view}.frame.x_scale.type") == "LogScale"
    assert opened.page.evaluate(f"{view}.frame.y_scale.type") == "LinearScale"
    opened.page.uncheck("#log-x")
    assert opened.page.evaluate(f"{view}.frame.x_scale.type") == "LinearScale"


def test_what_is_chosen_in_one_view_is_chosen_in_all(study: Study, opened: _Opened) -> None:
    first, second = _trials(study)[:2]
    opened.page.click(f"#front-table tr[data-trial='{first}']")
    assert opened.chosen() == {first}
    opened.see("latency")
    curves = "Array.from(Bokeh.documents[0].get_model_by_name('percentiles').selected.indices)"
    assert len(opened.page.evaluate(curves)) == 1
    opened.page.focus(f"#front-table tr[data-trial='{second}'] button")
    opened.page.keyboard.press("Enter")
    assert opened.chosen() == {first, second}
    assert len(opened.page.evaluate(curves)) == 2
    opened.page.keyboard.press("Enter")
    assert opened.chosen() == {first}
    opened.see("table")
    row = opened.page.locator(".slick-row", has=opened.page.locator(".slick-cell", has_text="infeasible")).first
    row.locator(".slick-cell").nth(1).click()
    (chosen,) = opened.chosen()
    assert chosen not in _trials(study)
    assert opened.page.inner_text("#chosen").startswith(f"Trial {chosen}, infeasible")
    assert opened.page.locator("tr.chosen-row").count() == 0


def test_a_line_over_all_parameters_is_chosen_and_coloured_with_the_rest(study: Study, opened: _Opened) -> None:
    lines = "Bokeh.documents[0].get_model_by_name('lines')"
    opened.see("parallel")
    assert opened.page.evaluate(f"{lines}.data.trial") == opened.source("trial")
    place = opened.source("trial").index(_trials(study)[0])
    opened.page.evaluate(f"{lines}.selected.indices = [{place}]")
    assert opened.chosen() == {_trials(study)[0]}
    opened.page.select_option("#colour", "p:threads")
    opened.page.locator("#chart-parallel").scroll_into_view_if_needed()
    opened.page.wait_for_function(f"new Set({lines}.data.fill).size === 6")
    assert opened.page.evaluate(f"{lines}.data.fill") == opened.source("fill")
    heights = opened.page.evaluate(f"{lines}.data.py.map((line) => Array.from(line))")
    assert not any(height < -0.2 or height > 1 for line in heights for height in line)  # none of NaN: no figure


def test_a_box_over_axes_of_the_lines_chooses_what_is_in_all_of_their_ranges(study: Study, opened: _Opened) -> None:
    opened.see("parallel")
    axes = opened.page.evaluate("data.parallel.map((axis) => axis.name)")

    def draw(left: float, low: float, right: float, high: float) -> None:
        corners = """async (corners) => {
          document.getElementById("chart-parallel").scrollIntoView({ behavior: "instant", block: "center" });
          for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);  // nothing moves now
          const view = Bokeh.index.get_by_id(Bokeh.documents[0].get_model_by_name("parallel").id), { frame } = view;
          const box = view.canvas_view.el.getBoundingClientRect();
          return corners.map(([x, y]) => [box.x + frame.x_scale.compute(x), box.y + frame.y_scale.compute(y)]);
        }"""
        start, end = opened.page.evaluate(corners, [[left, low], [right, high]])
        opened.page.mouse.move(*start)
        opened.page.mouse.down()
        opened.page.mouse.move(*end, steps=4)
        opened.page.mouse.up()

    threads, side = axes.index("threads"), axes.index("side")
    rows = study.configurations()
    draw(threads - 0.3, -0.1, threads + 0.3, 0.45)  # threads 1, 2 and 3 of six
    expected = {row.trial for row in rows if row.configuration["threads"] <= 3}
    assert opened.chosen() == expected != set()
    draw(side - 0.3, 0.9, side + 0.3, 1.05)  # the last of its levels
    expected = {row.trial for row in rows if row.configuration["threads"] <= 3 and row.configuration["side"] == 96}
    assert opened.chosen() == expected != set()
    assert f"{len(expected)} configurations are chosen, by threads and side." == opened.page.inner_text("#chosen")
    assert len(opened.column("ranges", "left")) == 2
    opened.page.click("#front-table tbody tr >> nth=0")
    assert opened.column("ranges", "left") == []
    draw(0.4, 0.2, 0.6, 0.8)  # between two axes
    assert opened.chosen() == set()
    opened.check_quiet()


def test_published_results_are_a_layer_that_follows_axes_and_keys(browser: Any, study: Study, tmp_path: Path) -> None:
    fill_database(tmp_path / "r.duckdb", make_rows(300, devices=3))
    with _Opened(browser, dse.report(study, tmp_path / "page.html", results=tmp_path / "r.duckdb")) as opened:
        layer = opened.page.evaluate("data.published")
        assert opened.column("published", "y") == [100 * value for value in layer["values"]["accuracy"]] != []
        assert opened.page.inner_text("#keys label[data-group='published'] b") == str(len(layer["id"]))
        assert opened.page.inner_text("#beside") == ""
        opened.page.select_option("#axis-x", "peak_memory_bytes")
        assert opened.column("published", "x") == []
        assert "they have no peak memory" in opened.page.inner_text("#beside")
        opened.page.click("#reset")
        opened.page.uncheck("#keys input[value='published']")
        assert opened.column("published", "x") == []
        opened.check_quiet()


def test_what_repeats_the_search_can_be_copied(browser: Any, file: Path) -> None:
    with _Opened(browser, file, permissions=["clipboard-read", "clipboard-write"]) as opened:
        opened.page.click("[data-copies='repeat']")
        opened.page.wait_for_selector("button:has-text('Copied')")
        copied = opened.page.evaluate("navigator.clipboard.readText()")
        assert copied == opened.page.inner_text("#repeat") == "dse.explore('small_study', 'study')"


def test_a_point_of_the_chart_can_be_chosen(study: Study, opened: _Opened) -> None:
    trial = _trials(study)[0]
    place = opened.page.evaluate(
        """trial => {
          const model = Bokeh.documents[0].get_model_by_name("scatter"), view = Bokeh.index.get_by_id(model.id);
          const data = Bokeh.documents[0].get_model_by_name("configurations").data, i = data.trial.indexOf(trial);
          const box = view.canvas_view.el.getBoundingClientRect(), frame = view.frame;
          return [box.x + frame.x_scale.compute(data.x[i]), box.y + frame.y_scale.compute(data.y[i])];
        }""",
        trial,
    )
    opened.page.mouse.click(*place)
    assert trial in opened.chosen()
    assert opened.page.locator(f"tr.chosen-row[data-trial='{trial}']").count() == 1


def test_the_table_sorts_and_colours_and_groups_can_be_changed(study: Study, opened: _Opened) -> None:
    latency = {row.trial: row.values["latency_p90_ns"] for row in study.front()}
    heading = opened.page.locator("#front-table thead th").nth(2)
    heading.locator("button").click()
    assert opened.rows() == sorted(latency, key=lambda trial: latency[trial])
    assert heading.get_attribute("aria-sort") == "ascending"
    before = opened.source("fill")
    opened.page.select_option("#colour", "p:threads")
    assert len(set(opened.source("fill"))) == 6 > len(set(before)) - 1
    opened.page.uncheck("#keys input[value='excluded']")
    drawn = zip(opened.source("verdict"), opened.source("layer"), strict=True)
    assert {verdict for verdict, layer in drawn if layer == "hidden"} == {"excluded", "infeasible"}
    opened.page.uncheck("#log-x")
    assert opened.complaints == []


def test_without_a_script_the_table_is_there(study: Study, browser: Any, file: Path) -> None:
    with _Opened(browser, file, java_script_enabled=False) as opened:
        assert opened.page.locator("#front-table tbody tr:visible").count() == len(_trials(study))
        assert "need JavaScript" in opened.page.inner_text("noscript")
        assert not opened.page.is_visible("#axis-x")
        best = study.front()[0].values["accuracy"]
        assert f"{100 * best:.2f} %" in opened.page.inner_text("#front-table")


def test_a_chart_further_down_is_drawn_when_somebody_looks_or_prints(browser: Any, file: Path) -> None:
    drawn = "Bokeh.documents[0].roots().map((model) => model.name)"
    with _Opened(browser, file) as opened:
        assert opened.page.evaluate(drawn) == ["scatter"]
        assert opened.page.evaluate("Bokeh.Models.get('DataTable', null)") is None  # its library neither
        opened.see("table")
        assert opened.page.evaluate(drawn)[:3] == ["scatter", "parallel", "table"]
        opened.check_quiet()
    with _Opened(browser, file) as opened:
        opened.page.evaluate("async () => { dispatchEvent(new Event('beforeprint')); }")
        assert opened.page.evaluate(drawn) == ["scatter", "parallel", "table", "latency", "growth"]
        assert opened.page.locator(".chart:has(.bk-Figure, .bk-DataTable)").count() == 5
        opened.check_quiet()


def test_it_prints_light(browser: Any, file: Path) -> None:
    with _Opened(browser, file, color_scheme="dark") as opened:
        opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert opened.page.get_attribute("html", "data-theme") == "light"
        opened.page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert opened.page.get_attribute("html", "data-theme") == "dark"
        assert opened.page.pdf(format="A4").startswith(b"%PDF")
        assert opened.complaints == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_defect(browser: Any, file: Path, size: str, scheme: str) -> None:
    with _Opened(browser, file, size, color_scheme=scheme, bypass_csp=True) as opened:
        opened.page.click("#front-table tbody tr")
        opened.check_accessible()


def test_a_study_of_failures_alone_opens_too(browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    run_study(tmp_path / "s", make_space(tmp_path), RecordedHarness(fails("crashed")), trials=1)
    with _Opened(browser, dse.report(Study.read(tmp_path / "s"))) as opened:
        opened.page.select_option("#axis-x", "trial")
        assert opened.complaints == []
        assert "crashed" in opened.page.inner_text("#h-not >> xpath=..")


def test_a_study_without_a_front_opens_too(browser: Any, tmp_path: Path) -> None:
    study = make_study(tmp_path, starved=True)
    with _Opened(browser, dse.report(study)) as opened:
        assert opened.complaints == []
        assert opened.front() == set()
        assert "NOT CERTAIN" in opened.page.inner_text(".banner")
