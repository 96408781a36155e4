"""The smallest network of the zoo in a space, which other spaces of tests and benchmarks add to."""

from __future__ import annotations

from typing import Any

NETWORK: dict[str, list[Any]] = {
    "family": ["small"],
    "form": ["minimalistic"],
    "width": [0.35],
    "side": [48],
    "precision": ["float32"],
}
"""The parameters that make it the only one."""
SPACE: dict[str, Any] = {
    "schema": 1,
    "name": "small",
    "data_set": {"embedded": "fashion_mnist", "classes": 10},
    "models": {"zoo": {"zoo": "mobilenet_v3"}},
    "parameters": NETWORK,
}
MANY: dict[str, Any] = {
    **SPACE,
    "name": "many",
    "parameters": {
        **NETWORK,
        "side": [48, 64, 96],
        "precision": ["float32", "int8"],
        "threads": list(range(1, 33)),
        "buffer_size": list(range(16, 1025, 16)),
    },
    "objectives": ["accuracy", "latency_p90_ns"],
}
"""More configurations than a search comes to the end of."""
