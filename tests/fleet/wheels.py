"""Small wheels, and a source distribution that needs nothing to be built, in place of the large ones of the network."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import numpy

LOADGEN = metadata.version("mlcommons-loadgen")
_SITE = Path(numpy.__file__).parents[1]
_BACKEND = """\
import zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "{name}-{version}-py3-none-any.whl"
    info = "{name}-{version}.dist-info"
    with zipfile.ZipFile(wheel_directory + "/" + name, "w") as archive:
        archive.writestr(info + "/METADATA", "Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
        archive.writestr(info + "/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr(info + "/RECORD", "")
    return name
"""


def write_wheel(folder: Path, name: str, version: str, files: Mapping[str, str] | None = None) -> Path:
    """A wheel with these files."""
    module = name.replace("-", "_")
    path, info = folder / f"{module}-{version}-py3-none-any.whl", f"{module}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for inner, text in (files or {}).items():
            archive.writestr(inner, text)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def stand_ins(folder: Path, *, loadgen: bool = True) -> Path:
    """Wheels of what a harness needs; they lead to where this interpreter has the real ones."""
    folder.mkdir()
    write_wheel(folder, "numpy", metadata.version("numpy"), {"tests_of_dse.pth": f"{_SITE}\n"})
    write_wheel(folder, "opencv-python-headless", metadata.version("opencv-python-headless"))
    write_wheel(folder, "ai-edge-litert", metadata.version("ai-edge-litert"))
    if loadgen:
        write_wheel(folder, "mlcommons-loadgen", LOADGEN)
    return folder


def write_sources(folder: Path, name: str, version: str, first: str = "") -> Path:
    """A source distribution of nothing; ``first`` is a program that runs when it is built."""
    module = name.replace("-", "_")
    files = {
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
        "backend.py": first + _BACKEND.format(name=module, version=version),
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
    }
    path = folder / f"{module}-{version}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for inner, text in files.items():
            info = tarfile.TarInfo(f"{module}-{version}/{inner}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return path
