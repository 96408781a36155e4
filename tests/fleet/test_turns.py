"""Which systems are searched at the same time: none of which two devices are one machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from dse.fleet.calibration import board_facts
from dse.fleet.device_file import Device
from dse.fleet.fleet import Fleet, boot_id_here, turns, turns_words


def fleet(system: str, *boots: str, transport: str = "ssh") -> Fleet:
    """A system whose devices say these boot ids; one that says none does not answer."""
    options = {"host": "x"} if transport == "ssh" else {}
    found = Fleet(tuple(Device(f"{system}-{n}", system, transport, options) for n in range(len(boots))))
    told = {device.name: {"boot_id": boot} if boot else {} for device, boot in zip(found.devices, boots, strict=True)}
    found.__dict__["told"] = told
    return found


def test_each_machine_is_measured_by_one_search_at_a_time() -> None:
    here = boot_id_here()
    assert here == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    asked = [
        fleet("a", "1", "2"),
        fleet("by-ssh", here),
        fleet("b", "3", "2"),
        fleet("local", "", transport="local"),
        fleet("c", "4", ""),
        fleet("d", "", transport="dask"),
    ]
    order = turns(asked)
    assert [[each.system for each in turn] for turn in order] == [["a", "c", "d"], ["b"], ["by-ssh"], ["local"]]
    assert turns_words(order) == [
        "searched after others, as they have devices on the same machine: b",
        "searched one after the other, and after all others, as this machine measures them: by-ssh, local",
    ]
    assert turns_words(turns(asked[:1])) == turns_words(turns(asked[3:4])) == []
    assert turns([]) == []


def test_a_machine_without_a_boot_id(tmp_path: Path) -> None:
    assert boot_id_here(tmp_path) == ""
    assert not fleet("a", "").is_here


@pytest.mark.parametrize("said", ["2.1\n0", "", "x" * 101, "\u202e2.1", 2, None])
def test_what_is_no_version_is_not_taken_for_one(said: object) -> None:
    facts = board_facts({"engines": {"litert": {"installed": said}, "x": "y"}, "packages": {"numpy": "2.0+a b"}})
    assert facts.versions == {"numpy": "2.0+a b"}
