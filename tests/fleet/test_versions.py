"""Which versions the boards of a system have: alike, in the keys of their trials, and kept with the study."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from dse_harness.protocol import Evidence, Request, Response

from dse.backends.fake import FakeDevice
from dse.cli.remedies import advice
from dse.core.budget import Budget
from dse.errors import MachineError
from dse.fleet.cluster import Cluster
from dse.fleet.device_file import Device
from dse.fleet.fleet import Fleet, boot_id_here
from dse.fleet.versions import require_alike, with_versions
from dse.search.edits import edits
from dse.search.explore import explore
from dse.search.plan import make_plan
from dse.search.pool import ThreadPool
from dse.spaces.space import Space
from dse.study import Study
from dse.study.writer import StudyWriter
from tests.fleet.board import write_board
from tests.recording import make_space
from tests.thorough import thorough


@dataclass
class Board(FakeDevice):
    """A device that says which version of the engine has measured."""

    version: str = ""

    def answer(self, request: Request) -> Response:
        evidence = Evidence("", "", "", "litert", self.version, "", "6.0.17 @ d6147c7eb7")
        return replace(super().answer(request), evidence=evidence)


def board(name: str, **options: Any) -> Device:
    return Device(name, "rpi4", "ssh", {"host": name}, **options)


def told(litert: str | None = "2.1.0", loadgen: str = "6.0.17") -> dict[str, Any]:
    """What a board says, so far as this is about it."""
    return {
        "packages": {"mlcommons-loadgen": loadgen, "numpy": "2.0.0"},
        "engines": {"litert": {"title": "LiteRT", "packages": ["ai-edge-litert"], "installed": litert}},
    }


def test_boards_with_different_engines_are_refused_with_what_mends_it() -> None:
    boards = [board("pi1"), board("pi2"), board("pi3"), board("pi4", python="/opt/python")]
    found = {"pi1": {"litert": "2.1.0"}, "pi2": {"litert": "2.0.3"}, "pi3": {"litert": "2.1.0"}, "pi4": {"numpy": "2"}}
    with pytest.raises(MachineError) as refused:
        require_alike(boards, found, ["litert"], Path("lab.yaml"))
    assert str(refused.value) == (
        "boards of rpi4 have different versions: litert 2.1.0 on pi1, pi3, 2.0.3 on pi2, none on pi4"
    )
    assert advice(refused.value) == (
        "dse device setup pi2 --engine litert==2.1.0 --devices lab.yaml; "
        "on pi4: /opt/python -m pip install ai-edge-litert==2.1.0"
    )
    require_alike(boards[:1] + boards[2:3], found, ["litert"], None)
    require_alike(boards, found, [], None)


def test_boards_with_different_loadgens_are_set_up_with_the_one_that_is_here() -> None:
    found = {"pi1": {"loadgen": "6.0.17"}, "pi2": {"loadgen": "5.1.2"}, "pi3": {}}
    with pytest.raises(MachineError, match=r"loadgen 6\.0\.17 on pi1, 5\.1\.2 on pi2$") as refused:
        require_alike([board("pi1"), board("pi2"), board("pi3")], found, ["litert"], Path("devices.yaml"))
    assert advice(refused.value) == "dse device setup pi1 pi2"


@pytest.fixture
def space(tmp_path: Path) -> Space:
    return replace(make_space(tmp_path), system="rpi4")


def searched(folder: Path, space: Space, version: str, boards: dict[str, dict[str, str]] | None = None) -> Study:
    """Two trials on boards whose engine has this ``version``."""
    device = Board(lambda _: 1e6, lambda _: 0.8, version=version)
    pool = ThreadPool({"pi1": device})
    with StudyWriter(folder, space, None, {"system": "rpi4"}, boards=boards) as writer:
        plan = make_plan(space, writer.study.measurements, Budget(trials=2))
        explore(writer, space, pool, plan, 0, lambda _: None, lambda: False)
    pool.close()
    return Study.read(folder)


def test_keys_and_settings_are_of_the_version_that_the_boards_have(tmp_path: Path, space: Space) -> None:
    fleet = Fleet((board("pi1"), board("pi2", python="/opt/python")))
    fleet.__dict__["told"] = {"pi1": told("9.8.7", "6.5.4"), "pi2": {}}
    asked = fleet.asked(space, None)
    assert asked.runtime_versions == {"litert": "9.8.7"}
    study = searched(tmp_path / "study", asked, "9.8.7", fleet.versions)
    assert {m.key for m in study.measurements} <= {key for key, _ in asked.known_keys()}
    assert not {m.key for m in study.measurements} & {key for key, _ in space.known_keys()}
    versions = study.settings.versions
    assert (versions["ai-edge-litert"], versions["mlcommons-loadgen"], versions["numpy"]) == ("9.8.7", "6.5.4", "2.0.0")
    assert study.settings.boards["pi1"]["loadgen"] == "6.5.4"
    assert study.settings.boards["pi2"] == {}
    # a plan, and boards that do not answer now: as the study has it
    assert fleet.asked(space, study, answers=False).runtime_versions == {"litert": "9.8.7"}
    silent = searched(tmp_path / "study", asked, "9.8.7", {"pi1": {}})
    assert silent.settings.boards == {"pi1": study.settings.boards["pi1"]}
    # another engine there: another experiment
    fleet.__dict__["told"] = {"pi1": told("9.9.0", "6.5.4"), "pi2": {}}
    assert fleet.asked(space, study).runtime_versions == {"litert": "9.9.0"}


def test_a_study_whose_keys_have_the_version_of_this_machine_goes_on(tmp_path: Path, space: Space) -> None:
    here = space.runtime_versions["litert"]
    folder = tmp_path / "study"
    searched(folder, space, "1.2.3")
    written = yaml.safe_load((folder / "study.yaml").read_text())
    del written["boards"], written["key_versions"]
    (folder / "study.yaml").write_text(yaml.safe_dump({**written, "schema": 2}))
    older = Study.read(folder)
    found = with_versions(space, {"pi1": {"litert": "1.2.3"}}, older)
    assert found.runtime_versions == {"litert": here}
    assert edits(older, found).changing == ()
    again = searched(folder, found, "1.2.3", {"pi1": {"litert": "1.2.3"}})
    assert len({m.key for m in again.measurements}) == 4
    assert again.settings.versions["ai-edge-litert"] == "1.2.3"
    assert with_versions(space, {"pi1": {"litert": "1.2.3"}}, again).runtime_versions == {"litert": here}
    assert with_versions(space, {"pi1": {"litert": "1.2.4"}}, again).runtime_versions == {"litert": "1.2.4"}


@thorough("starts Dask's processes and a board")
def test_a_device_with_a_dask_worker_is_asked_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    python, root = write_board(tmp_path / "pi", versions={"ai-edge-litert": "9.8.7"}), str(tmp_path / "root")
    devices = tuple(Device(name, "pis", "dask", root=root, python=str(python)) for name in ("pi", "away"))
    silent = Device("silent", "pis", "dask", root=root, python="no-such-python")
    with Cluster(["pi", "silent"]) as theirs:
        assert theirs._own is not None
        monkeypatch.setenv("DSE_CERTIFICATES", f"{theirs._own._folder}/certificates")
        fleet = Fleet((*devices, silent), theirs._own._address)
        assert fleet.versions["pi"]["litert"] == "9.8.7"
        assert fleet.told["away"] == fleet.told["silent"] == {}
        assert fleet.boots == {boot_id_here()}
        monkeypatch.setattr("dse.fleet.cluster.START_S", 0.2)
        with pytest.raises(MachineError, match="no scheduler answers"):
            _ = Fleet(devices, "tls://127.0.0.1:9").told
