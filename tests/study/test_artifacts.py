"""Artifact ids: a trial's file in eight hexadecimal digits and one more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.study.artifacts import ARTIFACTS, artifact_id, artifact_path


@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(ARTIFACTS)))
def test_an_artifact_id_names_the_trials_file(trial: int, kind: int) -> None:
    assert artifact_path(artifact_id(trial, kind)) == f"{trial}/{ARTIFACTS[kind]}"


@given(st.text(alphabet="0123456789abcdefx-/._ +", max_size=12))
def test_nothing_else_names_a_file(identifier: str) -> None:
    known = {artifact_id(trial, kind) for trial in range(16) for kind in ARTIFACTS}
    try:
        path = artifact_path(identifier)
    except ValueError:
        assert identifier not in known
    else:
        assert artifact_id(int(path.partition("/")[0]), 1)[:8] == identifier[:8]


@pytest.mark.parametrize("identifier", ["", "1-1", "00000001-9", "0x000001-1", "../../etc-1", "00000001", "00000001-"])
def test_another_stores_id_is_refused(identifier: str) -> None:
    with pytest.raises(ValueError, match=r"artifact of a trial|invalid literal for int"):
        artifact_path(identifier)
