"""Which images were right, as a response holds it."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from dse_harness.answers import pack, unpack
from dse_harness.decode import ProtocolError, decode
from dse_harness.protocol import Accuracy, Answers, Response
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.booleans(), min_size=1, max_size=100))
def test_what_was_packed_is_unpacked_and_fits_its_counts(right: list[bool]) -> None:
    answers = pack(np.array(right), "random")
    assert unpack(answers, len(right)).tolist() == right
    accuracy = Accuracy(sum(right), len(right), "0", "random", 1000, answers)
    document = json.loads(json.dumps(dataclasses.asdict(Response(accuracy=accuracy))))
    assert decode(Response, document).accuracy == accuracy


def test_2000_images_are_336_characters() -> None:
    assert len(pack(np.ones(2000, bool), "random").right) == 336


@pytest.mark.parametrize(
    ("right", "message"),
    [
        ("?", "found answers that are not base64"),
        ("\u00e9", "found answers that are not base64"),
        ("", "found 0 bytes of answers, expected 1 for 4 images"),
        ("4AA=", "found 2 bytes of answers, expected 1 for 4 images"),
        ("4g==", "found right answers beyond the 4 images"),
        ("wA==", "found 2 right answers image by image, and 3 counted"),
    ],
)
def test_answers_that_contradict_the_counts_are_refused(right: str, message: str) -> None:
    document = dataclasses.asdict(Response(accuracy=Accuracy(3, 4, "0", answers=Answers(right))))
    with pytest.raises(ProtocolError, match=f"document.accuracy: {message}"):
        decode(Response, document)


def test_a_response_without_answers_is_read() -> None:
    document = dataclasses.asdict(Response(accuracy=Accuracy(3, 4, "0")))
    del document["accuracy"]["answers"]
    assert decode(Response, document).accuracy == Accuracy(3, 4, "0")
