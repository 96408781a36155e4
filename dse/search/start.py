"""What a search needs before it begins, and whether it confirms: for the command line and for Python alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dse.backends import Backend
from dse.core.budget import Budget
from dse.models import Download
from dse.paths import require_cache
from dse.spaces.space import Space


def fetch(space: Space, backend: Backend, download: Callable[[Sequence[Download]], None] | None = None) -> None:
    """Make sure of the cache, and ``download`` the models that are not here yet (None: without a word).

    Raises MachineError, ModelError.
    """
    if not backend.is_deterministic:
        require_cache()
    if space.downloads:
        (download or _download)(space.downloads)


def confirms(backend: Backend, budget: Budget) -> bool:
    """Whether a search confirms its front: with what is left of a limited time, where a repeat says something new."""
    return budget.seconds is not None and not backend.is_deterministic


def _download(sources: Sequence[Download]) -> None:
    for source in sources:
        source.download()
