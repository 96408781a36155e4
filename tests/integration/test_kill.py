"""``kill -9`` at random moments: nothing finished is lost or counted twice, nothing is left running."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.integration.exploring import check, orphans, start, write_space

_LIFE_S = 6.0
"""By then a search has started, measured some configurations, and often ended."""


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--kills"))


def test_a_search_killed_again_and_again_measures_everything_once(tmp_path: Path, kills: int) -> None:
    write_space(tmp_path)
    seed = random.randrange(1_000_000)
    print(f"killed at the moments of seed {seed}")
    rng = random.Random(seed)
    for _ in range(kills):
        process = start(tmp_path)
        time.sleep(rng.uniform(0.5, _LIFE_S))
        process.kill()
        process.communicate()
        assert orphans(tmp_path) == []
    process = start(tmp_path)
    _, err = process.communicate(timeout=300)
    assert process.returncode in (0, 5), err  # 5: a busy machine, on which no figure counts
    study = check(tmp_path / "tiny")
    assert sum(m.phase == "search" for m in study.measurements) == 8
    assert not any(m.failed for m in study.measurements)
