"""What `benchmarks/truth.py` computes of fronts: whether it is right is not seen on a machine that measures."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dse
from benchmarks import truth
from benchmarks.truth import Costs, Row, Run
from dse.core.configuration import Configuration
from dse.core.pareto import nondominated

EXACT = (0.0, 0.0)
INDIFFERENCE = (0.03, 0.001)
costs = st.tuples(st.integers(0, 9).map(float), st.integers(0, 9).map(float))
points = st.lists(costs, min_size=1, max_size=12)


def named(found: list[Costs]) -> dict[Configuration, Costs]:
    return {Configuration({"n": n}): point for n, point in enumerate(found)}


@given(points)
def test_nothing_beats_the_exact_front(found: list[Costs]) -> None:
    kept = nondominated(found)
    assert truth.best(named(found), EXACT) == {v for v, keep in zip(named(found), kept, strict=True) if keep}


@given(points, st.sampled_from([0.0, 1.0, 3.0]))
def test_more_is_on_the_front_the_less_matters(found: list[Costs], least: float) -> None:
    assert truth.best(named(found), EXACT) <= truth.best(named(found), (least, least))


@given(points, points)
def test_the_volume_of_a_part_is_no_more_than_that_of_all(found: list[Costs], others: list[Costs]) -> None:
    assert truth.volume(found + others, found + others) == pytest.approx(1.0)
    assert 0.0 <= truth.volume(found, found + others) <= 1.0 + 1e-9


def test_counterparts_are_counted_each_way() -> None:
    one, other = [(0.0, 0.0), (1.0, 0.5)], [(0.02, 0.001)]
    assert truth.counterparts(one, other, INDIFFERENCE) == 0.5
    assert truth.counterparts(other, one, INDIFFERENCE) == 1.0
    assert truth.counterparts(other, one, EXACT) == 0.0
    assert truth.counterparts([], one, EXACT) == 0.0


def test_a_better_row_covers_one_that_has_no_counterpart() -> None:
    worse, better = [(0.10, 5.0)], [(0.05, 2.0)]
    assert truth.counterparts(worse, better, INDIFFERENCE) == 0.0
    assert truth.covered(worse, better, INDIFFERENCE) == 1.0
    assert truth.covered(better, worse, INDIFFERENCE) == 0.0
    assert truth.both_ways(worse, better, INDIFFERENCE) == "0.00, 0.00 (1.00, 0.00)"


def test_two_fronts_have_variants_in_common() -> None:
    small, large = Configuration({"family": "small"}), Configuration({"family": "large"})
    assert truth.jaccard([small], [small, large]) == 0.5


def test_a_run_is_judged_by_the_figures_of_the_table() -> None:
    a, b, c, d = (Configuration({"n": name}) for name in "abcd")
    table = {a: (0.0, 1.0), b: (1.0, 0.0), c: (1.02, 0.0), d: (2.0, 2.0)}
    run = Run(rows=(Row(a, (0.5, 0.9)), Row(c, (0.1, 0.1))), variants=frozenset({a, c}), figures={})
    assert truth.against_truth(run, table, INDIFFERENCE) == {
        "hypervolume, of the table's": "0.9933",
        "share of its rows truly on the front": "50%",
        "share that nothing beats by more than the indifference": "100%",
        "of the true front, found": "50%",
        "of the true front, found within the indifference": "100%",
    }


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("truth") / "seed-0"
    device = dse.FakeDevice(latency_ns=lambda r: 1e6 / r.runtime.threads, accuracy=lambda _: 0.8)
    dse.explore("mobilenet_v3", folder, dse.Budget(trials=6), seed=1, backend=device)
    return folder


def test_the_table_is_what_its_studies_say(tmp_path: Path, searched: Path) -> None:
    for name in ("accuracies", "pass-0"):
        shutil.copytree(searched, tmp_path / name)
    table = truth.read_table(tmp_path, dse.open_study(searched).objectives)
    assert set(table) == {truth.variant_of(row.configuration) for row in dse.open_study(searched).configurations()}
    assert {row[0] for row in table.values()} == {-0.8}


def test_a_search_is_read_with_what_it_says_of_itself(searched: Path) -> None:
    run, study = truth.read_run(searched), dse.open_study(searched)
    assert len(run.rows) == len(study.front())
    assert run.figures["trials; configurations"] == f"{len(study.trials())}; 6"
    assert sum(map(int, run.figures["on the front for certain; plausible; off"].split("; "))) == 6
    assert run.figures["rows whose accuracy is not on all images"] == "0"


def test_the_report_says_that_a_front_agrees_with_itself(
    tmp_path: Path, searched: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("accuracies", "pass-0", "pass-1"):
        shutil.copytree(searched, tmp_path / name)
    truth.report(tmp_path, [searched, shutil.copytree(searched, tmp_path / "seed-1")], with_table=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Table: 6 variants, ")
    (volumes,) = (line.split(" | ")[1:] for line in lines if line.startswith("| hypervolume"))
    assert volumes[0] == volumes[1].removesuffix(" |")
    assert lines[-1] == f"| seed-0, seed-1 | {' | '.join(['1.00', *['1.00, 1.00 (1.00, 1.00)'] * 4])} |"
