from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from dse.errors import UsageError
from dse.submission.detail_log import read_detail_log
from dse.submission.rounds import ROUNDS, get_round, round_of_loadgen
from dse.testing.rounds import RoundTests

RECORDED = Path(__file__).parent / "recorded"


@pytest.mark.parametrize("name", ["v5.1", "v6.0", "v6.1"])
@pytest.mark.parametrize("run", ["performance", "accuracy"])
def test_the_seeds_are_those_that_the_wheels_have(name, run):
    log = read_detail_log(RECORDED / name / run / "mlperf_log_detail.txt")
    for seed, value in dataclasses.asdict(ROUNDS.get(name).seeds).items():
        assert log.values[f"effective_{seed}"] == value
    assert round_of_loadgen(log.values["loadgen_version"]) is ROUNDS.get(name)


def test_a_wheel_belongs_to_one_round():
    versions = [version for round_ in map(ROUNDS.get, ROUNDS) for version in round_.loadgen_versions]
    assert len(versions) == len(set(versions))
    assert round_of_loadgen("4.1.0") is None


def test_an_unknown_round_lists_the_known_ones():
    with pytest.raises(UsageError, match=r"v5\.0, v5\.1, v6\.0, v6\.1"):
        get_round("v1.1")


def test_a_round_without_a_loadgen_is_checked_only():
    assert get_round("v5.0").loadgen_versions == ()
    with pytest.raises(UsageError, match=r"'v5\.0' \(no LoadGen .*\), allowed: v5\.1, v6\.0, v6\.1"):
        get_round("v5.0", to_measure=True)


class TestV50(RoundTests):
    round_ = ROUNDS.get("v5.0")


class TestV51(RoundTests):
    round_ = ROUNDS.get("v5.1")


class TestV60(RoundTests):
    round_ = ROUNDS.get("v6.0")


class TestV61(RoundTests):
    round_ = ROUNDS.get("v6.1")
