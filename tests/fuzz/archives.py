"""Archives that a model is to be taken from, and the record of their checksums. The loopback server serves them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from functools import partial

from tests.fuzz.damage import ESCAPES

MODEL = b"\x1c\x00\x00\x00TFL3" + b"a" * 200
_ZEROS = 1 << 30


def _tar(*members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode=mode) as archive:  # type: ignore[call-overload]
        for info, data in members:
            info.size = info.size or len(data)
            archive.addfile(info, io.BytesIO(data))
    return output.getvalue()


def _member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


def _zip(*members: tuple[str, bytes], mode: int = 0) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return output.getvalue()


def _header(kind: bytes, size: int, name: bytes = b"x") -> bytes:
    """A tar header that declares ``size`` bytes, which need not follow."""
    block = bytearray(512)
    block[: len(name)] = name
    block[100:108] = b"0000644\0"
    block[124:136] = b"%011o\0" % size if size < 8**11 else b"\x80" + size.to_bytes(11, "big")
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    block[148:156] = b"        "
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def _zeros_gz(head: bytes) -> bytes:
    """A gigabyte of zeros after ``head``, in a megabyte: a file of gzip may have many parts."""
    return gzip.compress(head) + gzip.compress(bytes(1 << 24)) * 64


def good() -> bytes:
    """An archive that holds one model."""
    return _tar((_member("v3/model.tflite"), MODEL))


def archives() -> Iterator[tuple[str, bytes | Callable[[], bytes]]]:
    """Archives by name, none of which may be unpacked anywhere; few hold a model at all."""
    model = (_member("model.tflite"), MODEL)
    names = (
        "../../outside/new",
        "/tmp/dse-fuzz-new",
        "..",
        "a/../../x.tflite",
        ESCAPES,
        "x" * 5_000,
        "",
        ".",
        "a\nb.tflite",
    )
    for number, name in enumerate(names):
        yield f"tar-name-{number}", _tar((_member(name), MODEL))
        yield f"zip-name-{number}", _zip((name or " ", MODEL))
        yield f"tar-name-beside-{number}", _tar(model, (_member(name), MODEL))
    for kind in (
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.DIRTYPE,
        b"Z",
    ):
        yield f"tar-kind-{kind.decode()}", _tar((_member("model.tflite", kind, "/etc/passwd"), b""))
        yield f"tar-kind-{kind.decode()}-beside", _tar(model, (_member("x", kind, ESCAPES), b""))
    for mode in (0o120777, 0o010777, 0o020777, 0o040777):
        yield f"zip-mode-{mode:o}", _zip(("model.tflite", MODEL), mode=mode)
    yield "tar-no-model", _tar((_member("a.txt"), b"x"))
    yield "tar-two-models", _tar((_member("a.tflite"), MODEL), (_member("b.tflite"), MODEL))
    yield "tar-two-equal", _tar((_member("a.tflite"), MODEL), (_member("a.tflite"), MODEL))
    yield "tar-empty", _tar()
    yield "zip-empty", _zip()
    yield "tar-20000-members", lambda: _tar(*((_member(f"{n}.txt"), b"") for n in range(20_000)))
    for size in (2**31, 8**11 - 1, 2**62, 2**80):
        yield f"tar-declares-{size}", gzip.compress(_header(b"0", size, b"model.tflite") + bytes(2_048))
        for letter in "LKxgX":
            yield f"tar-{letter}-declares-{size}", gzip.compress(_header(letter.encode(), size) + bytes(4_096))
    yield "tar-pax-of-1-gb", partial(_zeros_gz, _header(b"x", _ZEROS))
    yield "tar-name-of-1-gb", partial(_zeros_gz, _header(b"L", _ZEROS))
    yield "tar-global-of-1-gb", partial(_zeros_gz, _header(b"g", _ZEROS))
    yield "gz-of-1-gb", partial(_zeros_gz, b"")
    pax = b"30 size=99999999999999999999\n "
    yield (
        "tar-pax-size",
        gzip.compress(_header(b"x", len(pax)) + pax.ljust(512, b"\0") + _header(b"0", 0, b"model.tflite")),
    )
    for number, text in enumerate((b"99 x", b"0 =\n", b"-1 a=b\n", b"9" * 500, b"11 path=\xff\n", b"x" * 100)):
        yield f"tar-pax-{number}", gzip.compress(_header(b"x", len(text)) + text.ljust(512, b"\0") + bytes(1_024))
    sparse = _header(b"S", 100, b"model.tflite")
    yield "tar-sparse", gzip.compress(sparse + bytes(2_048))
    yield (
        "zip-encrypted",
        _zip(("model.tflite", MODEL)).replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"),
    )
    yield "zip-method-99", _zip(("model.tflite", MODEL)).replace(b"\x08\x00", b"\x63\x00")
    yield "zip-of-512-mb-zeros", lambda: _zip(("model.tflite", bytes(1 << 29)))
    lying = bytearray(_zip(("model.tflite", MODEL)))
    at = lying.index(b"PK\x01\x02")
    lying[at + 24 : at + 28] = b"\x05\x00\x00\x00"
    yield "zip-lies-about-its-size", bytes(lying)
    for name, pack in (("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)):
        whole = pack(_tar(model, mode="w"))
        yield f"{name}-of-nothing", pack(b"")
        yield f"{name}-of-a-model", pack(MODEL)
        yield f"{name}-cut", whole[: len(whole) // 2]
        yield f"{name}-head", whole[:12]
        yield f"{name}-twice", pack(pack(pack(whole)))
    yield "not-an-archive", b"hello\n"
    yield "html", b"<!DOCTYPE html><title>404</title>\x1b[31m"
    yield "nothing", b""
    yield "escapes", ESCAPES.encode() * 10
    yield "a-7z", b"7z\xbc\xaf\x27\x1c" + bytes(100)
