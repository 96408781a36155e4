"""Which tests `bin/test` leaves to `bin/test --all`, and why: a mark with a reason at each.

pytest -m "thorough and not integration" --collect-only -q      these tests
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import settings


def thorough(reason: str) -> pytest.MarkDecorator:
    """For a test that finds what others find too, or takes long; ``reason`` says which."""
    return pytest.mark.thorough(reason=reason)


def most_thorough(
    cases: Iterable[Any], always: Callable[[Any], bool], reason: str, name: Callable[[Any], str] | None = None
) -> list[Any]:
    """Near-equal ``cases`` of a parameter (or tuples of several): all but those that are ``always`` are for `--all`."""
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)),
            marks=() if always(case) else thorough(reason),
            id=name(case) if name else "-".join(map(str, case)) if isinstance(case, tuple) else None,
        )
        for case in cases
    ]


def examples(thorough: int) -> int:
    """How many examples hypothesis tries of a test that needs more than others: of `--all`'s, the profile's part."""
    return max(5, thorough * settings().max_examples // 100)


def require_reasons(items: Iterable[pytest.Item]) -> None:
    """Raise UsageError for a mark that does not say why."""
    for item in items:
        for mark in item.iter_markers("thorough"):
            if mark.args or not mark.kwargs.get("reason"):
                raise pytest.UsageError(f"{item.nodeid}: the mark thorough has no reason")
