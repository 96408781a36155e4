"""The tests of a transport, which run programs of a POSIX system on the device: sh, cat, printf, pwd."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence

import pytest

from dse.fleet.transports import DeviceSection, Transport

_BYTES = bytes(range(256)) * 4000 + b"\r\n\x03\x04\x1a\x1c~.\n~.\r"
_ODD = (
    "",
    " ",
    "a b",
    "'",
    '"',
    "`",
    "$HOME",
    "$(id)",
    "\\",
    "\\n",
    "*",
    "~",
    "!",
    ";",
    "&",
    "|",
    "<",
    "#",
    "-n",
    "--",
)
_ODD_TOO = ("a\nb", "ü\u2028", "\t", "{a,b}", "%s", "=x", "x=1", "\x01", "'; exit 3; '", "a" * 10_000)
_LIMIT_S = 60.0
_STEP_S = 0.05


class TransportConformance:
    """Subclass it as ``Test...`` with the fixture ``transport``."""

    @pytest.fixture
    def transport(self) -> Transport:
        """The transport to test; its device is there."""
        raise NotImplementedError

    def test_it_says_what_it_is(self, transport: Transport) -> None:
        """For lists, errors, and the format of a file of devices."""
        assert transport.title.strip()
        assert issubclass(transport.section, DeviceSection)
        assert isinstance(transport.is_here, bool)
        assert transport.by_hand.strip()
        assert all(isinstance(word, str) for word in transport.command(["true"]))

    def test_input_and_output_are_the_bytes_that_they_were(self, transport: Transport) -> None:
        """No end of line is changed, nothing is an escape, nothing is cut, in both directions at once."""
        assert self._run(transport, ["cat"], _BYTES).stdout == _BYTES

    def test_nothing_is_added_to_the_output(self, transport: Transport) -> None:
        """No greeting of a shell."""
        done = self._run(transport, ["true"])
        assert (done.stdout, done.returncode) == (b"", 0)

    @pytest.mark.parametrize("status", [0, 1, 3, 100])
    def test_the_exit_status_is_the_programs(self, transport: Transport, status: int) -> None:
        """What the harness ends with says what came of it."""
        assert self._run(transport, ["sh", "-c", f"exit {status}"]).returncode == status

    def test_a_program_that_is_not_there_ends_with_a_status(self, transport: Transport) -> None:
        """Or does not start at all."""
        try:
            done = self._run(transport, ["/no/such/program"])
        except FileNotFoundError:
            return
        assert done.returncode != 0
        assert done.stdout == b""

    def test_errors_do_not_mix_with_the_output(self, transport: Transport) -> None:
        """What a program says on stderr comes apart, or not at all."""
        done = self._run(transport, ["sh", "-c", "printf out; printf err >&2; printf put"])
        assert done.stdout == b"output"

    def test_each_word_arrives_as_it_is(self, transport: Transport) -> None:
        """Whatever a shell on the way would make of it."""
        words = [*_ODD, *_ODD_TOO]
        done = self._run(transport, ["sh", "-c", 'for word; do printf "%s\\0" "$word"; done', "sh", *words])
        assert done.stdout.decode().split("\0")[:-1] == words

    def test_the_end_of_the_input_arrives(self, transport: Transport) -> None:
        """While the output goes on."""
        with self._start(transport, ["sh", "-c", "cat; printf end"]) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(b"a")
            process.stdin.flush()
            assert process.stdout.read(1) == b"a"
            process.stdin.close()
            assert process.stdout.read() == b"end"

    def test_killing_this_side_ends_the_input_of_the_program_there(self, transport: Transport) -> None:
        """That is how a harness knows that nobody waits for it."""
        with self._start(transport, ["sh", "-c", "echo $$; exec cat"]) as process:
            assert process.stdout is not None
            number = process.stdout.readline().decode().strip()
            assert self._run(transport, ["sh", "-c", f"kill -0 {number}"]).returncode == 0
            process.kill()
        for _ in range(int(_LIMIT_S / _STEP_S)):
            if self._run(transport, ["sh", "-c", f"kill -0 {number}"]).returncode != 0:
                return
            time.sleep(_STEP_S)
        pytest.fail("the program on the device still waits for its input")

    def test_programs_start_in_the_home_folder(self, transport: Transport) -> None:
        """A relative path is from there; on this machine dse uses none."""
        if not transport.is_here:
            assert self._run(transport, ["pwd"]).stdout == self._run(transport, ["sh", "-c", "cd; pwd"]).stdout

    def _run(self, transport: Transport, argv: Sequence[str], data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(transport.command(argv), input=data, capture_output=True, check=False, timeout=_LIMIT_S)

    def _start(self, transport: Transport, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(transport.command(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
