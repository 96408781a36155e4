"""Each rule, broken in an otherwise good tree: the built-in check names it and agrees with MLCommons' checker."""

from __future__ import annotations

from pathlib import Path

import pytest

from dse.errors import SubmissionError
from dse.submission.checks import check_tree
from dse.submission.findings import RULES
from dse.submission.mlcommons_checker import VARIABLE, find_checkout, run_official
from dse.submission.rounds import ROUNDS, SCENARIOS, Round
from tests.submission.breakages import BREAKAGES, MEASURED, PERFORMANCE_LOG, RESULT, in_log
from tests.thorough import most_thorough, thorough

FIRST_OF_EACH_RULE = {
    str(breakage) for breakage in {breakage.rule: breakage for breakage in reversed(BREAKAGES)}.values()
}


def rules(tree: Path, round_: Round) -> set[str]:
    return {item.rule for item in check_tree(tree, round_)} - {"data-set-size"}


@pytest.mark.parametrize("round_name", ["v5.1", "v6.1"])
def test_a_good_tree_breaks_no_rule(written, round_name):
    assert rules(written(round_name, SCENARIOS) / "tree", ROUNDS.get(round_name)) == set()


@pytest.mark.parametrize(
    ("round_name", "breakage"),
    [
        *(pytest.param("v6.1", breakage, id=f"v6.1-{breakage}") for breakage in BREAKAGES),
        *most_thorough(
            (("v5.1", breakage) for breakage in BREAKAGES),
            lambda case: str(case[1]) in FIRST_OF_EACH_RULE,
            "in the layout of an older round: one breakage of each rule is enough",
        ),
    ],
)
def test_a_broken_rule_is_named(make_tree, round_name, breakage):
    tree, round_ = make_tree(round_name), ROUNDS.get(round_name)
    breakage.apply(tree, round_)
    assert rules(tree, round_) == {breakage.rule} | breakage.also


@pytest.mark.parametrize("measured", MEASURED)
def test_offline_may_be_measured_too(make_tree, measured):
    tree = make_tree()
    measured()(tree, ROUNDS.get("v6.1"))
    assert rules(tree, ROUNDS.get("v6.1")) == set()


def test_the_data_set_size_is_a_rule(make_tree):
    found = [item for item in check_tree(make_tree(), ROUNDS.get("v6.1")) if item.rule == "data-set-size"]
    assert len(found) == 3
    assert found[0].found == "1200 images"
    assert found[0].path.endswith("accuracy/mlperf_log_detail.txt")


def test_every_rule_of_a_tree_has_a_breakage():
    of_other_places = {"data-set-size", "official-checker", "loadgen-version", "tree-files", "evidence"}
    of_other_places |= {rule.name for rule in RULES.values() if not rule.allowable}  # see tamperings.py
    assert {breakage.rule for breakage in BREAKAGES} == set(RULES) - of_other_places


def test_a_finding_says_file_rule_and_fix(make_tree):
    tree = make_tree()
    in_log(PERFORMANCE_LOG, "effective_performance_sample_count", 500)(tree, ROUNDS.get("v6.1"))
    (found,) = [item for item in check_tree(tree, ROUNDS.get("v6.1")) if item.rule == "buffer-size"]
    assert found.path == f"{RESULT}/{PERFORMANCE_LOG}"
    assert found.found == "effective_performance_sample_count 500"
    assert "1024" in found.allowed
    assert found.fix


def test_a_tree_of_another_round_has_the_wrong_seeds(make_tree):
    assert "seeds" in rules(make_tree("v6.0"), ROUNDS.get("v6.1"))


def test_no_tree_is_an_error(tmp_path):
    with pytest.raises(SubmissionError, match="no such folder"):
        check_tree(tmp_path / "nowhere", ROUNDS.get("v6.1"))


@pytest.fixture
def checkout() -> Path:
    found = find_checkout(None)
    if found is None:
        pytest.skip(f"{VARIABLE} names no checkout of mlcommons/inference")
    return found


@pytest.mark.parametrize("round_name", ["v5.1", "v6.0", "v6.1"])
def test_the_official_checker_accepts_the_good_tree(make_tree, round_name, checkout):
    tree, round_ = make_tree(round_name), ROUNDS.get(round_name)
    assert run_official(checkout, tree, round_, allow=["data-set-size"]).ok
    verdict = run_official(checkout, tree, round_)
    assert not verdict.ok
    assert {item.rule for item in verdict.findings} == {"data-set-size"}


@pytest.mark.parametrize("measured", MEASURED)
def test_the_official_checker_takes_offline_measured(make_tree, checkout, measured):
    tree, round_ = make_tree(), ROUNDS.get("v6.1")
    measured()(tree, round_)
    assert run_official(checkout, tree, round_, allow=["data-set-size"]).ok


@thorough("each runs MLCommons' checker")
@pytest.mark.parametrize("breakage", BREAKAGES, ids=str)
@pytest.mark.parametrize("round_name", ["v5.1", "v6.1"])
def test_the_official_checker_agrees(make_tree, round_name, breakage, checkout):
    tree, round_ = make_tree(round_name), ROUNDS.get(round_name)
    breakage.apply(tree, round_)
    ours = [item for item in check_tree(tree, round_) if item.rule != "data-set-size" and item.source == "checker"]
    verdict = run_official(checkout, tree, round_, allow=["data-set-size"])
    assert verdict.ok == (not ours), verdict.output[-2000:]
    if not verdict.ok:
        named = {item.rule for item in verdict.findings}
        assert named & ({breakage.rule, "official-checker"} | breakage.also | breakage.official)
