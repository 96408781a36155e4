"""What this machine knows of the 35 fields of a system description: Linux's /proc and /sys, x86 and ARM."""

from __future__ import annotations

import platform
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from dse_harness.engines import ENGINES

from dse.packages import engine_named, engines_here

_ARM_CORES = {
    0xD03: "Cortex-A53",
    0xD04: "Cortex-A35",
    0xD05: "Cortex-A55",
    0xD07: "Cortex-A57",
    0xD08: "Cortex-A72",
    0xD09: "Cortex-A73",
    0xD0A: "Cortex-A75",
    0xD0B: "Cortex-A76",
    0xD0C: "Neoverse-N1",
    0xD0D: "Cortex-A77",
    0xD40: "Neoverse-V1",
    0xD41: "Cortex-A78",
    0xD42: "Cortex-A78AE",
    0xD44: "Cortex-X1",
    0xD46: "Cortex-A510",
    0xD47: "Cortex-A710",
    0xD49: "Neoverse-N2",
    0xD4F: "Neoverse-V2",
}
"""Part numbers of implementer 0x41 (Arm), as the Main ID Register tells them."""
_ARM = 0x41
_NOT_DISKS = ("loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd", "mtd")
_SOFTWARE = ("mlcommons-loadgen", "numpy", "opencv-python-headless")


def detect(root: Path = Path("/"), versions: Mapping[str, str] | None = None) -> dict[str, str]:
    """The fields that the machine tells, by name; what it does not tell is left out.

    ``root`` is where /proc, /sys and /etc hang; ``versions`` are those of the harness's environment (package ->
    version), by default this one's. Cores and caches are totals of the machine, capacities are binary.
    """
    found = versions if versions is not None else _installed()
    cpus = _cpus(root)
    fields = {
        "system_name": _system_name(root),
        "number_of_nodes": "1",
        "host_processor_model_name": _processor(root),
        "host_processors_per_node": str(len({package for package, _ in cpus}) or 1),
        "host_processor_core_count": str(len(set(cpus))) if cpus else "",
        "host_processor_frequency": _frequency(root),
        "host_processor_caches": _caches(root),
        "host_memory_capacity": _memory(root),
        "operating_system": _operating_system(root),
        "framework": _framework(found),
        "other_software_stack": _software(found),
        **_storage(root),
        **_network(root),
    }
    return {name: value for name, value in fields.items() if value}


def _read(path: Path) -> str:
    """A file's text without its ends, empty where there is none: a board without it simply does not tell."""
    try:
        return path.read_bytes().decode(errors="replace").strip("\0 \n\t")
    except OSError:
        return ""


def _numbered(folder: Path, prefix: str) -> list[Path]:
    found = [path for path in folder.glob(f"{prefix}[0-9]*") if path.name.removeprefix(prefix).isdigit()]
    return sorted(found, key=lambda path: int(path.name.removeprefix(prefix)))


def _cpu_folders(root: Path) -> list[Path]:
    return _numbered(root / "sys/devices/system/cpu", "cpu")


def _cpus(root: Path) -> list[tuple[str, str]]:
    """(package, core) of each processor; on ARM, where core numbers restart in each cluster, the cluster counts too."""
    found = []
    for folder in _cpu_folders(root):
        topology = folder / "topology"
        siblings = _read(topology / "core_cpus_list") or _read(topology / "thread_siblings_list") or folder.name
        found.append((_read(topology / "physical_package_id") or "0", siblings))
    return found


def _cpu_info(root: Path) -> list[dict[str, str]]:
    blocks = _read(root / "proc/cpuinfo").split("\n\n")
    return [
        {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in block.splitlines())}
        for block in blocks
    ]


def _processor(root: Path) -> str:
    info = _cpu_info(root)
    if name := info[0].get("model name"):
        return name
    cores = Counter(_arm_core(block) for block in info if "CPU part" in block)
    if len(cores) == 1:
        return next(iter(cores))
    return "; ".join(f"{count}x {name}" for name, count in cores.items())


def _arm_core(block: Mapping[str, str]) -> str:
    implementer, part = int(block.get("CPU implementer", "0"), 16), int(block["CPU part"], 16)
    name = _ARM_CORES.get(part) if implementer == _ARM else None
    return name or f"ARM implementer {implementer:#x} part {part:#x}"


def _frequency(root: Path) -> str:
    maxima = Counter(
        int(text) // 1000
        for folder in _cpu_folders(root)
        if (text := _read(folder / "cpufreq/cpuinfo_max_freq")).isdigit()
    )
    if not maxima:
        text = _cpu_info(root)[0].get("cpu MHz", "")
        return f"{float(text):.0f} MHz" if text else ""
    if len(maxima) == 1:
        return f"{next(iter(maxima))} MHz"
    return "; ".join(f"{count}x {megahertz} MHz" for megahertz, count in sorted(maxima.items(), reverse=True))


def _caches(root: Path) -> str:
    """Like lscpu: ``L1d cache: 96 KiB (2 instances); ...``, totals over the machine."""
    instances = {
        (f"L{_read(index / 'level')}{_read(index / 'type')[:1].lower()}", _read(index / "shared_cpu_list")): size
        for folder in _cpu_folders(root)
        for index in _numbered(folder / "cache", "index")
        if (size := _kibibytes(_read(index / "size")))
    }
    totals: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for (name, _), size in instances.items():
        totals[name] += size
        counts[name] += 1
    return "; ".join(
        f"{name.rstrip('u')} cache: {_binary(totals[name])} ({counts[name]} instance{'s' * (counts[name] > 1)})"
        for name in sorted(totals)
    )


def _kibibytes(text: str) -> int:
    match = re.fullmatch(r"(\d+)([KM])", text)
    return int(match[1]) * (1024 if match[2] == "M" else 1) if match else 0


def _binary(kibibytes: int) -> str:
    for unit in ("KiB", "MiB", "GiB"):
        if kibibytes < 1024 or (kibibytes % 1024 and kibibytes < 10 * 1024):
            return f"{kibibytes} {unit}"
        kibibytes = round(kibibytes / 1024)
    return f"{kibibytes} TiB"


def _memory(root: Path) -> str:
    match = re.search(r"^MemTotal:\s+(\d+) kB", _read(root / "proc/meminfo"), re.MULTILINE)
    return f"{int(match[1]) / 2**20:.1f} GiB".replace(".0 ", " ") if match else ""


def _storage(root: Path) -> dict[str, str]:
    """The largest fixed disk."""
    disks = [
        (int(text), path)
        for path in sorted((root / "sys/block").glob("*"))
        if not path.name.startswith(_NOT_DISKS) and (text := _read(path / "size")).isdigit() and int(text) > 0
    ]
    if not disks:
        return {}
    sectors, path = max(disks)
    return {"host_storage_capacity": f"{sectors * 512 / 2**30:.0f} GiB", "host_storage_type": _disk_type(path)}


def _disk_type(path: Path) -> str:
    if path.name.startswith("nvme"):
        return "NVMe SSD"
    if path.name.startswith("mmcblk"):
        return {"MMC": "eMMC", "SD": "SD card"}.get(_read(path / "device/type"), "MMC")
    if path.name.startswith(("vd", "xvd")):
        return "virtual disk"
    return {"0": "SSD", "1": "HDD"}.get(_read(path / "queue/rotational"), "")


def _network(root: Path) -> dict[str, str]:
    cards = [path for path in sorted((root / "sys/class/net").glob("*")) if (path / "device").exists()]
    if not cards:
        return {}
    return {
        "host_networking": "; ".join(f"{count}x {kind}" for kind, count in Counter(map(_card, cards)).items()),
        "host_network_card_count": str(len(cards)),
    }


def _card(path: Path) -> str:
    if (path / "wireless").exists() or (path / "phy80211").exists():
        return "Wi-Fi"
    speed = _read(path / "speed")
    return f"Ethernet {int(speed)} Mbit/s" if speed.isdigit() and int(speed) > 0 else "Ethernet"


def _operating_system(root: Path) -> str:
    match = re.search(r'^PRETTY_NAME="?([^"\n]+)', _read(root / "etc/os-release"), re.MULTILINE)
    kernel = _read(root / "proc/sys/kernel/osrelease")
    return " ".join(_present(match[1] if match else "", f"(Linux {kernel})" if kernel else ""))


def _system_name(root: Path) -> str:
    board = _read(root / "sys/firmware/devicetree/base/model") or _read(root / "proc/device-tree/model")
    identity = root / "sys/class/dmi/id"
    return board or " ".join(_present(_read(identity / "sys_vendor"), _read(identity / "product_name")))


def _framework(versions: Mapping[str, str]) -> str:
    engines = (engine_named(name) for name in ENGINES)
    return "; ".join(f"{e.title} {versions[e.packages[0]]}" for e in engines if e.packages[0] in versions)


def _software(versions: Mapping[str, str]) -> str:
    python = f"Python {versions.get('python', platform.python_version())}"
    return "; ".join([python, *(f"{name} {versions[name]}" for name in _SOFTWARE if name in versions)])


def _installed() -> dict[str, str]:
    found = {engine.packages[0]: version for engine, version in engines_here().values()}
    for name in _SOFTWARE:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _present(*parts: str) -> Iterator[str]:
    return (part for part in parts if part)
