"""What a search needs before it begins, and whether it confirms: for the command line and for Python alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from dse_harness.energy import METRIC, EnergySensors

from dse.backends import Backend, LocalBackend
from dse.core.budget import Budget
from dse.errors import MachineError
from dse.models import Download
from dse.paths import require_cache
from dse.search.pool import Pool
from dse.spaces.space import Space


def fetch(space: Space, backend: Backend | None, download: Callable[[Sequence[Download]], None] | None = None) -> None:
    """Make sure of cache and sensors, and ``download`` the models that are not here yet (None: without a word).

    Without a ``backend`` it is measured elsewhere.

    Raises MachineError, ModelError.
    """
    if backend is None or not backend.is_deterministic:
        require_cache()
    if isinstance(backend, LocalBackend):
        require_sensors(space)
    if space.downloads:
        (download or _download)(space.downloads)


def require_sensors(space: Space, root: Path = Path("/")) -> None:
    """Raise MachineError where the space asks for energy and this machine, whose /sys is below ``root``, tells none."""
    if space.asks_for_energy and (problem := EnergySensors(root).problem):
        raise MachineError(f"{METRIC} is among the figures of this space: {problem}")


def confirms(backend: Backend | Pool, budget: Budget) -> bool:
    """Whether a search confirms its front: with what is left of a limited time, where a repeat says something new."""
    return budget.seconds is not None and not backend.is_deterministic


def _download(sources: Sequence[Download]) -> None:
    for source in sources:
        source.download()
