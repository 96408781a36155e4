"""Machines as folders: what /proc, /sys and /etc of an x86 server and of an ARM board look like."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dse.submission.fields import SYSTEM_FIELDS
from dse.submission.machine import detect

VERSIONS = {"ai-edge-litert": "2.3.0", "mlcommons-loadgen": "6.0.17", "python": "3.11.7"}


def machine(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def cpu(number: int, package: int, siblings: str, caches: Mapping[int, tuple[int, str, str, str]]) -> dict[str, str]:
    base = f"sys/devices/system/cpu/cpu{number}"
    files = {
        f"{base}/topology/physical_package_id": f"{package}\n",
        f"{base}/topology/core_cpus_list": f"{siblings}\n",
    }
    for index, (level, kind, size, shared) in caches.items():
        folder = f"{base}/cache/index{index}"
        files |= {
            f"{folder}/level": f"{level}\n",
            f"{folder}/type": f"{kind}\n",
            f"{folder}/size": f"{size}\n",
            f"{folder}/shared_cpu_list": f"{shared}\n",
        }
    return files


def test_an_x86_server_with_two_threads_per_core(tmp_path):
    files = {
        "proc/cpuinfo": "\n\n".join(
            f"processor\t: {i}\nmodel name\t: AMD EPYC 7B12\ncpu MHz\t\t: 2250.0" for i in range(8)
        ),
        "proc/meminfo": "MemTotal:       32947456 kB\n",
        "proc/sys/kernel/osrelease": "6.1.0-18-amd64\n",
        "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n',
        "sys/class/dmi/id/sys_vendor": "Google\n",
        "sys/class/dmi/id/product_name": "Google Compute Engine\n",
        "sys/block/loop0/size": "99999999999\n",
        "sys/block/sda/size": "209715200\n",
        "sys/block/sda/queue/rotational": "1\n",
        "sys/block/nvme0n1/size": "786432000\n",
        "sys/class/net/lo/mtu": "1\n",
        "sys/class/net/eth0/device/vendor": "0x1af4\n",
        "sys/class/net/eth0/speed": "10000\n",
    }
    for number in range(8):
        package, pair = number // 4, f"{number // 2 * 2}-{number // 2 * 2 + 1}"
        shared = f"{package * 4}-{package * 4 + 3}"
        files |= cpu(
            number,
            package,
            pair,
            {
                0: (1, "Data", "32K", pair),
                1: (1, "Instruction", "32K", pair),
                2: (2, "Unified", "512K", pair),
                3: (3, "Unified", "16384K", shared),
            },
        )
    found = detect(machine(tmp_path, files), VERSIONS)
    assert found == {
        "system_name": "Google Google Compute Engine",
        "number_of_nodes": "1",
        "host_processor_model_name": "AMD EPYC 7B12",
        "host_processors_per_node": "2",
        "host_processor_core_count": "4",
        "host_processor_frequency": "2250 MHz",
        "host_processor_caches": (
            "L1d cache: 128 KiB (4 instances); L1i cache: 128 KiB (4 instances); L2 cache: 2 MiB (4 instances); "
            "L3 cache: 32 MiB (2 instances)"
        ),
        "host_memory_capacity": "31.4 GiB",
        "operating_system": "Debian GNU/Linux 12 (bookworm) (Linux 6.1.0-18-amd64)",
        "framework": "LiteRT 2.3.0",
        "other_software_stack": "Python 3.11.7; mlcommons-loadgen 6.0.17",
        "host_storage_capacity": "375 GiB",
        "host_storage_type": "NVMe SSD",
        "host_networking": "1x Ethernet 10000 Mbit/s",
        "host_network_card_count": "1",
    }


def test_an_arm_board_with_big_and_little_cores(tmp_path):
    blocks = [f"processor\t: {i}\nCPU implementer\t: 0x41\nCPU part\t: 0xd03" for i in range(4)]
    blocks += [f"processor\t: {i}\nCPU implementer\t: 0x41\nCPU part\t: 0xd08" for i in (4, 5)]
    files = {
        "proc/cpuinfo": "\n\n".join([*blocks, "Serial\t\t: 0000"]),
        "sys/firmware/devicetree/base/model": "Firefly RK3399 Board\0",
        "sys/block/mmcblk1/size": "61071360\n",
        "sys/block/mmcblk1/device/type": "MMC\n",
        "sys/class/net/wlan0/device/vendor": "x",
        "sys/class/net/wlan0/wireless/status": "x",
    }
    for number in range(6):
        files |= cpu(number, 0, str(number), {})
        maximum = 1416000 if number < 4 else 1800000
        files[f"sys/devices/system/cpu/cpu{number}/cpufreq/cpuinfo_max_freq"] = f"{maximum}\n"
    found = detect(machine(tmp_path, files), {})
    assert found["system_name"] == "Firefly RK3399 Board"
    assert found["host_processor_model_name"] == "4x Cortex-A53; 2x Cortex-A72"
    assert found["host_processor_core_count"] == "6"
    assert found["host_processors_per_node"] == "1"
    assert found["host_processor_frequency"] == "2x 1800 MHz; 4x 1416 MHz"
    assert (found["host_storage_capacity"], found["host_storage_type"]) == ("29 GiB", "eMMC")
    assert found["host_networking"] == "1x Wi-Fi"
    assert "host_memory_capacity" not in found
    assert "framework" not in found


def test_an_unknown_arm_core_is_named_by_its_numbers(tmp_path):
    root = machine(tmp_path, {"proc/cpuinfo": "processor\t: 0\nCPU implementer\t: 0x61\nCPU part\t: 0x022"})
    assert detect(root, {})["host_processor_model_name"] == "ARM implementer 0x61 part 0x22"


def test_a_machine_that_tells_nothing_leaves_fields_out(tmp_path):
    assert detect(tmp_path, {"python": "3.11"}) == {
        "number_of_nodes": "1",
        "host_processors_per_node": "1",
        "other_software_stack": "Python 3.11",
    }


def test_this_machine_tells_its_processor_and_memory():
    found = detect()
    assert set(found) < set(SYSTEM_FIELDS)
    assert found["host_memory_capacity"].endswith("GiB")
    assert int(found["host_processor_core_count"]) >= 1
