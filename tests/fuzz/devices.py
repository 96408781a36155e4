"""Files of devices: YAML that is none, values of the wrong kind, hosts that are options, programs that want to run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.bases import DEVICES
from tests.fuzz.making import Dice, Target, chance, files, wrong_documents, wrong_yaml, yaml_text
from tests.fuzz.running import Input
from tests.fuzz.values import replaced

FILE = "devices.yaml"
LOOK = (("device", "list", "--devices", FILE), ("device", "list", "--devices", FILE, "--json"))
_TARGET = Target("devices", FILE, LOOK, (FILE,))
_WRONG = (
    *("-oProxyCommand=touch ../outside/new", "--", "", " ", "a\nb", "a\0b", "\x1b[31mX", "\u202e", "x" * 100_000),
    *("~", "~root/x", "../..", "/", "/dev/zero", "$(touch ../outside/new)", "`id`", "; id"),
)
_PLACES = (("pi1", "host"), ("pi1", "config"), ("pi1", "root"), ("pi1", "python"), ("this", "root"), ("this", "python"))
_EVIL = "#!/bin/sh\necho hacked > ../outside/new\necho $0 > ran-by-dse\n"
_SSH = "Host *\n  ProxyCommand sh -c 'echo hacked > ../outside/new'\n"


def inputs(dice: Dice) -> Iterator[Input]:
    """Everything about a file of devices."""
    yield from files(dice, _TARGET)
    yield from wrong_yaml(dice, _TARGET, DEVICES)
    yield from wrong_documents(dice, _TARGET, DEVICES, yaml_text)
    yield from chance(dice, _TARGET, 2)
    for device, key in _PLACES:
        for wrong in dice.rng.sample(_WRONG, min(2 * dice.each, len(_WRONG))):
            system = "rpi4" if device == "pi1" else "here"
            document = replaced(DEVICES, ("systems", system, "devices", device, key), wrong)
            yield _TARGET.input(
                dice,
                f"{device}.{key}={wrong[:30]}",
                lambda file, document=document: file.write_bytes(yaml_text(document)),
            )
    yield from _programs()


def _programs() -> Iterator[Input]:
    """To talk to a device never runs unasked what the file names on this machine."""
    for device, changes in (("this", {"python": "./evil.sh"}), ("pi1", {"config": "ssh_config"})):

        def damage(folder: Path, device: str = device, changes: dict[str, str] = changes) -> None:
            system = "rpi4" if device == "pi1" else "here"
            written = {**DEVICES["systems"][system]["devices"][device], **changes}
            document = replaced(DEVICES, ("systems", system, "devices", device), written)
            (folder / FILE).write_bytes(yaml_text(document))
            (folder / "evil.sh").write_text(_EVIL)
            (folder / "evil.sh").chmod(0o755)
            (folder / "ssh_config").write_text(_SSH)

        commands = (("device", "check", device), ("device", "check", device, "--json"))
        yield Input(f"{device}-runs-a-program", "devices", damage, commands, (FILE,), fatal=True, codes=frozenset({3}))
