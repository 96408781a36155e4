"""Top-1 from LoadGen's accuracy log, as MLPerf's own script counts it; digests that tell equal answers from others."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dse_harness.errors import HarnessError
from dse_harness.protocol import Accuracy, ImageOrder, SpotCheck


def read_predictions(log: Path, total: int) -> NDArray[np.int32]:
    """The predicted class of images 0 to ``total`` - 1, ``[total]``, from an mlperf_log_accuracy.json.

    An entry's data is a little-endian float32 class index in hexadecimal (accuracy-imagenet.py of mlcommons/inference).
    Raises HarnessError (``loadgen``) unless every image is answered.
    """
    try:
        entries = json.loads(log.read_bytes())
        indices = np.array([entry["qsl_idx"] for entry in entries], np.int64)
        data = np.frombuffer(bytes.fromhex("".join(entry["data"] for entry in entries)), "<f4")
        predictions = np.full(total, -1, np.int32)
        predictions[indices] = data
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise HarnessError("loadgen", f"{log}: not an accuracy log of {total} images: {error}") from error
    answered = np.unique(indices).size
    if answered != total:
        raise HarnessError("loadgen", f"{log}: found {answered} images, expected {total}")
    return predictions


def top1(
    predictions: NDArray[np.int32], labels: NDArray[np.int32], image_order: ImageOrder, data_set_images: int
) -> Accuracy:
    """Right answers out of ``[N]`` predictions and labels, of so many images in all."""
    return Accuracy(
        good=int((predictions == labels).sum()),
        total=len(predictions),
        predictions_sha256=_digest(predictions),
        image_order=image_order,
        data_set_images=data_set_images,
    )


def spot_check(predictions: NDArray[np.int32], image_order: ImageOrder) -> SpotCheck:
    """The digest of the first images' predictions ``[N]``."""
    return SpotCheck(len(predictions), _digest(predictions), image_order)


def _digest(predictions: NDArray[np.int32]) -> str:
    return hashlib.sha256(predictions.astype("<i4").tobytes()).hexdigest()
