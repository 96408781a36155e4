from __future__ import annotations

import sys

import pytest

from dse.errors import MachineError
from dse.submission.environment import available_memory_bytes, loadgen_version


@pytest.mark.parametrize(("limit", "expected"), [("2000", 1200), ("500", 0), ("max", None)])
def test_a_control_group_limits_the_memory(tmp_path, limit, expected):
    group = tmp_path / "sys/fs/cgroup/box"
    group.mkdir(parents=True)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("1:cpu:/other\n0::/box\n")
    (group / "memory.max").write_text(f"{limit}\n")
    (group / "memory.current").write_text("1000\n")
    (group / "memory.stat").write_text("anon 800\ninactive_file 200\n")
    found = available_memory_bytes(tmp_path)
    assert found == expected if expected is not None else found > 2000


def test_without_a_control_group_the_system_counts(tmp_path):
    assert available_memory_bytes(tmp_path) > 2**20


def test_an_interpreter_that_does_not_run_is_an_error(tmp_path):
    assert loadgen_version(None) == loadgen_version(sys.executable)
    with pytest.raises(MachineError, match="does not run"):
        loadgen_version(str(tmp_path / "python"))
