from __future__ import annotations

import csv
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dse.cli.remedies import advice, message
from dse.cli.results.commands import app
from dse.errors import DseError, ResultsError, StudyError, UsageError
from tests.cli.published import write_tree


@pytest.fixture
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_RESULTS_DB", str(tmp_path / "r.duckdb"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def tree(_here: None, tmp_path: Path) -> Path:
    """Published results, imported into the database of this folder."""
    write_tree(tmp_path / "tree")
    assert run("import", str(tmp_path / "tree")).startswith("4 added, 0 updated, 0 unchanged, 0 problems")
    return tmp_path / "tree"


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("imported")
    run("import", str(write_tree(folder / "tree")), "--db", str(folder / "r.duckdb"))
    return folder / "r.duckdb"


@pytest.fixture
def database(_here: None, imported: Path, tmp_path: Path) -> Path:
    """A copy of a database of published results, whose tree is elsewhere."""
    shutil.copy(imported, tmp_path)
    return tmp_path / imported.name


def run(*words: str, answer: str | None = None) -> str:
    """What a command prints on stdout; an error of dse is raised."""
    result = CliRunner().invoke(app, list(words), input=answer)
    if isinstance(result.exception, DseError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def run_json(command: str, *words: str) -> Any:
    """What the command prints; of one that prints rows or groups, these."""
    document = json.loads(run(command, *words, "--json"))
    assert document["schema"] == 1
    rows = {"list": "results", "show": "result", "front": "groups", "studies": "studies"}
    return document[rows[command]] if command in rows else document


def test_models_of_different_data_sets_are_said_to_compete(tree: Path) -> None:
    for path in tree.rglob("accuracy.txt"):
        path.write_text("{'rouge1': '44.4312', 'rouge2': '22.0', 'rougeL': '28.8'}\n")
    run("import", str(tree))
    said = "in text-generation models of different data sets may compete; --by device,round,model keeps them apart"
    assert said in CliRunner().invoke(app, ["front"]).stderr
    assert "keeps them apart" not in CliRunner().invoke(app, ["front", "--by", "device,round,model"]).stderr


def test_import_says_what_it_did(tree: Path) -> None:
    (tree / "v6.1/open/me/results/board-tflite-v2.4.1-ruy/bad/SingleStream/performance").mkdir(parents=True)
    report = run_json("import", str(tree))
    assert {key: report[key] for key in ("added", "updated", "unchanged", "total")} == {
        "added": 0,
        "updated": 0,
        "unchanged": 4,
        "total": 4,
    }
    (problem,) = report["problems"]
    assert problem["path"].endswith("bad/SingleStream")
    assert problem["reason"].startswith("no mlperf_log_summary.txt")


INTERRUPTED = """
import sys
from dse.cli import main

def interrupt(event, arguments):
    if event == "open" and str(arguments[0]).endswith("mlperf_log_summary.txt"):
        raise KeyboardInterrupt

sys.addaudithook(interrupt)
main()
"""


def test_an_interrupted_import_says_that_it_may_be_given_again(tmp_path: Path) -> None:
    tree, path = write_tree(tmp_path / "tree"), tmp_path / "new.duckdb"
    words = ["results", "import", str(tree), "--db", str(path)]
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert "interrupted" in done.stderr
    assert "Traceback" not in done.stderr
    assert not path.exists()


def test_front_as_json_csv_table_and_picture(database: Path, tmp_path: Path) -> None:
    (group,) = run_json("front", "--name", "image-classification-*-singlestream")
    assert group["group"] == {
        "device": "board",
        "round": "v6.1",
        "task": "image-classification",
        "scenario": "SingleStream",
    }
    assert (group["submitted"], group["front"], group["dominated"]) == (4, 3, 1)
    assert [point["values"] for point in group["points"]] == [
        {"accuracy": 0.6, "latency_p90": 4_000_000},
        {"accuracy": 0.5, "latency_p90": 2_000_000},
        {"accuracy": 0.4, "latency_p90": 1_000_000},
    ]
    lines = list(csv.DictReader(io.StringIO(run("front", "--csv"))))
    assert [line["latency_p90"] for line in lines] == ["4000000", "2000000", "1000000"]
    table = run("front", "--plot", str(tmp_path / "new" / "p.png"))
    assert "board, v6.1, image-classification, SingleStream: 3 of 4 on the front, 1 dominated" in table
    assert "grouped by device, round, task, scenario: 4 submitted, 3 on a front, 1 dominated, 0 not comparable" in table
    assert (tmp_path / "new" / "p.png").read_bytes().startswith(b"\x89PNG")


def test_front_with_a_study(database: Path, tmp_path: Path) -> None:
    document = {
        "schema": 1,
        "study": "mine",
        "objectives": [{"name": "accuracy"}, {"name": "latency_p90_ns"}],
        "points": [
            {
                "trial": 7,
                "config": {"t": 1},
                "values": {"accuracy": 0.6, "latency_p90_ns": 10},
                "accuracy": {"good": 600, "total": 1000},
                "logs": "x",
            }
        ],
    }
    (tmp_path / "saved.json").write_text(json.dumps(document))
    (group,) = run_json("front", "--study", "saved.json")
    assert group["standing"] == {"own": 1, "unbeaten": 1, "beaten_published": 3}
    assert "study mine: its points beside each published front" in run("front", "--study", "saved.json")
    with pytest.raises(StudyError, match="no study is here"):
        run("front", "--study", "mine")


def test_explain(database: Path) -> None:
    dominated = run_json("explain", "mobilenet-v1-0.75-128/SingleStream")
    assert dominated["verdict"] == "dominated"
    assert [by["better_by"] for by in dominated["dominated_by"]] == [{"accuracy": 0.0, "latency_p90": 1_000_000}]
    assert "dominated by 1" in run("explain", str(dominated["id"]))
    front = run_json("explain", "mobilenet-v1-1.0-128/SingleStream")
    assert (front["verdict"], front["dominated_by"]) == ("front", [])
    assert "on the front of board" in run("explain", str(front["id"]))
    assert "because it has no energy" in run("explain", "1", "--objectives", "accuracy,energy")


def test_show_and_list(database: Path) -> None:
    assert run_json("show", "1")["model"] == "mobilenet-v1-0.25-128"
    assert "latency_p90_ns" in run("show", "1")
    assert [row["id"] for row in run_json("list", "--where", "width >= 0.5", "--limit", "2")] == [2, 3]
    assert "mobilenet-v1-1.0-128" in run("list")


def test_results_are_sorted_and_their_submitter_is_shown(database: Path) -> None:
    assert [row["latency_p90_ns"] for row in run_json("list", "--sort", "latency_p90")] == [1e6, 2e6, 3e6, 4e6]
    assert [row["good"] for row in run_json("list", "--sort", "accuracy")] == [600, 500, 500, 400]
    models = [row["model"] for row in run_json("list", "--sort", "model")]
    assert models == sorted(models)
    (group,) = run_json("front", "--sort", "latency_p90")
    assert [point["values"]["latency_p90"] for point in group["points"]] == [1_000_000, 2_000_000, 4_000_000]
    assert "submitted by me" in run("front")
    assert "submitter" in run("list", "--limit", "1")
    with pytest.raises(UsageError, match="cannot sort by speed"):
        run("front", "--sort", "speed")


def test_two_submitters_of_a_group_have_a_column(tree: Path) -> None:
    shutil.copytree(tree / "v6.1/open/me", tree / "v6.1/open/you")
    run("import", str(tree))
    shown = run("front")
    assert "submitter" in shown
    assert "you" in shown
    assert "submitted by" not in shown


def test_boards_that_fit_a_pattern_are_one_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_tree(tmp_path / "tree") / "v6.1/open/me/results"
    shutil.copytree(root / "board-tflite-v2.4.1-ruy", root / "boardcoral-tflite-v2.4.1-ruy")
    monkeypatch.setenv("DSE_RESULTS_DB", str(tmp_path / "r.duckdb"))
    run("import", str(tmp_path / "tree"))
    assert [group["group"]["device"] for group in run_json("front")] == ["board", "boardcoral"]
    (group,) = run_json("front", "--by", "device=board*,round")
    assert (group["group"]["device"], group["group"]["round"], group["submitted"]) == ("board*", "v6.1", 8)
    shown = run("front", "--by", "device=board*,round")
    assert "board*, v6.1" in shown
    assert "boardcoral" in shown  # each row says which of them it is
    assert "submitted by me" in shown
    one = run("front", "--by", "device=board*", "--where", "device = 'board'")
    assert "submitted by me, on board" in one
    assert "on board" not in run("front", "--by", "device", "--where", "device = 'board'").replace("on the", "")
    assert len(run_json("front", "--by", "device=rpi*|xavier*")) == 2
    assert run_json("explain", "1", "--by", "device=board*")["group"]["device"] == "board*"


def test_rm_asks_and_says_what(database: Path) -> None:
    result = CliRunner().invoke(app, ["rm", "1"], input="n\n")
    assert result.exit_code == 0
    assert "mobilenet-v1-0.25-128" in result.stderr
    assert result.stderr.endswith("nothing removed\n")
    with pytest.raises(UsageError, match="nobody answered"):
        run("rm", "1", answer="")
    assert len(run_json("list")) == 4
    assert run("rm", "--where", "width < 0.6", "--yes") == "2 results removed\n"
    assert [row["id"] for row in run_json("list")] == [3, 4]
    assert run("rm", "3", answer="y\n").endswith("1 result removed\n")


def test_export(database: Path, tmp_path: Path) -> None:
    run("export", "t.csv", "--format", "replay")
    lines = list(csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text())))
    assert [(line["config_id"], line["on_front"]) for line in lines] == [
        ("tflite-ruy-2.4.1/mobilenet-v1-0.25-128", "1"),
        ("tflite-ruy-2.4.1/mobilenet-v1-0.5-128", "1"),
        ("tflite-ruy-2.4.1/mobilenet-v1-0.75-128", "0"),
        ("tflite-ruy-2.4.1/mobilenet-v1-1.0-128", "1"),
    ]
    run("export", "t.json", "--where", "width = 1")
    assert len(json.loads((tmp_path / "t.json").read_text())["results"]) == 1


def test_studies(database: Path, tmp_path: Path) -> None:
    assert run_json("studies", "--out", "p.db") == [{"study": "board v6.1", "trials": 4, "state": "written"}]
    assert (tmp_path / "p.db").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("list", "--where", "width > 0.3"),
        ("show", "3"),
        ("front", "--by", "", "--objectives", "accuracy,latency_p90", "--where", "model <> 'x' AND width > 0.3"),
        ("front", "--name", "image-classification-edge-*"),
        ("explain", "3", "--by", "device"),
        ("import", "tree"),
    ],
)
def test_the_next_command_works_as_typed_and_means_the_same_selection(
    database: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    write_tree(database.with_name("tree"))
    database = database.rename(database.with_name("another one.duckdb"))
    monkeypatch.setenv("DSE_RESULTS_DB", "nowhere.duckdb")
    result = CliRunner().invoke(app, [*words, "--db", str(database)])
    said = result.stderr.splitlines()[-1]
    assert said.startswith("next: dse results "), result.output
    following = shlex.split(said.removeprefix("next: dse results ").rpartition("  ")[0])
    run(*following)
    if words[0] == "front":
        assert following == ["explain", "3", *words[1:], "--db", str(database)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("front", "--where", "nope > 1"), "does not analyze"),
        (("front", "--by", "nope"), "cannot group by nope"),
        (("front", "--objectives", "nope"), "no objective 'nope'"),
        (("front", "--scenario", "nope"), "no scenario 'nope'"),
        (("front", "--scenario", "Offline", "--study", "mine"), "a study measures SingleStream, not Offline"),
        (("front", "--where", "false"), "no result matches"),
        (("front", "--json", "--csv"), "exclude each other"),
        (("front", "--plot", "p.bmp"), "no picture format '.bmp'"),
        (("show", "99"), "no row 99"),
        (("explain", "1", "--where", "id = 2"), "row 1 does not match --where or --name"),
        (("explain", "1", "--name", "speech-*"), "row 1 does not match --where or --name"),
        (("show", "²"), "no row ²"),
        (("show", "9" * 5000), "no row 999"),
        (("show", "\udcff"), r"found '\\udcff', allowed: UTF-8"),
        (("list", "--where", "model = '\udcff'"), r"found \"model = '\\udcff'\", allowed: UTF-8"),
        (("list", "--name", "\udcff"), r"found '\\udcff', allowed: UTF-8"),
        (("import", "tree", "--round", "\udcff"), r"--round: found '\\udcff', allowed: UTF-8"),
        (("studies", "--where", "false"), "nothing to write: no result matches"),
        (("show", "SingleStream"), "4 rows end so: 1, 2, 3, 4"),
        (("rm",), "nothing named"),
        (("export", "x.xls"), "no format 'xls'"),
        (("export", "x"), "the name x has no suffix that tells a format"),
    ],
)
def test_usage_errors(database: Path, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError) as error:
        run(*words)
    assert re.search(said, message(error.value))
    assert advice(error.value)


def test_one_picture_or_csv_has_one_set_of_objectives(tree: Path, tmp_path: Path) -> None:
    model = next(tree.rglob("SingleStream/performance")).parents[1]
    shutil.copytree(model / "SingleStream", model / "Offline")
    run("import", str(tree))
    everything = ("front", "--scenario", "all")
    for more in (("--csv",), ("--plot", str(tmp_path / "p.png"))):
        with pytest.raises(UsageError, match="these scenarios have different objectives"):
            run(*everything, *more)
        run(*everything, "--objectives", "accuracy,latency_p90", *more)
    objectives = {g["group"]["scenario"]: g["objectives"][1]["name"] for g in run_json(*everything)}
    assert objectives == {"SingleStream": "latency_p90", "Offline": "throughput"}


def test_no_database_yet(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="no results database"):
        run("front", "--db", str(tmp_path / "none.duckdb"))


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ("accuracy >= 50 %", 3),
        ("accuracy>=50%", 3),
        ("accuracy >= 0.5", 3),
        ("accuracy >= 0.6 AND accuracy <= 65 % OR false", 1),
        ("accuracy BETWEEN 60 % AND 65%", 1),
        ("50.000 % < accuracy", 1),
        ("(accuracy < 50.1 %) AND model != '70 %'", 3),
        ("id % 2 = 0", 2),
        ("id % 2 = 0 AND accuracy >= 1 % 2", 0),
        ("good >= 500", 3),
        ("accuracy <= 1", 4),
        ("accuracy = 100 %", 0),
    ],
)
def test_an_accuracy_is_asked_for_in_percent_or_as_a_fraction(database: Path, where: str, rows: int) -> None:
    assert len(run_json("list", "--where", where)) == rows


@pytest.mark.parametrize("where", ["accuracy >= 70", "accuracy>70.5", "70 <= accuracy", "accuracy BETWEEN 60 AND 70"])
def test_an_accuracy_that_nothing_can_have_is_refused(database: Path, where: str) -> None:
    with pytest.raises(UsageError, match=r"accuracy is compared with [67]0") as refused:
        run("list", "--where", where)
    assert ' %" or 0.' in str(refused.value.hint)


def test_an_accuracy_has_one_unit_wherever_people_read_it(database: Path) -> None:
    row = run_json("list")[0]
    shown = f"{100 * row['good'] / row['total']:.3f}"
    assert f"{shown} %" in run("show", "1")
    for words in (("list",), ("front",)):
        assert shown in run(*words)
    assert row["accuracy"] == row["good"] / row["total"], "JSON keeps the fraction"


def test_a_long_text_is_cut_where_people_read_it(tree: Path) -> None:
    home = next(tree.rglob("me"))
    (home / "systems").mkdir()
    system = {"system_name": "n" * 10**6, **{f"key {n}": n for n in range(10**4)}}
    (home / "systems/board-tflite-v2.4.1-ruy.json").write_text(json.dumps(system))
    run("import", str(tree))
    shown = run("show", "1")
    assert "(1000000 characters; --json has all of them)" in " ".join(shown.split())
    assert len(shown) < 50_000
    assert len(run_json("show", "1")["system_name"]) == 10**6


def test_a_tree_on_other_images_is_said_to_stand_apart(database: Path, tmp_path: Path) -> None:
    (tmp_path / "imagenet").mkdir()
    write_tree(tmp_path / "imagenet")
    for path in (tmp_path / "imagenet").rglob("accuracy.txt"):
        path.write_text("accuracy=50.000%, good=25000, total=50000\n")
    (tmp_path / "imagenet/v6.1").rename(tmp_path / "imagenet/v6.0")
    run("import", str(tmp_path / "imagenet"))
    said = CliRunner().invoke(app, ["front", "--by", "device"]).stderr
    assert "each has a front of its own: 4 on 50000 images (ImageNet), 4 on 1000 images" in " ".join(said.split())
    table = run("front", "--by", "device")
    assert "board, image-classification, SingleStream, 50000 images (ImageNet): 1 of 4 on the front" in table
    assert "board, image-classification, SingleStream, 1000 images: 3 of 4 on the front" in table
    assert "different images do not compare" in CliRunner().invoke(app, ["explain", "1", "--by", "device"]).stderr
