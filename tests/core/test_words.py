"""Numbers with their nouns."""

from __future__ import annotations

import pytest

from dse.core.words import counted


@pytest.mark.parametrize(
    ("count", "noun", "said"),
    [(1, "trial", "1 trial"), (0, "trial", "0 trials"), (2, "trial", "2 trials"), (3, "study", "3 studies")],
)
def test_one_is_not_many(count: int, noun: str, said: str) -> None:
    assert counted(count, noun) == said
