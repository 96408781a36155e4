"""What tests of a fleet share: a real sshd for the session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fleet.sshd import Sshd, running


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """An sshd on loopback, for all tests of this process."""
    with running(tmp_path_factory.mktemp("sshd")) as found:
        yield found
