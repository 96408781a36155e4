"""What a round of MLPerf Inference has to satisfy: subclass `RoundTests` and give it the round."""

from __future__ import annotations

import dataclasses

from dse.submission.rounds import ROUNDS, Round, round_of_loadgen


class RoundTests:
    """Tests of one round of `ROUNDS`."""

    round_: Round

    def test_the_registry_has_it_under_its_name(self) -> None:
        """`--round` names it."""
        assert ROUNDS.get(self.round_.name) is self.round_

    def test_seeds_are_those_of_no_other_round(self) -> None:
        """They are compiled into LoadGen, and tell which round a log is of."""
        seeds = dataclasses.astuple(self.round_.seeds)
        assert all(0 < seed < 2**64 for seed in seeds)
        others = [ROUNDS.get(name) for name in ROUNDS if name != self.round_.name]
        assert seeds not in [dataclasses.astuple(other.seeds) for other in others]

    def test_a_loadgen_measures_for_this_round_alone(self) -> None:
        """A wheel has the seeds of one round."""
        for version in self.round_.loadgen_versions:
            assert round_of_loadgen(version) is self.round_

    def test_every_file_has_a_place_below_the_submitter(self) -> None:
        """Results and measurements of one system, model and scenario."""
        of = ("board", "model", "SingleStream")
        for path in (self.round_.results(*of), self.round_.measurements(*of)):
            assert not path.is_absolute()
            assert {"board", "model", "SingleStream"} <= set(path.parts)
        assert self.round_.measurements_name("board", "SingleStream").endswith(".json")
        assert self.round_.source
