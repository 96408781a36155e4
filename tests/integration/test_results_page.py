"""Published results in a real browser: fronts are those of `dse results front`, a link keeps the view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from benchmarks.results_page import make_rows
from dse.reports.published import results_report
from dse.results.database import open_database
from dse.results.front import cut, select
from dse.results.importing.importer import import_results
from dse.results.objectives import parse_objectives
from dse.results.own import OwnFront, OwnPoint
from tests.integration.browsing import SIZES, Opened, browser
from tests.shared import SHARED

__all__ = ["browser"]

_HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
_OWN = OwnFront(
    "mine",
    (
        OwnPoint(3, {"threads": 1}, (Fraction(9, 10), 120_000), 10_000),
        OwnPoint(7, {"threads": 2}, (Fraction(95, 100), 1_000_000), 1234),
    ),
    "images",
)


class _Opened(Opened):
    def choose(self, **values: str) -> None:
        for name, value in values.items():
            self.page.select_option(f"#{'axis-' if name in 'xy' else ''}{name}", value)

    def choose_rows(self, **values: str) -> None:
        for name, value in values.items():
            self.page.select_option(f"#choose-{name}", value)

    def front(self) -> set[int]:
        return self._ids("front")

    def drawn(self) -> set[int]:
        return self._ids("below") | self._ids("front")

    def _ids(self, source: str) -> set[int]:
        ids = self.page.evaluate("data.id")
        return {ids[row] for row in self.column(source, "row")}

    def rows(self) -> list[int]:
        """The rows of all pages of the table, in order."""
        found: list[int] = []
        while self.page.is_enabled("#before"):
            self.page.click("#before")
        while True:
            found += self.page.eval_on_selector_all("#table tbody tr", "rows => rows.map((r) => Number(r.dataset.row))")
            if not self.page.is_enabled("#after"):
                return found
            self.page.click("#after")


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    rows = make_rows(900, seed=1, submitters=4, devices=3)
    rows[0] |= {"system": _HOSTILE, "model": _HOSTILE, "directory": f"open/{_HOSTILE}"}
    return rows


@pytest.fixture(scope="module")
def file(rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return results_report(rows, tmp_path_factory.mktemp("page") / "results.html", own=[_OWN])


@pytest.fixture
def opened(browser: Any, file: Path) -> Iterator[_Opened]:
    with _Opened(browser, file) as page:
        yield page
        page.check_quiet()


def _fronts(rows: Sequence[Mapping[str, Any]], axes: str, by: str) -> tuple[set[int], set[int]]:
    """The rows on a front, and those that compare, as dse has it."""
    groups = cut(rows, parse_objectives(axes), [name for name in by.split(",") if name])
    front = {point.row["id"] for group in groups for point in group.points}
    return front, front | {point.row["id"] for group in groups for point in group.dominated}


def test_published_results_open_with_a_line_for_each_and_their_fronts(browser: Any, tmp_path: Path) -> None:
    if not (SHARED / "results_sample").is_dir():
        pytest.skip(f"no sample of published results at {SHARED / 'results_sample'}")
    import_results([SHARED / "results_sample"], tmp_path / "r.duckdb")
    with open_database(tmp_path / "r.duckdb", read_only=True) as database:
        rows = select(database)
    with _Opened(browser, results_report(rows, tmp_path / "r.html")) as opened:
        opened.choose_rows(task="")
        singles = [row for row in rows if row["scenario"] == "SingleStream"]
        assert (opened.front(), opened.drawn()) == _fronts(singles, "accuracy,latency_p90", "device,round")
        opened.choose_rows(scenario="")
        assert opened.rows() == [row["id"] for row in rows]
        assert len(rows) > 100
        opened.check_quiet()


@pytest.mark.parametrize("axes", ["accuracy,latency_p90", "throughput,accuracy", "latency_p50,latency_mean"])
@pytest.mark.parametrize("by", ["device,round", "submitter", ""])
def test_fronts_are_those_of_dse_results_front(rows: list[dict[str, Any]], opened: _Opened, axes: str, by: str) -> None:
    y, _, x = axes.partition(",")
    opened.choose_rows(task="", scenario="")
    opened.choose(by=by, x=x, y=y)
    front, drawn = _fronts(rows, axes, by)
    assert opened.front() == front
    assert opened.drawn() == drawn
    assert f"{len(front)} on a front" in opened.page.inner_text("#count")


def test_of_very_many_rows_all_fronts_are_drawn_and_an_even_part_of_the_rest(browser: Any, tmp_path: Path) -> None:
    rows = make_rows(8000, devices=3)
    with _Opened(browser, results_report(rows, tmp_path / "many.html")) as opened:
        opened.choose_rows(task="", scenario="")
        opened.choose(by="device", x="latency_p50")
        front, compared = _fronts(rows, "accuracy,latency_p50", "device")
        assert opened.front() == front
        assert opened.drawn() < compared
        assert len(opened.drawn() - front) == 4000
        assert "Of the dominated 4000 are drawn." in opened.page.inner_text("#count")
        for submitter in ("submitter1", "submitter2"):
            chosen = [row for row in rows if row["submitter"] == submitter]
            opened.choose_rows(submitter=submitter)
            assert (opened.front(), opened.drawn()) == _fronts(chosen, "accuracy,latency_p50", "device")
            assert "are drawn" not in opened.page.inner_text("#count")
        opened.check_quiet()


def test_of_very_many_fronts_those_of_the_largest_groups_are_drawn_whole(browser: Any, tmp_path: Path) -> None:
    rows = make_rows(7000, devices=400)
    with _Opened(browser, results_report(rows, tmp_path / "fronts.html")) as opened:
        opened.choose_rows(task="", scenario="")
        opened.choose(x="latency_p50")
        groups = cut(rows, parse_objectives("accuracy,latency_p50"), ["device", "round"])
        sizes = {frozenset(p.row["id"] for p in g.points): len(g.points) + len(g.dominated) for g in groups if g.points}
        drawn, said = opened.front(), opened.page.inner_text("#count")
        whole, none = [front for front in sizes if front <= drawn], [front for front in sizes if not front & drawn]
        assert len(whole) + len(none) == len(sizes)
        assert min(sizes[front] for front in whole) >= max(sizes[front] for front in none)
        assert 3900 < len(drawn) <= 4000 < sum(map(len, sizes))
        assert f"{sum(map(len, sizes))} on a front" in said
        assert f"Of the fronts those of the {len(whole)} largest groups are drawn." in said
        opened.choose_rows(scenario="Offline")
        assert "are drawn" not in opened.page.inner_text("#count")


def test_a_choice_changes_rows_and_front(rows: list[dict[str, Any]], opened: _Opened) -> None:
    opened.choose_rows(task="object-detection", scenario="Offline", submitter="submitter1", device="")
    chosen = [
        row
        for row in rows
        if (row["task"], row["scenario"], row["submitter"]) == ("object-detection", "Offline", "submitter1")
    ]
    assert opened.page.input_value("#axis-x") == "throughput"
    assert opened.rows() == [row["id"] for row in chosen]
    assert opened.front() == _fronts(chosen, "accuracy,throughput", "device,round")[0]
    opened.page.fill("#path", "Network-1")
    assert opened.rows() == [row["id"] for row in chosen if "network-1" in row["directory"]]
    opened.page.fill("#path", "nowhere")
    assert opened.rows() == []
    assert "No result" in opened.page.inner_text("#page")
    opened.page.click("#reset")
    assert opened.page.input_value("#choose-task") == "image-classification"


def test_the_table_sorts_by_figures_and_words(rows: list[dict[str, Any]], opened: _Opened) -> None:
    opened.choose_rows(task="", scenario="")
    opened.choose(x="throughput")
    for title, name in (("throughput", "throughput"), ("submitter", "submitter"), ("path", "directory")):
        head = opened.page.locator("#table thead button", has_text=title).first
        for sign, order in ((1, "ascending"), (-1, "descending")):
            head.click()
            assert head.locator("xpath=..").get_attribute("aria-sort") == order
            values = {row["id"]: row[name] for row in rows}
            shown = [values[row] for row in opened.rows()]
            known = [value for value in shown if value is not None]
            assert known == sorted(known, reverse=sign < 0)
            assert shown == known + [None] * (len(shown) - len(known))
            assert len(shown) == len(rows)


def test_the_link_restores_the_view(rows: list[dict[str, Any]], browser: Any, file: Path, opened: _Opened) -> None:
    opened.choose_rows(scenario="Offline", round="v0.7")
    opened.choose(by="submitter", x="latency_p99", y="throughput")
    opened.page.uncheck("#log-x")
    opened.page.fill("#path", "open/submitter")
    opened.page.locator("#table thead button", has_text="model").click()
    opened.page.locator("#table thead button", has_text="model").click()
    url = opened.page.url
    with _Opened(browser, file, fragment=url[url.index("#") :]) as again:
        assert again.front() == opened.front() != set()
        assert again.rows() == opened.rows()
        for selector in ("#choose-scenario", "#choose-round", "#by", "#axis-x", "#axis-y", "#path"):
            assert again.page.input_value(selector) == opened.page.input_value(selector)
        assert not again.page.is_checked("#log-x")
        assert again.page.url == url
        again.page.evaluate("location.hash = '#scenario=SingleStream&by=nothing&x=&sort=-nonsense'")
        again.page.wait_for_function("document.getElementById('choose-scenario').value === 'SingleStream'")
        assert (again.page.input_value("#by"), again.page.input_value("#axis-x")) == ("device,round", "latency_p90")
        again.check_quiet()


def test_what_is_chosen_in_the_table_is_chosen_in_the_chart_and_the_reverse(opened: _Opened) -> None:
    opened.page.click("#table tbody tr:has-text('front') >> nth=0")
    row = int(opened.page.get_attribute("#table tr.chosen-row", "data-row") or 0)
    selected = "Array.from(Bokeh.documents[0].get_model_by_name('front').selected.indices)"
    (place,) = opened.page.evaluate(selected)
    assert opened.page.evaluate("data.id")[opened.column("front", "row")[place]] == row
    assert opened.page.inner_text("#chosen").startswith(f"Row {row}, front: ")
    opened.page.evaluate("Bokeh.documents[0].get_model_by_name('front').selected.indices = [1]")
    other = opened.page.evaluate("data.id")[opened.column("front", "row")[1]]
    assert opened.page.get_attribute("#table tr.chosen-row", "data-row") == str(other)
    opened.page.focus(f"#table tr[data-row='{other}'] button")
    opened.page.keyboard.press("Enter")
    assert opened.page.locator("tr.chosen-row").count() == 0
    assert opened.page.evaluate("document.activeElement.closest('tr').dataset.row") == str(other)


def test_a_dot_says_what_it_is(rows: list[dict[str, Any]], opened: _Opened) -> None:
    place, x, y = opened.page.evaluate(
        """() => {
          const model = Bokeh.documents[0].get_model_by_name("scatter"), view = Bokeh.index.get_by_id(model.id);
          const data = Bokeh.documents[0].get_model_by_name("front").data;
          const box = view.canvas_view.el.getBoundingClientRect(), frame = view.frame;
          return [data.row[0], box.x + frame.x_scale.compute(data.x[0]), box.y + frame.y_scale.compute(data.y[0])];
        }"""
    )
    opened.page.mouse.move(x, y)
    tip = opened.page.get_by_text(f"row {rows[place]['id']}: {rows[place]['model']}").first
    tip.wait_for()
    opened.page.mouse.click(x, y)
    assert opened.page.inner_text("#chosen").startswith("Row ")


def test_ones_own_study_stands_above_results_on_as_many_images(opened: _Opened) -> None:
    assert opened.column("own", "trial") == [3]
    assert opened.column("own", "y") == [90.0]
    assert "1 of 2 points" in opened.page.inner_text("#beside")
    opened.choose(x="latency_p50")
    assert opened.column("own", "trial") == []
    opened.choose_rows(task="object-detection")
    assert opened.column("own", "trial") == []
    assert opened.page.locator("table.own tbody tr").count() == 2


def test_what_somebody_submitted_is_text(opened: _Opened) -> None:
    opened.choose_rows(task="", scenario="")
    opened.page.fill("#path", "<script")
    assert _HOSTILE in opened.page.inner_text("#table tbody")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_complains_of_nothing_and_axe_finds_nothing_serious(
    browser: Any, file: Path, size: str, scheme: str
) -> None:
    with _Opened(browser, file, size, color_scheme=scheme, bypass_csp=True) as opened:
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
        opened.page.click("#table tbody tr")
        opened.check_quiet()
        opened.check_accessible()
        opened.page.click("#theme")
        opened.check_quiet()
