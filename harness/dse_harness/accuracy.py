"""LoadGen's accuracy log: what was answered on each image."""

from __future__ import annotations

import json
from pathlib import Path

from dse_harness.errors import HarnessError


def read_answers(log: Path, total: int) -> list[bytes]:
    """What was logged for images 0 to ``total`` - 1, from an mlperf_log_accuracy.json, whose data is hexadecimal.

    Raises HarnessError (``loadgen``) unless every image is answered.
    """
    answers: dict[int, bytes] = {}
    try:
        for entry in json.loads(log.read_bytes()):
            answers[range(total)[entry["qsl_idx"]]] = bytes.fromhex(entry["data"])
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise HarnessError("loadgen", f"{log}: not an accuracy log of {total} images: {error}") from error
    if len(answers) != total:
        raise HarnessError("loadgen", f"{log}: found {len(answers)} images, expected {total}")
    return [answers[index] for index in range(total)]
