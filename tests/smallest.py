"""The smallest network of the zoo in a space, which other tests' spaces add to."""

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
