"""Tables as devices: any table with these columns is a tree of exactly its rows."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from dse.cli import make_app
from dse.core.budget import Budget
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement
from dse.errors import ResultsError
from dse.search.explore import explore
from dse.search.plan import make_plan
from dse.search.replay import TableDevice, drive, replay, replay_session
from dse.spaces.load import load_space
from dse.study import Study
from dse.study.writer import StudyWriter
from dse.tabular.benchmark import BenchmarkProblem
from tests.shared import SHARED
from tests.thorough import examples, most_thorough

HEADER = "config_id,family,variant,width,resolution,precision,engine,accuracy_pct,p90_latency_ns"
REPLAY = SHARED / "replay"

ROWS = st.sets(
    st.tuples(
        st.sampled_from(["v1", "v2", "v3"]),
        st.sampled_from(["", "small", "large"]),
        st.sampled_from(["", "0.25", "0.5", "1.0"]),
        st.sampled_from(["128", "160"]),
        st.sampled_from(["float", "uint8"]),
        st.sampled_from(["tflite", "armnn"]),
    ),
    min_size=1,
    max_size=25,
)


def write(path: Path, rows: list[tuple[str, ...]]) -> Path:
    lines = [
        ",".join([str(n), *row, f"{40 + 50 * n / (n + 9):.3f}", str(10**6 + 1000 * n * n)])
        for n, row in enumerate(rows, 1)
    ]
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return path


@given(rows=ROWS)
@settings(max_examples=examples(100), deadline=None)
def test_the_tree_has_the_rows_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, rows: set[tuple[str, ...]]
) -> None:
    table = BenchmarkProblem(write(tmp_path_factory.mktemp("table") / "t.csv", sorted(rows)))
    configurations = list(table.tree.configurations())
    assert len(configurations) == len(set(configurations)) == table.tree.size == len(rows)
    latencies = sorted(table.lookup(configuration)["latency_p90_ns"] for configuration in configurations)
    assert latencies == sorted(10**6 + 1000 * n * n for n in range(1, len(rows) + 1))
    assert table.hypervolume(configurations) == pytest.approx(1.0)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = list(itertools.product(["v1", "v2"], [""], ["0.25", "0.5", "1.0"], ["128", "160"], ["float"], ["tflite"]))
    return write(tmp_path / "t.csv", rows)


def test_hypervolume_grows_to_one_and_the_front_is_exact_without_noise(table: Path) -> None:
    for sampler in ("auto", "random", "grid", "nsga2"):
        run = replay(BenchmarkProblem(table), sampler, seed=1)
        assert run.hypervolume == sorted(run.hypervolume)
        assert run.hypervolume[-1] == pytest.approx(1.0)
        assert len(run.hypervolume) == 12
        assert run.recall == run.precision == 1.0


def counted(table: Path) -> Path:
    """``table`` with counts of 10,000 images."""
    lines = [line.split(",") for line in table.read_text().splitlines()]
    counts = [["acc_good", "acc_total"], *([str(round(float(line[-2]) * 100)), "10000"] for line in lines[1:])]
    table.write_text("\n".join(",".join([*line, *count]) for line, count in zip(lines, counts, strict=True)) + "\n")
    return table


@pytest.mark.parametrize("seed", most_thorough([0, 1, 2], lambda seed: seed == 0, "another seed of the same search"))
@pytest.mark.parametrize("budget", [Budget(), Budget(trials=8)])
def test_a_replay_takes_the_steps_of_an_exploration(table: Path, budget: Budget, seed: int) -> None:
    """The same table, sampler, limit and seed: the same configurations for the same reasons on as many images."""
    found = BenchmarkProblem(counted(table))
    device = TableDevice(found, 0.0, seed)
    replayed = [*drive(replay_session(found, "auto", seed, device.rungs, budget), device.measure)]

    path = table.with_name("space.yaml")
    path.write_text("schema: 1\nname: recorded\nreplay: t.csv\nobjectives: [accuracy, latency_p90_ns]\n")
    space = load_space(path)
    with StudyWriter(table.with_name("study"), space, None, {}) as writer:
        plan = make_plan(space, (), budget)
        explore(writer, space, space.backend, plan, seed, lambda _: None, lambda: False)
    explored = Study.read(table.with_name("study")).measurements

    def steps(measurements: Sequence[Measurement]) -> list[tuple[int, Configuration, str, int | None]]:
        return [(m.trial, m.configuration, m.phase, m.images) for m in measurements]

    assert steps(replayed) == steps(explored)
    assert len(replayed) == (8 if budget.trials else 12)


def test_accuracies_on_a_part_of_the_images_end_in_the_recorded_ones(table: Path) -> None:
    all_at_once = replay(BenchmarkProblem(counted(table)), "auto", seed=0)
    growing = replay(BenchmarkProblem(table), "auto", seed=0, growing=True)
    assert growing.recall == growing.precision == 1.0
    assert growing.phases["search"] == all_at_once.phases["search"] == 12
    assert growing.phases["confirm"] > 0
    assert growing.device_s > 0
    assert replay(BenchmarkProblem(table), "auto", seed=0, growing=True) == growing


def test_a_table_without_counts_has_no_growing_accuracies(table: Path) -> None:
    with pytest.raises(ResultsError, match="does not say on how many images"):
        replay(BenchmarkProblem(table), "auto", seed=0, growing=True)


def test_a_budget_counts_configurations_and_device_time(table: Path) -> None:
    assert replay(BenchmarkProblem(table), "surrogate", seed=0, budget=Budget(trials=5)).configurations == 5
    by_time = replay(BenchmarkProblem(table), "auto", seed=0, noise=0.1, budget=Budget(device_s=30))
    assert by_time.device_s <= 33  # a trial of three seconds that runs is not broken off
    assert by_time.phases["search"] < 12
    assert by_time.phases["confirm"] > 0


def test_the_command_prints_what_was_agreed(table: Path) -> None:
    result = CliRunner().invoke(
        make_app(),
        [
            "replay",
            "--table",
            str(table),
            "--sampler",
            "surrogate",
            "--seeds",
            "2",
            "--noise",
            "0.05",
            "--budget",
            "3m",
            "--json",
        ],
    )
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["table"] == str(table)
    assert (document["sampler"], document["noise"], len(document["runs"])) == ("surrogate", 0.05, 2)
    assert {"seed", "hypervolume", "recall", "precision"} <= set(document["runs"][0])


def test_rows_without_figures_fail_and_the_search_goes_on(table: Path) -> None:
    lines = table.read_text().splitlines()
    lines[3] = ",".join([*lines[3].split(",")[:-2], "", ""])
    table.write_text("\n".join(lines) + "\n")
    run = replay(BenchmarkProblem(table), "auto", seed=0)
    assert len(run.hypervolume) == 12
    assert run.hypervolume[-1] == pytest.approx(1.0)


def test_a_name_is_only_used_where_the_parameters_leave_rows_the_same(table: Path) -> None:
    """Two rows that were measured twice must not turn every other configuration into a name of its own."""
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines, ",".join(["again", *lines[1].split(",")[1:]])]) + "\n")
    found = list(BenchmarkProblem(table).tree.configurations())
    assert len(found) == 13
    assert {tuple(c) for c in found} == {
        ("family", "width", "resolution"),
        ("family", "width", "resolution", "config_id"),
    }
    assert sum("config_id" in c for c in found) == 2


def test_rows_that_nothing_tells_apart_are_refused(table: Path) -> None:
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines, lines[1]]) + "\n")
    with pytest.raises(ResultsError, match=r"t\.csv:14: the same configuration as line 2"):
        BenchmarkProblem(table)


@pytest.mark.parametrize("cell", ["none", "NaN", "", "failed"])
def test_cells_without_a_value(table: Path, cell: str) -> None:
    """As a parameter: absent. As a figure: the row failed."""
    lines = [line.split(",") for line in table.read_text().splitlines()]
    lines[1][3] = lines[2][3] = cell
    lines[4][-1] = cell
    table.write_text("\n".join(map(",".join, lines)) + "\n")
    found = BenchmarkProblem(table)
    assert sum(not found.lookup(c) for c in found.tree.configurations()) == 1
    assert len(found.front()) > 0


@pytest.mark.parametrize("columns", [["config_id"], ["resolution"], ["config_id", "engine"]])
def test_few_columns_are_enough(tmp_path: Path, columns: list[str]) -> None:
    lines = [f"{','.join(str(n) for _ in columns)},{50 + n},{10 ** (5 + n / 5):.0f}" for n in range(20)]
    (tmp_path / "t.csv").write_text("\n".join([",".join([*columns, "accuracy_pct,p90_latency_ns"]), *lines]) + "\n")
    run = replay(BenchmarkProblem(tmp_path / "t.csv"), "auto", seed=0)
    assert (len(run.hypervolume), run.recall, run.precision) == (20, 1.0, 1.0)


@pytest.mark.parametrize(
    ("text", "message"), [("a,b\n1,2\n", "no column accuracy_pct"), ("accuracy_pct,p90_latency_ns\n", "no rows")]
)
def test_what_is_no_table_is_said(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ResultsError, match=message):
        BenchmarkProblem(tmp_path / "t.csv")


@pytest.mark.parametrize(
    "name",
    most_thorough(
        ["replay_rpi4_v0.5.csv", "replay_xavier_v1.0.csv"],
        lambda name: "rpi4" in name,
        "another table of the same form",
    ),
)
def test_published_tables(name: str) -> None:
    if not (REPLAY / name).exists():
        pytest.skip(f"{REPLAY / name} is not here")
    table = BenchmarkProblem(REPLAY / name)
    share = replay(table, "surrogate", seed=0, budget=Budget(trials=table.tree.size // 3)).hypervolume
    assert share[-1] > 0.99
