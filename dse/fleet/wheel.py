"""The harness as a wheel, made of its installed package without any tool: what a device needs of dse."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import dse_harness

NAME = "dse-harness"
REQUIRES = (
    "numpy>=1.26",
    "opencv-python-headless>=4.10",
    "mlcommons-loadgen>=6.0.16",
)
"""What every run needs, as in harness/pyproject.toml; the engine comes as an extra, by its name."""
EXTRAS: Mapping[str, tuple[str, ...]] = {
    "litert": ("ai-edge-litert>=2.3,<3",),
    "onnxruntime": ("onnxruntime>=1.20",),
    "openvino": ("openvino>=2026.2",),
    "tflite-runtime": ("numpy<2", "tflite-runtime==2.14.0"),
}
REQUIRES_PYTHON = ">=3.10"
LEAST_PYTHON = (3, 10)
_OLDEST = (1980, 1, 1, 0, 0, 0)
"""What a zip file calls no date: the same sources make the same wheel."""
_NAME = re.compile(
    r"(?P<name>[A-Za-z0-9_.]+)-(?P<version>[A-Za-z0-9_.+!]+)(-[0-9][A-Za-z0-9_.]*)?(-[A-Za-z0-9_.]+){3}\.whl"
)


@dataclass(frozen=True)
class Wheel:
    """A wheel by its file's name, and its bytes."""

    file: str
    data: bytes

    @property
    def version(self) -> str:
        """Of the distribution."""
        return self.file.split("-")[1]


def is_wheel_name(name: str) -> bool:
    """Whether ``name`` is that of a wheel's file, and of nothing else."""
    return len(name) <= 200 and _NAME.fullmatch(name) is not None


def harness_wheel() -> Wheel:
    """The harness that this dse has; its version ends with a fingerprint of its sources. Raises OSError."""
    sources = dict(_sources(Path(dse_harness.__file__).parent))
    digest = hashlib.sha256()
    for name, data in sources.items():
        digest.update(f"{name} {hashlib.sha256(data).hexdigest()}\n".encode())
    version = f"{dse_harness.__version__}+{digest.hexdigest()[:12]}"
    info = f"dse_harness-{version}.dist-info"
    files = {
        **sources,
        f"{info}/METADATA": _metadata(version),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: dse\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": b"[console_scripts]\ndse-harness = dse_harness.__main__:console\n",
    }
    files[f"{info}/RECORD"] = "".join([*map(_record, files.items()), f"{info}/RECORD,,\n"]).encode()
    return Wheel(f"dse_harness-{version}-py3-none-any.whl", _zip(files))


def _sources(package: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(package.rglob("*")):
        if path.is_file() and path.suffix in (".py", ".typed"):
            yield f"dse_harness/{path.relative_to(package).as_posix()}", path.read_bytes()


def _metadata(version: str) -> bytes:
    lines = ["Metadata-Version: 2.1", f"Name: {NAME}", f"Version: {version}", f"Requires-Python: {REQUIRES_PYTHON}"]
    lines += [f"Requires-Dist: {need}" for need in REQUIRES]
    for extra, needs in EXTRAS.items():
        lines += [f"Provides-Extra: {extra}", *(f'Requires-Dist: {need}; extra == "{extra}"' for need in needs)]
    return "\n".join([*lines, ""]).encode()


def _record(file: tuple[str, bytes]) -> str:
    name, data = file
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}\n"


def _zip(files: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _OLDEST)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
            archive.writestr(entry, data)
    return made.getvalue()
