"""What the boards of a system run with: the versions of their engines and of their LoadGen, as they say themselves.

Keys of experiments are made of them, and boards of one system have the same. Whoever has not answered says nothing:
then what the study has from before counts, and at last what this machine has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib import metadata
from pathlib import Path

from dse_harness.engines import ENGINES

from dse.errors import MachineError, ModelError, Remedy
from dse.fleet.device_file import Device
from dse.fleet.setup import LOADGEN as PACKAGE
from dse.packages import engine_named, engines_here
from dse.spaces.space import Space
from dse.study import Study
from dse.study.settings import LOADGEN

_LOOKED_AT = 20
"""Trials of an older study, to see which version is in their keys."""

Versions = Mapping[str, Mapping[str, str]]
"""By board, then by name: an engine's, or `dse.study.settings.LOADGEN`. A board that has not answered has none."""


def require_alike(devices: Sequence[Device], found: Versions, engines: Iterable[str], file: Path | None) -> None:
    """Raise MachineError where boards have different versions of one of ``engines`` or of LoadGen, or one lacks it.

    What mends it installs LoadGen as this machine has it, and an engine as most boards have it. ``file`` names them.
    """
    answered = [device for device in devices if found.get(device.name)]
    differing: dict[str, dict[str, str]] = {}
    for name in dict.fromkeys([*engines, LOADGEN]):
        versions = {device.name: found[device.name].get(name, "") for device in answered}
        if len(set(versions.values())) > 1:
            differing[name] = versions
    if not differing:
        return
    wanted = {name: _most(versions.values()) for name, versions in differing.items() if name != LOADGEN}
    to_mend = [d for d in answered if LOADGEN in differing or any(differing[n][d.name] != v for n, v in wanted.items())]
    packages = [f"{engine_named(name).packages[0]}=={version}" for name, version in wanted.items()]
    packages += [f"{PACKAGE}=={metadata.version(PACKAGE)}"] if LOADGEN in differing else []
    by_hand = [f"on {d.name}: {d.python or 'python3'} -m pip install {' '.join(packages)}" for d in to_mend]
    set_up = [device.name for device in to_mend if device.is_set_up]
    raise MachineError(
        f"boards of {devices[0].system} have different versions: "
        + "; ".join(f"{name} {_listed(versions)}" for name, versions in differing.items()),
        remedy=Remedy.SET_UP_ALIKE if set_up else None,
        details={
            "boards": " ".join(set_up),
            "engines": " ".join(f"{name}=={version}" for name, version in wanted.items()),
            "file": str(file or ""),
        },
        hint="; ".join(said for said, device in zip(by_hand, to_mend, strict=True) if not device.is_set_up) or None,
    )


def engines_of_all(found: Versions) -> list[str]:
    """The engines that each board has which has answered."""
    answered = [of for of in found.values() if of]
    return [name for name in ENGINES if answered and all(name in of for of in answered)]


def with_versions(space: Space, found: Versions, before: Study | None) -> Space:
    """``space`` with the version of each engine that the boards have, so that its keys are made of them.

    A study whose trials were measured with that very version, and called after the one of the machine that searched,
    as dse did first, keeps its keys.
    """
    kept = before.settings.boards if before else {}
    here = {name: version for name, (_, version) in engines_here().items()}
    versions = {}
    for name, section in space.file.runtimes.items():
        engine = section.engine
        answered = [of for of in found.values() if of]
        told = _of(engine, found.values()) if answered else _of(engine, kept.values()) or _measured(before, name, space)
        version = told or ("" if answered else here.get(engine, ""))
        versions[name] = _in_keys(space, name, version, before)
    return replace(space, runtime_versions={name: version for name, version in versions.items() if version})


def _in_keys(space: Space, runtime: str, version: str, before: Study | None) -> str:
    """The version that the keys of the study have in place of ``version``, with which it was measured."""
    if before is None or not version or _measured(before, runtime, space) != version:
        return version
    if runtime in before.settings.key_versions:
        return before.settings.key_versions[runtime]
    called = before.settings.versions.get(engine_named(space.file.runtimes[runtime].engine).packages[0], version)
    other = replace(space, runtime_versions={**space.runtime_versions, runtime: called})
    own = (m for m in before.measurements[-_LOOKED_AT:] if _runtime(m.configuration, space) == runtime)
    for measured in (m for m in own if space.tree.locate(m.configuration) is not None):
        with suppress(ModelError):
            if other.experiment(measured.configuration).key() == measured.key:
                return called
    return version


def _measured(before: Study | None, runtime: str, space: Space) -> str:
    """The version with which the newest trial of ``runtime`` was measured."""
    for measured in reversed(before.measurements if before else ()):
        if measured.response.evidence and _runtime(measured.configuration, space) == runtime:
            return measured.response.evidence.runtime_version
    return ""


def _runtime(configuration: Mapping[str, object], space: Space) -> str:
    return str(configuration.get("runtime", next(iter(space.file.runtimes), "")))


def _of(name: str, boards: Iterable[Mapping[str, str]]) -> str:
    return next((of[name] for of in boards if name in of), "")


def _most(versions: Iterable[str]) -> str:
    """The version that most have, of equals the first."""
    return Counter(version for version in versions if version).most_common(1)[0][0]


def _listed(versions: Mapping[str, str]) -> str:
    """``2.1.0 on pi1, pi2, none on pi3``."""
    boards: dict[str, list[str]] = {}
    for board, version in versions.items():
        boards.setdefault(version, []).append(board)
    return ", ".join(f"{version or 'none'} on {', '.join(names)}" for version, names in boards.items())
