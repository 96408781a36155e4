"""What the figures of a response can be: exact types come from `harness.decode`, this is about what no run can find."""

from __future__ import annotations

from itertools import pairwise

from harness.protocol import Accuracy, Performance, Response

_MOST = 2**63 - 1
"""LoadGen counts and times in 64 bits."""
_RISING = ("min", "p50", "p90", "p95", "p99", "p999", "max")


def impossible(response: Response) -> str | None:
    """What is wrong with a response's figures, as a sentence with what was found; None where nothing is."""
    found = [
        *(_accuracy(response.accuracy) if response.accuracy else ()),
        *(_performance(response.performance) if response.performance else ()),
        *(
            _count(name, value, 0)
            for name, value in (
                ("peak_memory_bytes", response.peak_memory_bytes),
                ("loadgen_memory_bytes", response.loadgen_memory_bytes),
                ("baseline_memory_bytes", response.baseline_memory_bytes),
            )
            if value is not None
        ),
    ]
    return next((said for said in found if said), None)


def _accuracy(accuracy: Accuracy) -> list[str | None]:
    good = _count("accuracy.good", accuracy.good, 0)
    if good is None and accuracy.good > accuracy.total:
        good = f"accuracy.good: found {accuracy.good} of {accuracy.total} images"
    return [_count("accuracy.total", accuracy.total, 1), good]


def _performance(found: Performance) -> list[str | None]:
    latencies = {name: getattr(found, f"latency_{name}_ns") for name in _RISING}
    said = [_count(f"performance.latency_{name}_ns", value, 0) for name, value in latencies.items()]
    said += [_count("performance.query_count", found.query_count, 1)]
    said += [_count("performance.duration_ns", found.duration_ns, 1)]
    if found.early_stopping_p90_ns is not None:
        said.append(_count("performance.early_stopping_p90_ns", found.early_stopping_p90_ns, 0))
    for (low, shorter), (high, longer) in pairwise(latencies.items()):
        if shorter > longer:
            said.append(f"performance: found latency_{low}_ns {shorter} above latency_{high}_ns {longer}")
    if not latencies["min"] <= found.latency_mean_ns <= latencies["max"]:
        said.append(f"performance.latency_mean_ns: found {found.latency_mean_ns}, outside shortest and longest")
    return said


def _count(name: str, value: int, least: int) -> str | None:
    return None if least <= value <= _MOST else f"{name}: found {value}, allowed: {least} to {_MOST}"
