import subprocess
import sys
from pathlib import Path

from dse_harness.boot import command


def run(code_folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command(sys.executable), *arguments], cwd=code_folder, capture_output=True, text=True, check=False
    )


def test_nothing_in_the_current_folder_is_imported(tmp_path: Path) -> None:
    for name in ("numpy.py", "json.py", "dse_harness.py"):
        (tmp_path / name).write_text("raise SystemExit('the wrong ' + __name__)")
    done = run(tmp_path, "run", "absent.json")
    assert done.returncode == 2
    assert done.stderr == "absent.json: no such file\n"


def test_a_failure_is_said_to_who_runs_a_request_by_hand(tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text("{}")
    done = run(tmp_path, "run", "request.json")
    assert done.returncode == 0  # the response tells
    assert '"bad_request"' in (tmp_path / "response.json").read_text()
    assert done.stderr.startswith("bad_request: ")


def test_a_wrong_call_says_how_to_call(tmp_path: Path) -> None:
    done = run(tmp_path, "measure")
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")


def test_the_harness_imports_nothing_of_the_explorer() -> None:
    code = """\
import sys
import dse_harness.__main__, dse_harness.measure, dse_harness.preprocessing, dse_harness.boot
import dse_harness.engines
dse_harness.engines.open_engine(dse_harness.protocol.RuntimeSpec())
dse_harness.preprocessing.recipe(dse_harness.protocol.Preprocessing(), 8)
loaded = {name.partition(".")[0] for name in sys.modules}
print(*sorted(loaded & {"dse", "optuna", "pandas", "matplotlib", "typer", "pydantic", "rich", "psutil"}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_protocol_needs_the_standard_library_only() -> None:
    code = "import sys, dse_harness.protocol, dse_harness.boot; "
    code += "print('numpy' in sys.modules, 'mlperf_loadgen' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
