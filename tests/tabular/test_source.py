from __future__ import annotations

from pathlib import Path

import pytest

from dse.tabular.source import TabularSource
from dse.tabular.table import read_table

TABLE = "precision,width,accuracy_pct,p90_latency_ns\nfloat,0.25,50,1000\nfloat,0.5,60,2000\nuint8,,70,3000\n"


@pytest.fixture
def source(tmp_path: Path) -> TabularSource:
    (tmp_path / "t.csv").write_text(TABLE)
    return TabularSource(read_table(tmp_path / "t.csv"))


def test_a_variant_is_known_by_table_and_row(source: TabularSource) -> None:
    assert source.parameters == {"width": (0.25, 0.5, "none")}
    configurations = list(source.table.tree.configurations())
    made = [source.make(configuration) for configuration in configurations]
    assert {model.path for model in made} == {source.table.path}
    assert len({model.sha256 for model in made}) == 3
    for configuration, model in zip(configurations, made, strict=True):
        assert source.identity(configuration) == {"recorded": model.sha256}


def test_an_unknown_level_is_refused_and_an_unknown_combination_is_not(source: TabularSource) -> None:
    source.check({"width": 0.5})
    source.check({})
    with pytest.raises(ValueError, match=r"t\.csv has no width 0\.75, allowed: 0\.25, 0\.5, none"):
        source.check({"width": 0.75})


def test_a_configuration_is_known_without_making_it(source: TabularSource) -> None:
    assert (source.is_free, source.is_local, source.resolved()) == (True, True, {})
    assert source.known_identity({"width": 0.5}) == source.identity({"width": 0.5})
