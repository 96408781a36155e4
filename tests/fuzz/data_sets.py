"""Data sets: arrays that are none, images that no decoder takes, label lists that fit nothing."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.fuzz.damage import ESCAPES, FATAL, ODD, become
from tests.fuzz.making import Dice, Target, chance, files
from tests.fuzz.running import Input

_LOOK = ("space", "check", "space.yaml")
_PLAN = ("explore", "--space", "space.yaml", "--dry-run")
_LISTED = (("space", "check", "listed.yaml"), ("explore", "--space", "listed.yaml", "--dry-run"))
_EXPLORE = ("explore", "--space", "listed.yaml", "--trials", "1")
_ARRAYS = Target("space", "images.npz", (_LOOK, _PLAN), ("images.npz", "space.yaml"))
_LABELS = Target("space", "labels.txt", _LISTED, ("labels.txt", "listed.yaml"))


def inputs(dice: Dice) -> Iterator[Input]:
    """An .npz, a label list, and a folder of images."""
    yield from files(dice, _ARRAYS)
    yield from chance(dice, _ARRAYS, 2)
    for name, write in _arrays().items():
        yield _ARRAYS.input(dice, name, write)
    yield from files(dice, _LABELS)
    yield from chance(dice, _LABELS)
    for name in _lists():
        yield _LABELS.input(dice, name, lambda path, name=name: become(_lists()[name]())(path))
    yield from _images(dice)


def _npz(**arrays: Any) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, value in arrays.items():
                if callable(value):
                    value = value()
                if isinstance(value, np.ndarray):
                    buffer = io.BytesIO()
                    np.save(buffer, value)
                    value = buffer.getvalue()
                archive.writestr(f"{name}.npy", value)

    return write


def _header(text: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    header = text.encode()
    return b"\x93NUMPY" + version + struct.pack("<H" if version[0] == 1 else "<I", len(header)) + header + data


def _arrays() -> dict[str, Callable[[Path], object]]:
    images, labels = np.zeros((9, 4, 4, 3), np.uint8), np.arange(9) % 3
    form = "{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}\n"
    headers = {
        "shape-10**12": form.format("<i8", "(1000000000000,)"),
        "shape-10**30": form.format("<i8", f"({10**30},)"),
        "shape-10**300": form.format("<i8", f"({10**300},)"),
        "shape-negative": form.format("<i8", "(-9,)"),
        "shape-none": form.format("<i8", "None"),
        "shape-deep": form.format("<i8", "(" * 300 + ")" * 300),
        "shape-of-60": form.format("<i8", f"({'1,' * 60})"),
        "shape-float": form.format("<i8", "(9.0,)"),
        "shape-text": form.format("<i8", "('9',)"),
        "descr-object": form.format("|O", "(9,)"),
        "descr-long": form.format("S999999999", "(9,)"),
        "descr-unknown": form.format("zz", "(9,)"),
        "descr-escapes": form.format("\\x1b[31m", "(9,)"),
        "descr-list": form.replace("'{}'", "[('\\x1b[31m', '<i8')]").format("(9,)"),
        "code": "__import__('os').system('touch ../outside/new')\n",
        "brackets": "[" * 5_000,
        "dashes": "-" * 5_000 + "1",
        "nul": "\0" * 64,
        "long": " " * 60_000,
        "digits": "9" * 10_000,
    }
    found: dict[str, Callable[[Path], object]] = {}
    for name, text in headers.items():
        found[f"labels-{name}"] = _npz(images=images, labels=_header(text))
        found[f"images-{name}"] = _npz(images=_header(text), labels=labels)
    arrays: dict[str, dict[str, Any]] = {
        "no-labels": {"images": images},
        "no-images": {"labels": labels},
        "floats": {"images": images.astype(np.float32), "labels": labels},
        "float-labels": {"images": images, "labels": labels.astype(float)},
        "nan-labels": {"images": images, "labels": np.full(9, np.nan)},
        "negative-labels": {"images": images, "labels": -labels},
        "huge-labels": {"images": images, "labels": np.full(9, 2**63 - 1)},
        "unsigned-labels": {"images": images, "labels": np.full(9, 2**64 - 1, np.uint64)},
        "text-labels": {"images": images, "labels": np.array(["x"] * 9)},
        "fewer-labels": {"images": images, "labels": labels[:5]},
        "no-rows": {"images": images[:0], "labels": labels[:0]},
        "no-pixels": {"images": images[:, :0], "labels": labels},
        "one-pixel": {"images": images[:, :1, :1], "labels": labels},
        "four-channels": {"images": np.zeros((9, 4, 4, 4), np.uint8), "labels": labels},
        "a-scalar": {"images": images, "labels": np.array(3)},
        "two-dimensions": {"images": images[0], "labels": labels},
        "wrong-magic": {"images": b"NUMPY" * 9, "labels": b"NUMPY" * 9},
        "version-9": {"images": _header("x", version=b"\x09\x00"), "labels": labels},
        "cut-data": {"images": _header(form.format("|u1", "(9, 4, 4, 3)"), b"x"), "labels": labels},
        "escapes": {"images": images, "labels": labels, ESCAPES.replace("\0", ""): labels},
        "a-bomb": {"images": images, "labels": lambda: _header(form.format("<i8", "(40000000,)"), bytes(320_000_000))},
    }
    return found | {name: _npz(**named) for name, named in arrays.items()} | {"a-lying-zip": _lying_zip}


def _lying_zip(path: Path) -> None:
    _npz(images=np.zeros((9, 4, 4, 3), np.uint8), labels=np.arange(9) % 3)(path)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 20 : at + 28] = b"\xfe\xff\xff\xff" * 2
    path.write_bytes(data)


def _lists() -> dict[str, Callable[[], str]]:
    good = "".join(f"{number:02}.png {number % 3}\n" for number in range(24))
    return {
        "a-nul": lambda: good + "a\0b.png 1\n",
        "escapes": lambda: good + f"{ESCAPES.replace(chr(0), '')}.png 1\n",
        "escapes-as-class": lambda: good + f"24.png {ESCAPES}\n",
        "500000-lines": lambda: "".join(f"{number}.png 1\n" for number in range(500_000)),
        "500000-equal-lines": lambda: "00.png 1\n" * 500_000,
        "500000-blank-lines": lambda: "\n" * 500_000 + good,
        "one-long-line": lambda: good + "x" * 3_000_000 + " 1\n",
        "a-long-name": lambda: good + "x" * 300 + ".png 1\n",
        "a-very-long-name": lambda: good + "x/" * 5_000 + " 1\n",
        "dot-dot": lambda: good + "../outside/precious.txt 1\n",
        "absolute": lambda: good + "/etc/passwd 1\n",
        "tilde": lambda: good + "~nosuchuser/x.png 1\n",
        "a-folder": lambda: good + ". 1\n",
        "negative": lambda: good + "24.png -1\n",
        "no-class": lambda: good + "24.png\n",
        "only-a-class": lambda: good + "7\n",
        "huge-class": lambda: good + f"00.png {10**400}\n",
        "class-99": lambda: good.replace(" 1\n", " 99\n"),
        "a-float": lambda: good.replace(" 1\n", " 1.0\n"),
        "other-digits": lambda: good.replace(" 1\n", " \u0661\n"),
        "superscript": lambda: good.replace(" 1\n", " \u00b2\n"),
        "line-separators": lambda: good.replace("\n", "\u2028"),
        "form-feeds": lambda: good.replace("\n", "\x0c"),
        "commas": lambda: good.replace(" ", ","),
        "a-surrogate": lambda: good + "\udc80.png 1\n",
        "a-case": lambda: good.replace("png", "PNG"),
    }


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, data: bytes = b"", depth: int = 8, color: int = 2) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(data)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _images(dice: Dice) -> Iterator[Input]:
    """Images are read when they are measured: few of them, each in a real run."""
    bad = {
        "40000x30000": _png(40_000, 30_000, bytes(100)),
        "2**31": _png(2**31 - 1, 2**31 - 1),
        "0x0": _png(0, 0),
        "1x1": _png(1, 1, b"\0\1\2\3"),
        "1x60000": _png(1, 60_000, b"\0\1\2\3" * 60_000),
        "no-data": _png(8, 8),
        "a-gif": b"GIF89a" + bytes(100),
        "a-bmp": b"BM" + struct.pack("<IHHIIiiHH", 100, 0, 0, 54, 40, 2**30, 2**30, 1, 24) + bytes(50),
        "a-jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(100),
        "a-tiff": b"II*\0\x08\0\0\0" + b"\xff" * 100,
        "an-exr": b"v/1\x01" + bytes(100),
        "a-netpbm": b"P6 99999 99999 255\n",
        "a-webp": b"RIFF\xff\xff\xff\xffWEBPVP8L" + bytes(60),
    }
    target = Target("space", "images/05.png", (_EXPLORE,), ("05.png", "images"), ("studies",), near=("of a processor",))
    looked_at = Target("space", "images/05.png", _LISTED, ("05.png", "images"), writes=("studies",))
    kinds = [*(("fatal", name, damage) for name, damage in FATAL.items() if name not in ("objects", "digits"))]
    for name, data in bad.items():
        yield _slow(target.input(dice, name, become(data)))
    for _, name, damage in kinds:
        real = name in ("pipe", "sparse", "empty", "link-to-zero", "folder")
        yield _slow((target if real else looked_at).input(dice, name, damage))
    for name, damage in ODD.items():
        yield looked_at.input(dice, name, damage)
    for name in ("folder", "pipe", "dangling-link", "link-to-root", "empty", "forbidden", "cyclic-link"):
        whole = Target("space", "images", _LISTED, ("images", "listed.yaml"))
        yield whole.input(dice, f"all-{name}", partial(_instead, FATAL[name]))


def _instead(damage: Callable[[Path], object], path: Path) -> None:
    if not path.is_dir() or damage is not FATAL["forbidden"]:
        aside = path.with_name("aside")
        path.rename(aside)
        path.write_text("")
    damage(path)


def _slow(given: Input) -> Input:
    from dataclasses import replace

    return replace(given, limit_s=60.0)
