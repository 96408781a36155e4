from __future__ import annotations

import signal

import pytest

from dse.cli.interrupt import Interrupt


def test_once_asks_to_end_and_twice_ends():
    before = signal.getsignal(signal.SIGINT)
    said = []
    with Interrupt("point") as interrupt:
        interrupt.say = said.append
        assert not interrupt.requested()
        signal.raise_signal(signal.SIGINT)
        assert interrupt.requested()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert said == ["stopping after this point; Ctrl-C again stops at once"]
    assert signal.getsignal(signal.SIGINT) is before
