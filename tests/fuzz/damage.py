"""What can be wrong with any file, whatever it should hold: its kind, its size, its bytes.

Each way takes the path of a good file and leaves something else there. ``FATAL`` ways leave nothing that could be
taken for a whole file; ``ODD`` and `random_damage` may leave one.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

Damage = Callable[[Path], object]
OUTSIDE = "outside/precious.txt"
"""Below the folder of an input, beside the folder in which its commands run."""
ESCAPES = "\x1b]0;pwned\x07\x1b[31mred\x08\x7f \x9b31m \u202eabc\u2066 \u200f"
"""A title, a colour, a backspace, a C1 introducer and marks that turn the text's direction."""
_SPARSE_BYTES = 20 << 30


def remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)


def _folder(path: Path) -> None:
    remove(path)
    path.mkdir()
    (path / "inside.txt").write_text("a file of the user's\n")


def _pipe(path: Path) -> None:
    remove(path)
    os.mkfifo(path)


def _socket(path: Path) -> None:
    remove(path)
    folder = Path.cwd()
    with socket.socket(socket.AF_UNIX) as opened:
        os.chdir(path.parent)  # the name of a socket has 107 bytes at most
        try:
            opened.bind(path.name)
        finally:
            os.chdir(folder)


def link(target: str) -> Damage:
    def apply(path: Path) -> None:
        remove(path)
        path.symlink_to(target)

    return apply


def _cyclic_link(path: Path) -> None:
    link(path.name)(path)


def outside(path: Path) -> Path:
    """The precious file outside of the folder in which commands run."""
    return next(parent / OUTSIDE for parent in path.absolute().parents if (parent / OUTSIDE).exists())


def _link_outside(path: Path) -> None:
    link(str(outside(path)))(path)


def _sparse(path: Path) -> None:
    path.write_bytes(b"")
    os.truncate(path, _SPARSE_BYTES)


def _sparse_tail(path: Path) -> None:
    os.truncate(path, _SPARSE_BYTES)


def _forbidden(path: Path) -> None:
    path.chmod(0)


def become(data: bytes | str) -> Damage:
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    return lambda path: path.write_bytes(raw)


def changed(change: Callable[[bytes], bytes]) -> Damage:
    return lambda path: path.write_bytes(change(path.read_bytes()))


def _inserted(data: bytes) -> Damage:
    return changed(lambda old: old[: len(old) // 2] + data + old[len(old) // 2 :])


FATAL: dict[str, Damage] = {
    "folder": _folder,
    "pipe": _pipe,
    "socket": _socket,
    "dangling-link": link("nowhere"),
    "cyclic-link": _cyclic_link,
    "link-to-zero": link("/dev/zero"),
    "link-to-null": link("/dev/null"),
    "link-to-root": link("/"),
    "link-outside": _link_outside,
    "sparse": _sparse,
    "forbidden": _forbidden,
    "empty": become(b""),
    "one-nul": become(b"\0"),
    "nuls": become(bytes(5_000)),
    "not-utf-8": become(b"\xff\xfe\xfd\xc3(" * 100),
    "escapes": become(ESCAPES * 3),
    "brackets": become("[" * 100_000),
    "objects": become('{"a":' * 100_000),
    "a-long-line": become("x" * 3_000_000),
    "digits": become("9" * 6_000),
    "a-list": become("[1, 2, 3]\n"),
    "a-word": become("hello\n"),
    "surrogate": become('"\udc80"'),
}
ODD: dict[str, Damage] = {
    "sparse-tail": _sparse_tail,
    "half": changed(lambda old: old[: len(old) // 2]),
    "cut-by-one": changed(lambda old: old[:-1]),
    "doubled": changed(lambda old: old + old),
    "mark": changed(lambda old: b"\xef\xbb\xbf" + old),
    "utf-16": changed(lambda old: old.decode("utf-8", "replace").encode("utf-16")),
    "carriage-returns": changed(lambda old: old.replace(b"\n", b"\r\n")),
    "nul-inside": _inserted(b"\0"),
    "byte-inside": _inserted(b"\xff"),
    "escapes-inside": _inserted(ESCAPES.encode()),
    "brackets-inside": _inserted(b"[" * 50_000),
    "digits-inside": _inserted(b"9" * 6_000),
}

_TOKENS = (
    *(
        b"-1",
        b"1e999",
        b"NaN",
        b"null",
        b"true",
        b'""',
        b"[]",
        b"{}",
        b",",
        b":",
        b'"',
        b"'",
        b"%",
        b"\\",
        b"\r",
        b"\t",
    ),
    *(
        b"\0",
        b"\xff",
        b"\x1b[31m",
        b"\xc2\x9b",
        b"9" * 400,
        b"\xe2\x80\xae",
        b"../",
        b"\n",
        b"  ",
        b"&a",
        b"*a",
        b"!!int",
    ),
)


def random_damage(rng: random.Random, data: bytes) -> bytes:
    """``data`` with one to four places of it changed."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(changed) + 1)
        length = rng.randint(1, 1 + len(changed) // 8)
        match rng.randrange(7):
            case 0:
                changed[at : at + length] = b""
            case 1:
                changed[at:at] = changed[at : at + length]
            case 2:
                changed[at:at] = rng.choice(_TOKENS)
            case 3:
                changed[at : at + rng.randint(1, 8)] = rng.choice(_TOKENS)
            case 4:
                changed[at:] = b""
            case 5:
                changed[at : at + 4] = rng.randbytes(4)
            case _ if at < len(changed):
                changed[at] ^= 1 << rng.randrange(8)
    return bytes(changed)
