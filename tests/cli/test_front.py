"""``dse front``: data on stdout, words on stderr, exact and stable."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dse_harness import protocol
from dse_harness.answers import pack
from dse_harness.protocol import Accuracy, Performance, Request, Response

from dse.core.proportion import wilson
from dse.errors import SubmissionError
from dse.reports.front import front_report, write_front
from dse.study import Study
from dse.study.writer import StudyWriter
from tests.recording import RecordedHarness, answer, begin, check_study, fails, make_space, run_study


def _json(text: str) -> Any:
    return json.loads(text)


def test_json_is_one_object_of_the_documented_form(small_study: Path, dse: Any) -> None:
    done = dse("front", small_study, "--json")
    assert (done.code, done.err) == (0, "")
    document = _json(done.out)
    assert document["schema"] == 2
    assert document["study"] == "small_study"
    assert document["objectives"] == [
        {"name": "accuracy", "direction": "maximize", "unit": "1"},
        {"name": "latency_p90_ns", "direction": "minimize", "unit": "ns"},
        {"name": "model_memory_bytes", "direction": "minimize", "unit": "B"},
    ]
    measured = {m.trial: m for m in Study.read(small_study).measurements}
    assert document["points"]
    for point in document["points"]:
        assert {"trial", "config", "values", "logs"} <= point.keys()
        assert point["config"] == dict(measured[point["trial"]].configuration)
        assert point["values"] == {
            o["name"]: measured[point["trial"]].values[o["name"]] for o in document["objectives"]
        }
        assert (Path(point["logs"]) / "response.json").exists()


def test_a_known_ratio_is_said_wherever_figures_are_shown(small_study: Path, dse: Any) -> None:
    for path in small_study.glob("trials/*/trial.json"):
        record = {**_json(path.read_text()), "device": "pi2", "ratios": {"latency_p90_ns": 1.05}}
        path.write_text(json.dumps(record))
    said = "figures of pi2 are corrected by a known ratio: p90 latency / 1.0500"
    assert said in dse("front", small_study).out
    assert _json(dse("front", small_study, "--json").out)["ratios"] == {"pi2": {"latency_p90_ns": 1.05}}
    for words in (("trials",), ("pick",), ("explain", "0")):
        assert said in dse(words[0], small_study, *words[1:]).err


def test_csv_has_exact_values_and_a_row_for_each_point(small_study: Path, dse: Any) -> None:
    done = dse("front", small_study, "--csv")
    assert (done.code, done.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    points = _json(dse("front", small_study, "--json").out)["points"]
    assert [(int(row["trial"]), float(row["accuracy"])) for row in rows] == [
        (point["trial"], point["values"]["accuracy"]) for point in points
    ]
    assert {row["family"] for row in rows} == {"small"}


def test_the_table_is_on_stdout_and_the_next_command_on_stderr(small_study: Path, dse: Any) -> None:
    done = dse("front", "small_study", "--studies", small_study.parent)
    assert done.code == 0
    assert " of 6 measured configurations are on the front" in done.out
    assert f"next: dse dashboard small_study --studies {small_study.parent}" in done.err.replace("\n", "")


def test_the_files_in_the_folder_say_the_same(small_study: Path, dse: Any) -> None:
    write_front(front_report(Study.read(small_study)))
    assert (small_study / "front.json").read_text() == dse("front", small_study, "--json").out
    assert (small_study / "front.csv").read_text() == dse("front", small_study, "--csv").out
    assert (small_study / "front.png").read_bytes().startswith(b"\x89PNG")


def test_two_forms_at_once_are_a_usage_error(small_study: Path, dse: Any) -> None:
    assert dse("front", small_study, "--json", "--csv").code == 2


def test_no_study_is_bad_input(tmp_path: Path, dse: Any) -> None:
    done = dse("front", "none", "--studies", tmp_path)
    assert (done.code, done.out) == (3, "")
    assert "no study is here" in done.err
    assert "Traceback" not in done.err


def test_a_study_without_a_front_says_so(tmp_path: Path, dse: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    run_study(tmp_path / "s", make_space(tmp_path), RecordedHarness(fails("crashed")), trials=1)
    done = dse("front", tmp_path / "s")
    assert (done.code, "the study has no front" in done.err) == (5, True)
    assert f"dse trials {tmp_path / 's'} says why no trial is on it" in done.err
    assert _json(dse("front", tmp_path / "s", "--json").out)["points"] == []


def test_a_damaged_trial_costs_itself_and_is_said(small_study: Path, tmp_path: Path, dse: Any) -> None:
    copy = tmp_path / "studies" / "small_study"
    shutil.copytree(small_study, copy)
    damaged = copy / "trials" / "1" / "trial.json"
    damaged.write_text("[" * 100_000)
    done = dse("front", copy, "--json")
    assert done.code == 0
    assert f"excluded: {damaged}: cannot be read: not JSON that dse reads: it is too deeply nested" in done.err
    assert f"move {damaged.parent} away" in done.err
    document = _json(done.out)
    assert 1 not in {trial for point in document["points"] for trial in point["trials"]}
    assert document["damaged"] == [f"{damaged}: cannot be read: not JSON that dse reads: it is too deeply nested"]
    assert "damaged" not in _json(dse("front", small_study, "--json").out)
    asked = dse("explain", copy, 1)
    assert asked.code == 3
    assert f"error: {damaged}: cannot be read" in asked.err


def small(folder: Path, **changes: Any) -> Path:
    """A study of three thread counts on 500 of 10,000 images: more threads are faster and larger."""

    def respond(request: Request) -> Response:
        response, threads = answer(request), request.runtime.threads
        assert response.performance is not None
        performance = replace(response.performance, latency_p90_ns=4_000_000 // threads)
        given = {"model_memory_bytes": 2**26 + 6144 * threads, "cores_used": float(threads), **changes}
        return replace(response, performance=performance, **given)

    space = make_space(
        folder, parameters={"side": [48], "threads": [1, 2, 3]}, fidelity={"explore": {"accuracy_images": 500}}
    )
    run_study(folder / "studies" / "s", space, RecordedHarness(respond))
    return folder / "studies" / "s"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_accuracy_on_500_of_10000_images_is_never_called_exact(here: Path, dse: Any) -> None:
    """Not in the table, nor in JSON, nor in CSV, and in each of them it is the same interval."""
    small(here)
    document = _json(dse("front", "s", "--json").out)
    accuracy = document["points"][0]["accuracy"]
    assert (accuracy["total"], accuracy["images"]) == (500, 10_000)
    low, high = document["points"][0]["intervals"]["accuracy"]
    assert (low, high) == (accuracy["low"], accuracy["high"]) == wilson(accuracy["good"], 500, 10_000)
    shown = dse("front", "s").out
    assert f" % \u00b1{50 * (high - low):.1f}" in shown
    assert "\u00b1: where the figure lies with 95 % probability" in shown
    row = next(csv.DictReader(io.StringIO(dse("front", "s", "--csv").out)))
    assert (float(row["accuracy_low"]), float(row["accuracy_high"])) == (low, high)
    assert (row["accuracy_images"], row["images"]) == ("500", "10000")
    assert f"{100 * low:.2f} to {100 * high:.2f} % on all 10000 (95 %)" in dse("explain", "s", 0).out


def test_an_accuracy_that_others_correct_is_the_same_wherever_it_is_shown(here: Path, dse: Any) -> None:
    """One model saw 500 images, which turn out to be easy: the other saw 2,000 of them."""
    chance = np.random.default_rng(0)
    easy = np.arange(2000) < 500
    slow = chance.random(2000) < np.where(easy, 0.95, 0.85)
    fast = slow & (chance.random(2000) < 0.97)

    def respond(request: Request) -> Response:
        response, side = answer(request), 48 if request.model_sha256 == models[0] else 64
        right = fast[:500] if side == 48 else slow
        accuracy = Accuracy(int(right.sum()), len(right), "", "random", 10_000, pack(right, "random"))
        performance = Performance.constant(10**6 * side, query_count=500, duration_ns=10**9)
        return replace(response, performance=performance, accuracy=accuracy if request.accuracy else None)

    space = make_space(
        here, parameters={"side": [48, 64], "threads": [1]}, fidelity={"explore": {"accuracy_images": 2000}}
    )
    models = [space.source(c).make(space.variant(c)).sha256 for c in space.tree.configurations()]
    run_study(here / "studies" / "s", space, RecordedHarness(respond))
    study = check_study(here / "studies" / "s")
    document = _json(dse("front", "s", "--json").out)
    (point,) = (point for point in document["points"] if point["accuracy"]["total"] == 500)
    value, (low, high) = point["values"]["accuracy"], point["intervals"]["accuracy"]
    counted = point["accuracy"]["good"] / 500
    assert (point["accuracy"]["good"], point["accuracy"]["corrected_by"]) == (int(fast[:500].sum()), 1)
    assert low < value < high < counted
    assert (low, high) == (point["accuracy"]["low"], point["accuracy"]["high"])
    assert "corrected_by" not in next(p["accuracy"] for p in document["points"] if p["accuracy"]["total"] == 2000)
    (row,) = (r for r in csv.DictReader(io.StringIO(dse("front", "s", "--csv").out)) if r["accuracy_images"] == "500")
    assert [float(row[f"accuracy{end}"]) for end in ("", "_low", "_high")] == [value, low, high]
    shown = dse("explain", "s", point["trial"]).out
    assert f"{point['accuracy']['good']} of 500 images are right, and with what 1 model did on more of them: " in shown
    assert f"{100 * low:.2f} to {100 * high:.2f} % on all 10000 (95 %)" in shown
    (table,) = (r for r in study.configurations() if r.trial == point["trial"])
    assert (table.values["accuracy"], table.intervals["accuracy"], table.corrected_by) == (value, (low, high), 1)
    stored = {t.user_attrs["trial"]: t.user_attrs for t in study.optuna_study().trials}[point["trial"]]
    assert (stored["accuracy"], stored["accuracy_low"], stored["accuracy_corrected_by"]) == (value, low, 1)
    explained = _json(dse("explain", "s", point["trial"], "--json").out)["accuracy"]
    assert (explained["total"], explained["corrected_by"]) == (500, 1)
    assert "answers" not in explained
    assert {trial.values["accuracy"] for trial in study.trials()} == {counted, slow.mean()}


def test_a_percentile_that_is_drawn_to_what_is_usual_says_so_wherever_it_is_shown(here: Path, dse: Any) -> None:
    """Runs differ by their tails alone: no p90 is the middle of its repeats."""
    space = make_space(
        here, parameters={"side": [48, 64, 96, 128], "threads": [1]}, indifference={"latency_p90_ns": "3%"}
    )
    folder, harness, chance = here / "studies" / "s", RecordedHarness(), np.random.default_rng(0)
    run_study(folder, space, harness)
    with StudyWriter(folder, space, None, {}) as writer:
        for configuration in [*space.tree.configurations()] * 3:
            record, trial = begin(writer, configuration, "confirm")
            p90 = round(1e6 * (1 + 0.5 * chance.random()))
            performance = Performance.constant(p90, latency_min_ns=10**6, query_count=500, duration_ns=10**9)
            response = replace(answer(harness.asked[0]), performance=performance, accuracy=None)
            protocol.write(response, trial / "response.json")
            writer.finish(record, response)
    study = check_study(here / "studies" / "s")
    point = _json(dse("front", "s", "--json").out)["points"][0]
    share, value = point["drawn"]["latency_p90_ns"], point["values"]["latency_p90_ns"]
    assert 0 < share < 1
    plain = [t.values["latency_p90_ns"] for t in study.trials() if t.trial in point["trials"]]
    assert value not in plain
    assert value != np.median(plain)
    shown = dse("front", "s").out
    assert " ms* " in shown
    cells = next(csv.DictReader(io.StringIO(dse("front", "s", "--csv").out)))
    assert (float(cells["latency_p90_ns"]), float(cells["latency_p90_ns_drawn"])) == (value, share)
    assert "*: drawn to the usual ratio to the shortest latency" in shown
    dse("report", "s", "--out", here / "s.html")
    assert "p90 latency is drawn to the usual ratio to the shortest latency" in (here / "s.html").read_text()
    assert f"p90 latency: drawn by {share:.0%} to the usual ratio" in dse("explain", "s", point["trial"]).out
    assert _json(dse("explain", "s", point["trial"], "--json").out)["drawn"]["latency_p90_ns"] == share
    assert _json(dse("pick", "s", "--min", "latency_p90_ns", "--json").out)["drawn"]["latency_p90_ns"] > 0
    (row,) = (r for r in study.configurations() if r.trial == point["trial"])
    assert row.drawn["latency_p90_ns"] == row.cells()["latency_p90_ns_drawn"] == share
    stored = {t.user_attrs["trial"]: t.user_attrs for t in study.optuna_study().trials}[point["trial"]]
    assert (stored["latency_p90_ns"], stored["latency_p90_ns_drawn"]) == (value, share)


def test_a_question_narrows_the_front_and_changes_nothing(here: Path, dse: Any) -> None:
    folder = small(here)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def threads(*words: object) -> list[int]:
        return [p["config"]["threads"] for p in _json(dse("front", "s", "--json", *words).out)["points"]]

    assert sorted(threads()) == [1, 2, 3]
    assert threads("--sort", "latency_p90_ns") == [3, 2, 1]
    assert threads("--sort", "model_memory_bytes", "--limit", 2) == [1, 2]
    assert threads("--sort", "threads") == [1, 2, 3]
    assert threads("--where", "latency_p90_ns <= 3 ms and threads != 3") == [2]
    assert threads("--where", "threads >= 1.5", "--where", "accuracy >= 1 %", "--sort", "threads") == [2, 3]
    shown = dse("front", "s", "--where", "threads <= 2", "--limit", 1).out
    assert "s: 2 of 2 measured configurations are on the front of those with threads <= 2; 1 of them shown" in shown
    assert len(dse("front", "s", "--csv", "--limit", 1).out.splitlines()) == 2
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--where", "thread <= 2"), "the study has no 'thread', allowed: accuracy, latency_p50_ns"),
        (("--where", "threads = 7"), "found threads = 7, allowed: 1, 2, 3"),
        (("--where", "precision > float32"), "found precision > float32, allowed: its levels"),
        (("--where", "accuracy >= 92 ms"), "found the unit 'ms' for accuracy, allowed: %, or none"),
        (("--where", "fast"), "found 'fast', allowed: METRIC >= NUMBER"),
        (("--where", ""), "found '', allowed: METRIC >= NUMBER"),
        (("--sort", "latency"), "--sort: the study has no 'latency', allowed: trial, accuracy"),
        (("--limit", "0"), "--limit"),
    ],
)
def test_a_question_that_names_nothing_says_what_is_allowed(
    here: Path, dse: Any, words: tuple[str, ...], said: str
) -> None:
    small(here)
    done = dse("front", "s", *words)
    assert (done.code, done.out) == (2, "")
    assert said in " ".join(done.err.split())


def test_nothing_that_answers_is_told(here: Path, dse: Any) -> None:
    small(here)
    done = dse("front", "s", "--where", "latency_p90_ns <= 1 us")
    assert (done.code, done.out) == (5, "")
    assert "no configuration has latency_p90_ns <= 1 us" in done.err


def test_a_starved_study_says_so_wherever_its_figures_are_shown(here: Path, dse: Any) -> None:
    """Two of three runs got 0.4 of a processor: the third has its figures, and nothing is certain."""
    folder = small(here)
    for trial in (1, 2):
        path = folder / "trials" / str(trial) / "response.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "cores_used": 0.4}))
    sentence = "2 of 3 runs did not get the processor that they asked for (0.40 to 0.40 of one)"
    shown = dse("front", "s").out
    assert sentence in shown
    assert "3 trials: 1 counts, 2 excluded (2 starved)" in shown
    assert not [mark for mark in ("\u00b1", "\u00d7\u00f7", "P(front)") if mark in shown]
    document = _json(dse("front", "s", "--json").out)
    assert document["starved"].startswith(sentence)
    assert [(p["p_front"], p["intervals"]) for p in document["points"]] == [(None, {})]
    assert document["counts"]["trials"]["excluded_by_reason"] == {"starved": 2}
    for trial in (0, 1):
        assert sentence in dse("explain", "s", trial).out
        assert "P(front)" not in dse("explain", "s", trial).out
    assert "excluded: starved: the run got 0.40 of a processor" in dse("explain", "s", 1).out
    (picture,) = (path for path in write_front(front_report(Study.read(folder))) if path.suffix == ".png")
    assert picture.read_bytes().startswith(b"\x89PNG")


@dataclass(frozen=True)
class Said:
    """Official figures, as the submission room hands them over."""

    rehearsal: bool = False
    trial: int = 0
    round: str = "v6.1"
    good: int = 9192
    total: int = 10_000
    values: Mapping[str, float] = field(
        default_factory=lambda: {"accuracy": 0.9192, "latency_p90_ns": 3_840_000.0, "peak_memory_bytes": 2.0**26}
    )

    def document(self) -> dict[str, Any]:
        return {"trial": self.trial, "rehearsal": self.rehearsal}


@pytest.mark.parametrize("rehearsal", [False, True])
def test_official_figures_stand_beside_the_explored_ones(
    here: Path, dse: Any, monkeypatch: pytest.MonkeyPatch, rehearsal: bool
) -> None:
    folder = small(here)
    (folder / "validation").mkdir()
    study = Study.read(folder)
    slow = next(m.trial for m in study.measurements if m.configuration["threads"] == 1)
    found = {slow: Said(rehearsal, slow)}
    problem = SubmissionError("a damaged validation", path=folder / "validation" / "1")
    monkeypatch.setattr("dse.submission.official_figures.official_figures", lambda _: (found, [problem]))
    word = "rehearsal for v6.1, never submitted" if rehearsal else "official v6.1"
    done = dse("front", "s")
    assert f"{word}: accuracy 91.92 % (9192 of 10000, " in done.out
    assert "p90 latency 3.840 ms (0.96 x explored)" in done.out
    assert "not shown as official: " in done.err
    assert "validation/1: a damaged validation" in done.err.replace("\n", "")
    assert f"{word}: accuracy 91.92 %" in dse("explain", "s", slow).out
    points = {p["trial"]: p["official"] for p in _json(dse("front", "s", "--json").out)["points"]}
    assert points[slow]["rehearsal"] is rehearsal
    assert points[slow]["ratios"]["latency_p90_ns"] == pytest.approx(0.96)
    assert sum(found is not None for found in points.values()) == 1
    rows = {int(row["trial"]): row for row in csv.DictReader(io.StringIO(dse("front", "s", "--csv").out))}
    assert float(rows[slow]["official_latency_p90_ns"]) == 3_840_000
    assert rows[slow]["official_rehearsal"] == str(rehearsal)
    assert [row["official_round"] for row in rows.values()].count("v6.1") == 1
    assert _json(dse("explain", "s", slow, "--json").out)["official"]["ratios"]["accuracy"] > 0


def test_what_is_the_same_is_one_row_and_exact_shows_all(here: Path, dse: Any) -> None:
    def nearly_the_same(request: Request) -> Response:
        threads = request.runtime.threads
        latency_ns = {1: 1_000_000, 2: 990_000, 3: 500_000}[threads]
        performance = Performance.constant(
            latency_ns, early_stopping_p90_ns=latency_ns, query_count=500, duration_ns=10**9
        )
        memory = {1: 10_000_000, 2: 10_010_000, 3: 12_000_000}[threads]
        return replace(answer(request), performance=performance, model_memory_bytes=memory)

    space = make_space(here, indifference={}, parameters={"side": [48]})
    run_study(here / "studies" / "s", space, RecordedHarness(nearly_the_same))
    indifference = "indifference: 0.1 points of accuracy, 3 % of p90 latency, 1 % of model memory"
    for words, points in (((), 2), (("--exact",), 3)):
        shown = dse("front", "s", *words).out
        assert f"{points} of 3 measured configurations are on the front" in shown
        assert (", also " in shown) == (indifference in shown) == (points == 2)
    assert len(_json(dse("front", "s", "--exact", "--json").out)["points"]) == 3
