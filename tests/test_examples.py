"""The examples are what others write: the TVM engine has what a registry wants, and its own tests where TVM is."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from dse_harness.engines import ENGINES
from dse_harness.errors import HarnessError
from dse_harness.protocol import RuntimeSpec

from tests.harness.distributions import install

_TVM = Path(__file__).parents[1] / "examples" / "dse-tvm"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch):
    """The engine's module, found as an installed one would be."""
    monkeypatch.syspath_prepend(str(_TVM))
    monkeypatch.delitem(sys.modules, "dse_tvm", raising=False)
    return importlib.import_module("dse_tvm")


def test_the_entry_point_names_the_class_and_the_class_has_what_the_registry_wants(module) -> None:
    project = tomllib.loads((_TVM / "pyproject.toml").read_text())["project"]
    ((name, place),) = project["entry-points"]["dse.engines"].items()
    assert (name, place) == ("tvm", "dse_tvm:TVM")
    assert [need for need in ENGINES._needs if not hasattr(module.TVM, need)] == []
    assert {needed.partition(">")[0] for needed in project["dependencies"]} == set(module.TVM.packages)


def test_it_is_found_without_being_imported(tmp_path: Path) -> None:
    install(tmp_path, "dse_tvm", "dse.engines", {"tvm": "dse_tvm:TVM"})
    program = "import sys; from dse_harness.engines import ENGINES; print('tvm' in ENGINES, 'dse_tvm' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(_TVM), *filter(None, sys.path)])}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_where_tvm_is_missing_the_command_that_installs_it_is_said(module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tvm", None)
    monkeypatch.setenv("TVM_NUM_THREADS", "")
    with pytest.raises(HarnessError, match="pip install apache-tvm tflite") as caught:
        module.TVM(RuntimeSpec("tvm", 1, "llvm"))
    assert caught.value.failure.error == "runtime_missing"


def test_what_is_no_model_is_refused_without_tvm(module, tmp_path: Path) -> None:
    (tmp_path / "text.tflite").write_text("neither model nor anything else")
    for name, error in (("absent", "model_missing"), ("text", "model_broken")):
        with pytest.raises(HarnessError) as caught:
            module.TVM.check_file(tmp_path / f"{name}.tflite")
        assert caught.value.failure.error == error
