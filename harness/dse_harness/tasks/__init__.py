"""What a model's outputs mean, and what makes an answer right: one class for each task, behind one protocol."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from numpy.typing import NDArray

from dse_harness.errors import HarnessError
from dse_harness.protocol import Accuracy, ImageOrder, MetricValue
from dse_harness.registry import Registry, RegistryError, UnknownEntryError
from dse_harness.tensors import Tensor


class Task(Protocol):
    """A task for one model: made from its outputs and the data set's number of classes (None: nobody said).

    The constructor raises HarnessError (``model_unsupported``) for outputs that do not fit.
    """

    reads: ClassVar[tuple[int, ...]]
    """Which of the model's outputs it needs; the others are not copied."""
    most_values: int
    """How many float32 values an answer has at most."""
    background_class: bool
    """Whether class 0 of the output means "none of them"; False where that means nothing."""

    def __init__(self, outputs: Sequence[Tensor], classes: int | None) -> None: ...

    def check_labels(self, labels: NDArray[Any]) -> None:
        """Refuse what this model cannot answer. Raises HarnessError (``model_unsupported``)."""
        ...

    def answer(self, outputs: Sequence[NDArray[Any]], into: array[float]) -> int:
        """Write one sample's answer as LoadGen logs it, and say how many values it has. This is timed."""
        ...

    def predictions(self, answers: Sequence[bytes]) -> NDArray[Any]:
        """What logged answers say, in their order. Raises ValueError."""
        ...

    def digest(self, predictions: NDArray[Any]) -> str:
        """A SHA-256 that is the same for the same predictions alone."""
        ...

    def accuracy(
        self, predictions: NDArray[Any], labels: NDArray[Any], image_order: ImageOrder, data_set_images: int
    ) -> Accuracy | None:
        """Counts of right answers, for a task whose answers are right or wrong.

        With `Accuracy.answers`, in ``image_order``, models are compared on the images that both were asked; without
        them their accuracies count as independent.
        """
        ...

    def metrics(self, predictions: NDArray[Any], labels: NDArray[Any]) -> Mapping[str, MetricValue]:
        """Every other figure that the predictions come to."""
        ...


TASKS: Registry[type[Task]] = Registry(
    "dse.tasks",
    {"image_classification": "dse_harness.tasks.image_classification:ImageClassification"},
    needs=("reads", "check_labels", "answer", "predictions", "digest", "accuracy", "metrics"),
)


def task_of(name: str) -> type[Task]:
    """The task of this name. Raises HarnessError (``bad_request``)."""
    try:
        return TASKS.get(name)
    except UnknownEntryError as error:
        raise HarnessError("bad_request", f"task: found {name!r}, allowed: {', '.join(error.allowed)}") from error
    except RegistryError as error:
        raise HarnessError("runtime_missing", str(error)) from error
