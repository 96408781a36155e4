import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import dse_harness
from dse_harness.clock import now_s

from tests.harness.devices import LONG, Launcher, ask, device, job, machine


def test_this_machine_says_what_it_is(tmp_path: Path) -> None:
    before_s = now_s()
    facts, code = ask("facts", tmp_path / "absent")
    assert code == 0
    assert facts["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert (facts["machine"], facts["python"]) == (platform.machine(), platform.python_version())
    assert facts["packages"]["numpy"]
    assert facts["packages"]["mlcommons-loadgen"]
    assert facts["engines"]["litert"]["installed"]
    assert facts["programs"].keys() >= {"cc", "c++", "cmake"}
    assert facts["cpus"] == len(os.sched_getaffinity(0))
    assert facts["free_bytes"] > 0
    assert before_s < facts["boottime_s"] < now_s()
    assert facts["lease"] is None
    assert not (tmp_path / "absent").exists()


def test_a_raspberry_pi_tells_of_its_clock_and_heat(tmp_path: Path) -> None:
    root = machine(tmp_path / "pi", "booted")
    for name, text in {
        "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
        "proc/loadavg": "0.52 0.58 0.59 1/467 12345",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand",
        "sys/class/thermal/thermal_zone0/type": "cpu-thermal",
        "sys/class/thermal/thermal_zone0/temp": "48686",
        "sys/devices/platform/soc/soc:firmware/get_throttled": "0",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    facts, _ = ask("facts", tmp_path / "device", b"", root)
    assert (facts["boot_id"], facts["model"]) == ("booted", "Raspberry Pi 4 Model B Rev 1.4")
    assert facts["governors"] == ["ondemand"]
    assert facts["governor_writable"] is True
    assert facts["temperatures_celsius"] == {"0 cpu-thermal": 48.686}
    assert (facts["throttled"], facts["throttled_readable"]) == ([], True)


def test_a_machine_that_tells_nothing_is_no_error(tmp_path: Path) -> None:
    facts, code = ask("facts", tmp_path / "device", b"", machine(tmp_path / "bare"))
    assert code == 0
    assert (facts["governors"], facts["governor_writable"], facts["throttled_readable"]) == ([], None, False)


def test_a_machine_without_a_boot_id_is_an_error(tmp_path: Path) -> None:
    facts, code = ask("facts", tmp_path / "device", b"", tmp_path)
    assert (code, facts["error"]) == (3, "internal")


def test_who_has_the_device_is_said(tmp_path: Path) -> None:
    root = device(tmp_path / "device")
    with Launcher(root, job(owner="somebody", command=LONG)) as launcher:
        launcher.began()
        facts, _ = ask("facts", root)
    assert (facts["lease"]["owner"], facts["lease"]["run_id"]) == ("somebody", "study-1-abc")


def test_the_devices_side_needs_the_standard_library_only(tmp_path: Path) -> None:
    """On a board that is being set up there is nothing else: not even site-packages."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); import dse_harness.launch, dse_harness.store; "
    code += "from dse_harness.__main__ import main; sys.exit(main(['facts', sys.argv[2]]))"
    package = str(Path(dse_harness.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, package, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["packages"] == {
        "numpy": None,
        "opencv-python-headless": None,
        "mlcommons-loadgen": None,
    }
