import json
import struct
from pathlib import Path

import numpy as np
import pytest
from dse_harness.accuracy import read_predictions, top1
from dse_harness.errors import HarnessError
from hypothesis import given
from hypothesis import strategies as st


def entry(index: int, prediction: float) -> dict[str, object]:
    return {"seq_id": 0, "qsl_idx": index, "data": struct.pack("<f", prediction).hex().upper()}


@given(st.data())
def test_any_order_of_answers_gives_the_data_sets_order(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    predictions = data.draw(st.lists(st.integers(0, 1000), min_size=1, max_size=50))
    order = data.draw(st.permutations(range(len(predictions))))
    log = tmp_path_factory.getbasetemp() / "accuracy.json"
    log.write_text(json.dumps([entry(index, predictions[index]) for index in order]))
    assert read_predictions(log, len(predictions)).tolist() == predictions


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([entry(0, 1)], "found 1 images, expected 2"),
        ([entry(0, 1), entry(0, 1)], "found 1 images, expected 2"),
        ([entry(0, 1), entry(2, 1)], "not an accuracy log of 2 images"),
        ([{"qsl_idx": 0}], "not an accuracy log"),
        ([{"qsl_idx": 0, "data": "xx"}], "not an accuracy log"),
        ("[", "not an accuracy log"),
    ],
)
def test_an_incomplete_log_is_no_accuracy(tmp_path: Path, content: object, message: str) -> None:
    (tmp_path / "log.json").write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(HarnessError, match=message) as caught:
        read_predictions(tmp_path / "log.json", 2)
    assert caught.value.failure.error == "loadgen"


def test_top1_counts_and_identifies() -> None:
    predictions = np.array([3, 1, 2], np.int32)
    accuracy = top1(predictions, np.array([3, 0, 2], np.int32), "list", 3)
    assert (accuracy.good, accuracy.total) == (2, 3)
    # printf "\3\0\0\0\1\0\0\0\2\0\0\0" | sha256sum
    assert accuracy.predictions_sha256 == "dec2809e6e374a6f8998def7721d410ca4d634f5b842bd3989c5cc94ed785ddb"
