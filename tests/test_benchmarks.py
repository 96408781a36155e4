"""What is run by hand still starts: every benchmark, and what trains the zoo, can be imported."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_SHARED = {"apart", "in_browser"}
"""What several benchmarks import, and nobody runs."""


@pytest.mark.parametrize("path", sorted(ROOT.glob("benchmarks/*.py")), ids=lambda path: path.stem)
def test_a_benchmark_can_be_imported(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, path.stem, module)  # where dataclasses look for their types
    spec.loader.exec_module(module)
    assert hasattr(module, "main") or path.stem in _SHARED


@pytest.mark.parametrize("path", sorted(ROOT.glob("training/*.py")), ids=lambda path: path.stem)
def test_training_can_be_imported(path: Path) -> None:
    try:
        importlib.import_module(f"training.{path.stem}")
    except ModuleNotFoundError as error:
        if error.name not in {"torch", "ai_edge_quantizer"}:
            raise
        pytest.skip("PyTorch is needed for training only")
