"""Which part of a configuration says what: the model, its variant, and how the harness runs it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dse.core.configuration import Value
from dse.packages import engine_options

HARNESS_PARAMETERS = ("threads", "buffer_size", "delegate", "runtime", "cpu_affinity", "scenario", "batch_size")
"""Parameters that the harness takes for every engine."""


def is_harness_parameter(name: str) -> bool:
    """Whether the harness takes it, for every engine or for one; every other but ``model`` is the model source's."""
    return name in HARNESS_PARAMETERS or name in engine_options()


def variant_of(configuration: Mapping[str, Value]) -> dict[str, Value]:
    """The part of the configuration that is the model variant."""
    return {k: v for k, v in configuration.items() if not is_harness_parameter(k) and k != "model"}


def model_of(configuration: Mapping[str, Value], models: Iterable[str]) -> str:
    """The name of the configuration's model; where it names none, the first of ``models``."""
    return str(configuration["model"] if "model" in configuration else next(iter(models)))


def runtime_of(configuration: Mapping[str, Value], runtimes: Iterable[str]) -> str | None:
    """The name of the configuration's runtime; where it names none, the first of ``runtimes``, if there are any."""
    return str(configuration["runtime"]) if "runtime" in configuration else next(iter(runtimes), None)
