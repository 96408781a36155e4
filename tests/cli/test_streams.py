"""stdout and stderr as a shell may leave them: closed, full, read by nobody, without letters."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dse.cli.streams import clean
from tests.forks import Forks
from tests.thorough import thorough

SAME = thorough("starts Python and all of dse for what another case here shows too")


def _dse(words: str, folder: Path, redirected: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = ["sh", "-c", f'exec "$0" -m dse {words} {redirected}', sys.executable]
    return subprocess.run(
        command, capture_output=True, check=False, cwd=folder, env={**os.environ, "NO_COLOR": "1", **environment}
    )


@pytest.mark.parametrize(
    ("words", "redirected"),
    [
        pytest.param("space list", ">&-", marks=SAME),
        ("space list", "<&- >&- 2>&-"),
        pytest.param("front small_study", "2>&-", marks=SAME),
        pytest.param("front small_study", "<&- >&- 2>&-", marks=SAME),
        pytest.param("front small_study --json", ">&-", marks=SAME),
    ],
)
def test_closed_streams_are_no_error(small_study: Path, words: str, redirected: str) -> None:
    done = _dse(words, small_study.parent, f"--studies . {redirected}" if "front" in words else redirected)
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


def test_an_error_keeps_its_exit_code_when_nobody_can_be_told(tmp_path: Path) -> None:
    assert _dse("front nowhere", tmp_path, "2>&-").returncode == 3


@pytest.mark.parametrize(
    "words", ["space schema", *(pytest.param(w, marks=SAME) for w in ("models list --json", "--help"))]
)
def test_a_pipe_that_nobody_reads_ends_the_command_quietly(tmp_path: Path, words: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "dse", *words.split()]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False, cwd=tmp_path)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is full")
def test_a_full_disk_behind_stdout_is_told(tmp_path: Path, forks: Forks) -> None:
    done = forks.run(["space", "schema"], tmp_path, out=Path("/dev/full"))
    assert done.returncode == 4
    assert b"No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", pytest.param("cp1252", marks=SAME)])
def test_a_table_is_plain_where_stdout_lacks_its_letters(small_study: Path, encoding: str) -> None:
    done = _dse("front small_study --studies .", small_study.parent, PYTHONIOENCODING=encoding)
    assert done.returncode == 0
    assert "-----" in done.stdout.decode(encoding)


@pytest.mark.parametrize("encoding", ["ascii", pytest.param("utf-8", marks=SAME)])
def test_a_name_that_is_no_text_is_shown_as_its_bytes(tmp_path: Path, encoding: str) -> None:
    folder = os.fsencode(tmp_path / "caf") + b"\xe9\xff"
    (Path(os.fsdecode(folder))).mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "dse", "space", "show", folder + b"/none.yaml"],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert done.returncode == 3
    assert folder in done.stderr.replace(b"\n", b"")


def test_json_is_escaped_where_stdout_lacks_its_letters(tmp_path: Path) -> None:
    program = "from dse.cli import render, streams; streams.prepare(); render.print_json({'a': 'ä\\udcff'})"
    for encoding in ("ascii", "utf-8"):
        environment = {**os.environ, "PYTHONIOENCODING": encoding}
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, env=environment)
        assert json.loads(done.stdout)["a"] == "ä\udcff"


_HOSTILE = "a\x1b]0;pwn\x07\x1b[31mX\x9b1m\x7f\r\u202eb\u2028c"
_COMMANDING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_PRINTING = """
import sys, warnings
from rich.text import Text
from dse.cli import render, streams
from dse.errors import DseError
streams.prepare()
text = {text!r}
for console in (render.stdout(), render.stderr()):
    console.print(text)
    console.print(Text(text, style="bold"), soft_wrap=True)
render.print_json({{text: [text]}})
render.print_error(DseError(text, hint=text, path=text))
render.next_command(text, text)
print(text)
warnings.warn(text)
"""


def test_what_commands_a_terminal_is_shown_and_does_nothing() -> None:
    program = [sys.executable, "-c", _PRINTING.format(text=_HOSTILE)]
    done = subprocess.run(program, capture_output=True, check=True, encoding="utf-8")
    for output in (done.stdout, done.stderr):
        assert not _COMMANDING.findall(output)
        assert output.count("pwn") >= 3
    assert "a\\u001b]0;pwn\\u0007\\u001b[31mX\\u009b1m\\u007f\\u000d\\u202eb\\u2028c" in done.stdout


def test_a_terminal_gets_the_colours_of_dse_alone() -> None:
    environment = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    program = [sys.executable, "-c", _PRINTING.format(text=_HOSTILE)]
    done = subprocess.run(program, capture_output=True, check=True, encoding="utf-8", env=environment)
    assert "\x1b[1;31merror: " in done.stderr
    assert not _COMMANDING.findall(re.sub("\x1b\\[[0-9;]*m", "", done.stderr))
    assert "\x1b[31mX" not in done.stderr


def test_cleaned_json_is_the_same_document() -> None:
    program = f"from dse.cli import render, streams; streams.prepare(); render.print_json({{'a': {_HOSTILE!r}}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, encoding="utf-8")
    assert json.loads(done.stdout)["a"] == _HOSTILE


def test_a_byte_of_a_name_that_commands_is_escaped_too() -> None:
    assert clean("a\udc9b1m\udce9") == "a\\u009b1m\udce9"
