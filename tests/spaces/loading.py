"""A small space for tests to change, load and see refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dse.errors import DseError
from dse.spaces.load import load_space
from dse.spaces.space import Space

SMALL: dict[str, Any] = {
    "schema": 1,
    "name": "small",
    "data_set": {"file": "images.npz", "classes": 10},
    "models": {"zoo": {"zoo": "mobilenet_v3"}},
    "parameters": {
        "family": ["small"],
        "form": ["minimalistic"],
        "width": [0.35],
        "side": [48, 64],
        "precision": ["float32"],
        "threads": [1, 2],
        "buffer_size": [4],
    },
}
LEVELS = SMALL["parameters"]


def load(here: Path, /, variables: dict[str, str] | None = None, **changes: Any) -> Space:
    content = {key: value for key, value in (SMALL | changes).items() if value is not None}
    (here / "space.yaml").write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return load_space(here / "space.yaml", variables or {})


def refused(here: Path, /, variables: dict[str, str] | None = None, **changes: Any) -> DseError:
    with pytest.raises(DseError) as caught:
        load(here, variables, **changes)
    return caught.value
