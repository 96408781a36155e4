"""Runs the commands of docs/tutorial.md as they stand there, in a fresh clone: what a newcomer would type.

python docs/run_tutorial.py                 all of it, with a .venv of its own: some minutes
python docs/run_tutorial.py --venv .venv    with the libraries that are here
python docs/run_tutorial.py --timeout 30s   with a shorter search than the page's
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "tutorial.md"
MADE = ("deployed/classify.py", "deployed/README.md", "report.html", "front.pdf")
"""What there is in the end."""


def commands(page: str) -> list[str]:
    """The lines of the page's blocks for a shell, in order."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines()]


def _use(venv: Path, clone: Path) -> None:
    """Have the clone run its own code with the libraries of ``venv``, which stays as it is: nothing is set up."""
    path = f"{clone}:{clone / 'harness'}"
    shims = {"dse": f'PYTHONPATH={path} exec {venv}/bin/python -m dse "$@"', "setup": "exit 0"}
    for name, line in shims.items():
        (clone / "bin" / name).write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")


def main() -> int:
    """Clone, run each command, and look at what they made; the code of the first command that fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=Path)
    parser.add_argument("--timeout")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dse-tutorial-") as name:
        clone = Path(name) / "dse"
        subprocess.run(["git", "clone", "--quiet", "--depth", "1", ROOT.as_uri(), str(clone)], check=True)
        if asked.venv:
            _use(asked.venv.absolute(), clone)
        environment = {**os.environ, "DSE_CACHE": str(Path(name) / "cache")}
        for command in commands(PAGE.read_text(encoding="utf-8")):
            typed = command.replace("--timeout 1m", f"--timeout {asked.timeout}") if asked.timeout else command
            print(f"$ {typed}", flush=True)
            done = subprocess.run(typed, shell=True, cwd=clone, env=environment, check=False)  # noqa: S602 - as a person types them
            if done.returncode:
                print(f"ended with {done.returncode}", flush=True)
                return done.returncode
        missing = [file for file in MADE if not (clone / file).is_file()]
        print(f"missing: {', '.join(missing)}" if missing else "all of the tutorial holds", flush=True)
        return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
