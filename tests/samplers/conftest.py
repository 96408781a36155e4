"""Of Optuna's conformance suite, which asks the same of many numbers, `bin/test` takes the first and the last."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from tests.thorough import thorough

_HERE = Path(__file__).parent
_SUITE = "optuna.testing."


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    functions = [item for item in items if isinstance(item, pytest.Function) and _HERE in item.path.parents]
    suite = [item for item in functions if item.function.__module__.startswith(_SUITE)]
    for _, family in itertools.groupby(suite, _family):
        for item in list(family)[1:-1]:
            item.add_marker(thorough("Optuna's suite with other numbers"))


def _family(item: pytest.Function) -> tuple[Any, str]:
    return item.cls, item.originalname
