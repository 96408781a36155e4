from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from dse_harness.answers import pack
from dse_harness.errors import HarnessError
from dse_harness.tasks import TASKS, task_of
from dse_harness.tasks.image_classification import ImageClassification, has_background_class
from dse_harness.tensors import Tensor
from dse_harness.testing import TaskConformance
from numpy.typing import NDArray


class TestImageClassification(TaskConformance):
    task = ImageClassification
    outputs = (Tensor((1, 4), "float32"),)
    classes = 3

    def samples(self) -> Sequence[Sequence[NDArray[Any]]]:
        return [[np.eye(4, dtype=np.float32)[index : index + 1]] for index in (1, 3, 2)]

    def labels(self) -> NDArray[Any]:
        return np.array([0, 2, 0], np.int32)


def classifier(outputs: int, classes: int | None = None) -> ImageClassification:
    return ImageClassification([Tensor((1, outputs), "float32")], classes)


def test_the_task_of_a_request_that_names_none_is_there() -> None:
    assert task_of("image_classification") is ImageClassification
    with pytest.raises(HarnessError, match="task: found 'telepathy', allowed: image_classification"):
        task_of("telepathy")
    assert "telepathy" not in TASKS


@pytest.mark.parametrize(
    ("outputs", "classes", "background"),
    [
        (1001, None, True),
        (1000, None, False),
        (10, None, False),
        (1001, 1000, True),
        (1001, 1001, False),
        (11, 10, True),
    ],
)
def test_one_output_more_than_classes_is_a_background_class(
    outputs: int, classes: int | None, background: bool
) -> None:
    assert has_background_class(outputs, classes) is background
    assert classifier(outputs, classes).background_class is background


def test_outputs_that_fit_no_data_set_are_refused() -> None:
    with pytest.raises(HarnessError, match="found 1001 outputs, allowed for a data set of 10 classes: 10, or 11"):
        classifier(1001, 10)


@pytest.mark.parametrize("shape", [(), (1, 1), (2, 10), (1, 7, 7, 10)])
def test_an_output_that_has_no_value_for_each_class_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(HarnessError, match=r"found output shape .*, allowed: \[1, \.\.\., number of classes\]"):
        ImageClassification([Tensor(shape, "float32")], None)


def test_an_answer_is_the_class_of_the_largest_output_without_the_background() -> None:
    values = array("f", [0.0])
    outputs = [np.array([[0.1, 0.2, 0.9] + [0.0] * 8])]

    assert classifier(11, 10).answer(outputs, values) == 1
    assert classifier(11, 10).predictions([values.tobytes()]).tolist() == [1]
    classifier(11, 11).answer(outputs, values)
    assert values[0] == 2


def test_a_data_set_with_more_classes_than_the_model_is_refused() -> None:
    classifier(11, 10).check_labels(np.array([0, 9]))
    with pytest.raises(HarnessError, match="has a class 10, the model tells 10 classes apart"):
        classifier(11, 10).check_labels(np.array([0, 10]))


def test_an_answer_of_another_size_is_none() -> None:
    with pytest.raises(ValueError, match="not one class"):
        classifier(10).predictions([b"\0" * 8])


def test_top1_counts_and_identifies() -> None:
    predictions = np.array([3, 1, 2], np.int32)
    accuracy = classifier(10).accuracy(predictions, np.array([3, 0, 2], np.int32), "list", 3)
    assert (accuracy.good, accuracy.total) == (2, 3)
    assert accuracy.answers == pack(np.array([True, False, True]), "list")
    # printf "\3\0\0\0\1\0\0\0\2\0\0\0" | sha256sum
    assert accuracy.predictions_sha256 == "dec2809e6e374a6f8998def7721d410ca4d634f5b842bd3989c5cc94ed785ddb"
