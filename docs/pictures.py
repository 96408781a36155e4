"""Makes the pictures of README.md and docs/ from a real search: repeats studies/two_minutes and looks at what it wrote.

    python docs/pictures.py                                    two minutes of search, pictures into docs/pictures
    python docs/pictures.py --keep studies/two_minutes         and its front.png and front.csv there
    python docs/pictures.py --study FOLDER                     of a study that is there already
    python docs/pictures.py --timeout 10s --out /tmp/pictures  to try it

A picture of the front, of a terminal, and of the report: light and dark, 1400 and 390 pixels wide. Those of the report
need Playwright and Chromium (`bin/setup test`, `apt-get install chromium`); without them they are left as they are, and
that is said. To be run on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import fcntl
import io
import os
import pty
import re
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RECIPE = ROOT / "studies" / "two_minutes" / "repeat.sh"
COLUMNS, ROWS = 100, 60
LARGEST = 300_000
"""Of a picture, in bytes: README.md is read over slow lines too."""
SCREENS = {
    "report-light": ("light", 1400, 900),
    "report-dark": ("dark", 1400, 900),
    "report-phone-light": ("light", 390, 844),
    "report-phone-dark": ("dark", 390, 844),
}
"""Colour scheme, width and height of each picture of the report."""
_SETTLED_MS = 3000
"""From when the report says that it is ready until its charts stand still."""


def main() -> int:
    """Search, and make each picture; 1 where one of them is too large."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--timeout", default="2m", help="for how long to search")
    parser.add_argument("--study", type=Path, help="a study's folder, in place of a search")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures", help="where the pictures go")
    parser.add_argument("--keep", type=Path, help="where front.png and front.csv of the search go")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="dse-pictures-") as name:
        folder = Path(name)
        if asked.study is None:
            subprocess.run([RECIPE, folder, "--timeout", asked.timeout], check=True)
            study = folder / "mobilenet_v3"
        else:
            study = asked.study.absolute()
            subprocess.run([dse(), "report", study, "-o", folder / "report.html"], check=True)
        written = [front(study, asked.out), terminal(study, asked.out), *screens(folder / "report.html", asked.out)]
        if asked.keep:
            written += [Path(shutil.copy(study / file, asked.keep)) for file in ("front.png", "front.csv")]
    large = [path for path in written if path.stat().st_size > LARGEST]
    for path in written:
        print(f"{path}: {path.stat().st_size / 1000:.0f} KB{', too large' if path in large else ''}")
    return 1 if large else 0


def dse() -> str:
    """The command: what DSE names, as for the recipes, or the clone's."""
    return os.environ.get("DSE") or str(ROOT / "bin" / "dse")


def front(study: Path, out: Path) -> Path:
    """The study's own picture of its front."""
    return Path(shutil.copy(study / "front.png", out / "front.png"))


def terminal(study: Path, out: Path, where: str = "accuracy >= 89 %") -> Path:
    """What ``dse front`` and ``dse pick`` show in a terminal, as text in an SVG that asks nobody for a font."""
    from rich.console import Console
    from rich.text import Text

    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for words in (["front", study.name, "--limit", "6"], ["pick", study.name, "--where", where]):
        console.print(Text(f"$ dse {shlex.join(words)}", style="bold"))
        console.print(Text.from_ansi(typed([dse(), *words], study.parent)))
    svg = console.export_svg(title="dse", clear=False)
    path = out / "terminal.svg"
    path.write_text(without_fonts(svg), encoding="utf-8")
    return path


def without_fonts(svg: str) -> str:
    """``svg`` of Rich's with the reader's own letters in place of those that it would fetch."""
    svg = re.sub(r"@font-face\s*\{.*?\}\s*", "", svg, flags=re.DOTALL)
    return re.sub(r"font-family: Fira Code", "font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono'", svg)


def typed(command: list[str], folder: Path) -> str:
    """What ``command`` shows in ``folder`` in a terminal of `COLUMNS`, with its colours. Raises CalledProcessError."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    running = subprocess.Popen(command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            read = os.read(ours, 65536)
        except OSError:  # the other end is closed: the command has ended
            break
        if not read:
            break
        shown += read
    os.close(ours)
    if running.wait():
        raise subprocess.CalledProcessError(running.returncode, command, shown)
    return shown.decode(errors="replace").replace("\r\n", "\n")


def screens(report: Path, out: Path) -> list[Path]:
    """The report as a browser shows it first; none, and a sentence, where there is no browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        print("no Playwright: no pictures of the report; bin/setup test installs it", file=sys.stderr)
        return []
    chromium = shutil.which("chromium")
    if chromium is None:
        print("no Chromium: no pictures of the report; apt-get install chromium", file=sys.stderr)
        return []
    written = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (scheme, width, height) in SCREENS.items():
            context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": height})
            page = context.new_page()
            page.set_default_timeout(240_000)
            page.goto(report.as_uri())
            page.wait_for_selector("body[data-ready]")
            page.wait_for_timeout(_SETTLED_MS)
            written.append(small(page.screenshot(), out / f"{name}.png"))
            context.close()
        browser.close()
    return written


def small(png: bytes, path: Path) -> Path:
    """Write a picture with 256 colours, which no eye tells from more here, at a third of the size."""
    from PIL import Image

    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    return path


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:  # a front without what is asked for, on a machine that is busy
        sys.exit(f"{shlex.join(map(str, error.cmd))} ended with {error.returncode}\n{(error.output or b'').decode()}")
