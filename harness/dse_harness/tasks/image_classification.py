"""Image classification: the class of the largest output, counted right as MLPerf's own script does (top-1)."""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dse_harness.answers import pack
from dse_harness.errors import HarnessError
from dse_harness.protocol import Accuracy, ImageOrder, MetricValue
from dse_harness.tensors import Tensor

_ANSWER = np.dtype("<f4")


class ImageClassification:
    """`Task` over the first output, ``[1, ..., classes]``; one output more than classes is a background class first.

    An answer is one little-endian float32, the class (accuracy-imagenet.py of mlcommons/inference). Its digest is over
    the classes as little-endian int32.
    """

    reads: ClassVar[tuple[int, ...]] = (0,)

    def __init__(self, outputs: Sequence[Tensor], classes: int | None) -> None:
        self.most_values = 1
        shape = outputs[0].shape if outputs else ()
        if not shape or shape[-1] != math.prod(shape) or shape[-1] < 2:
            raise HarnessError(
                "model_unsupported", f"found output shape {list(shape)}, allowed: [1, ..., number of classes]"
            )
        self.background_class = has_background_class(shape[-1], classes)
        self._first_class = int(self.background_class)
        self._classes = shape[-1] - self._first_class

    def check_labels(self, labels: NDArray[Any]) -> None:
        """See `Task`."""
        if (largest := int(labels.max())) >= self._classes:
            raise HarnessError(
                "model_unsupported",
                f"the data set has a class {largest}, the model tells {self._classes} classes apart",
            )

    def answer(self, outputs: Sequence[NDArray[Any]], into: array[float]) -> int:
        """See `Task`. Of equal outputs, the first wins."""
        into[0] = float(outputs[0].argmax() - self._first_class)
        return 1

    def predictions(self, answers: Sequence[bytes]) -> NDArray[np.int32]:
        """The classes, ``[N]``."""
        if any(len(answer) != _ANSWER.itemsize for answer in answers):
            raise ValueError("found an answer that is not one class")
        return np.frombuffer(b"".join(answers), _ANSWER).astype(np.int32)

    def digest(self, predictions: NDArray[np.int32]) -> str:
        """See `Task`."""
        return hashlib.sha256(predictions.astype("<i4").tobytes()).hexdigest()

    def accuracy(
        self, predictions: NDArray[np.int32], labels: NDArray[np.int32], image_order: ImageOrder, data_set_images: int
    ) -> Accuracy:
        """Right answers out of ``[N]`` predictions and labels, of so many images in all."""
        right = predictions == labels
        return Accuracy(
            good=int(right.sum()),
            total=len(predictions),
            predictions_sha256=self.digest(predictions),
            image_order=image_order,
            data_set_images=data_set_images,
            answers=pack(right, image_order),
        )

    def metrics(self, predictions: NDArray[np.int32], labels: NDArray[np.int32]) -> Mapping[str, MetricValue]:
        """Nothing that `accuracy` does not say."""
        return {}


def has_background_class(outputs: int, classes: int | None) -> bool:
    """Whether output 0 means "none of them" (`protocol.DataSetSpec`). Raises HarnessError (``model_unsupported``)."""
    if classes is None:
        return outputs == 1001
    if outputs not in (classes, classes + 1):
        raise HarnessError(
            "model_unsupported",
            f"found {outputs} outputs, allowed for a data set of {classes} classes: {classes}, "
            f"or {classes + 1} with a background class first",
        )
    return outputs == classes + 1
