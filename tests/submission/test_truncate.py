from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from dse.submission.rounds import MAX_ACCURACY_LOG_BYTES
from dse.submission.truncate import accuracy_text, is_truncated, truncated


@given(st.integers(4096, 40_000))
def test_head_and_tail_stay(size):
    complete = bytes(i % 251 for i in range(size))
    cut = truncated(complete)
    assert len(cut) == 8199
    assert len(cut) <= MAX_ACCURACY_LOG_BYTES
    assert (cut[:4096], cut[4103:]) == (complete[:4096], complete[-4096:])


@given(st.binary(max_size=4095))
def test_what_is_short_stays_as_it_is(complete):
    assert truncated(complete) == complete


def test_a_cut_log_is_recognized(tmp_path):
    for name, contents, expected in (("cut", truncated(bytes(9000)), True), ("whole", b"[\n]\n", False)):
        (tmp_path / name).write_bytes(contents)
        assert is_truncated(tmp_path / name) is expected


def test_the_text_of_2021():
    text = accuracy_text(35_215, 50_000, b"log")
    assert text == f"accuracy=70.430%, good=35215, total=50000\nhash={hashlib.sha256(b'log').hexdigest()}\n"
