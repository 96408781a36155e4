"""More than a thousand bad inputs, and what is demanded of dse about each: `tests.fuzz.running`."""

from __future__ import annotations

import pytest

from tests.fuzz.conftest import GOOD, Fuzz
from tests.fuzz.running import Input, faults_of, forget


@pytest.mark.parametrize("base", GOOD)
def test_what_is_damaged_is_good_before(base: str, fuzz: Fuzz) -> None:
    for words in GOOD[base]:
        ended = fuzz.runner.run(words, fuzz.copy(base), limit_s=60.0)
        assert ended.returncode == 0, ended.err


def test_a_bad_input_is_handled(fuzz_input: Input, fuzz: Fuzz) -> None:
    root = fuzz.copy(fuzz_input.base)
    try:
        faults = faults_of(fuzz_input, root, fuzz.runner)
    finally:
        forget(root)
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)
