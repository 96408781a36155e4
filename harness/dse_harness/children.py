"""A part of a measurement in a process of its own, whose memory and threads are not the measurement's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from dse_harness.boot import command
from dse_harness.decode import ProtocolError, decode
from dse_harness.errors import HarnessError
from dse_harness.protocol import Failure


def run(arguments: Sequence[str], what: str) -> None:
    """Run ``dse_harness`` with ``arguments``, which prints a Failure where it fails; ``what`` it does, for people.

    Raises HarnessError.
    """
    child = subprocess.run(
        [*command(sys.executable), *arguments],
        env={**os.environ, "DSE_PARENT": str(os.getpid())},
        stdout=subprocess.PIPE,
        check=False,
    )
    if child.returncode == 0:
        return
    if child.returncode == -signal.SIGKILL:
        raise HarnessError("out_of_memory", f"{what} was killed, as Linux does when memory runs out")
    if child.returncode < 0:
        raise HarnessError("crashed", f"{what} was ended by signal {-child.returncode}; stderr.log may say why")
    try:
        failure: Failure = decode(Failure, json.loads(child.stdout))
    except (ValueError, ProtocolError) as error:
        said = f" and said {child.stdout[-200:]!r}" if child.stdout else "; stderr.log may say why"
        raise HarnessError("internal", f"{what} ended with {child.returncode}{said}") from error
    raise HarnessError(failure.error, failure.message)
