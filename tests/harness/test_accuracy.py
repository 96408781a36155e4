import json
import struct
from pathlib import Path

import pytest
from dse_harness.accuracy import read_answers
from dse_harness.errors import HarnessError
from hypothesis import given
from hypothesis import strategies as st


def entry(index: object, prediction: float) -> dict[str, object]:
    return {"seq_id": 0, "qsl_idx": index, "data": struct.pack("<f", prediction).hex().upper()}


@given(st.data())
def test_any_order_of_answers_gives_the_data_sets_order(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    predictions = data.draw(st.lists(st.integers(0, 1000), min_size=1, max_size=50))
    order = data.draw(st.permutations(range(len(predictions))))
    log = tmp_path_factory.getbasetemp() / "accuracy.json"
    log.write_text(json.dumps([entry(index, predictions[index]) for index in order]))
    assert read_answers(log, len(predictions)) == [struct.pack("<f", prediction) for prediction in predictions]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([entry(0, 1)], "found 1 images, expected 2"),
        ([entry(0, 1), entry(0, 1)], "found 1 images, expected 2"),
        ([entry(0, 1), entry(2, 1)], "not an accuracy log of 2 images"),
        ([entry(0, 1), entry("1", 1)], "not an accuracy log of 2 images"),
        ([{"qsl_idx": 0}], "not an accuracy log"),
        ([{"qsl_idx": 0, "data": "xx"}], "not an accuracy log"),
        ("[", "not an accuracy log"),
    ],
)
def test_an_incomplete_log_is_no_accuracy(tmp_path: Path, content: object, message: str) -> None:
    (tmp_path / "log.json").write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(HarnessError, match=message) as caught:
        read_answers(tmp_path / "log.json", 2)
    assert caught.value.failure.error == "loadgen"
