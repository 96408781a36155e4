"""A study's own trials in place of the device: what was measured once answers the same request again."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

from dse_harness import protocol
from dse_harness.decode import ProtocolError
from dse_harness.protocol import Accuracy, Failure, Request, Response

from dse.core.experiment import Experiment
from dse.errors import StudyError, why


class RecordingBackend:
    """Answers from the requests and responses that lie in folders below ``trials``, by what a request measures.

    The n-th time that something is asked for, its n-th trial answers, and the last one from then on; where it ran no
    accuracy and one is asked for, the one that another trial of the same model ran answers. A request that was never
    measured fails with the class ``model_missing``.
    """

    is_deterministic = False  # repeats answer one after the other, as they were measured

    def __init__(self, trials: Path) -> None:
        """Read every finished trial. Raises StudyError when there is none or one cannot be read."""
        self.provenance = f"recorded in {trials}"
        self._recorded: dict[str, list[Response]] = {}
        self._accuracies: dict[str, list[Accuracy]] = {}
        for folder in sorted(
            (f for f in trials.glob("*") if f.name.isascii() and f.name.isdecimal()), key=lambda f: int(f.name)
        ):
            if (folder / "request.json").exists() and (folder / "response.json").exists():
                try:
                    request = protocol.read(Request, folder / "request.json")
                    response = protocol.read(Response, folder / "response.json")
                except (OSError, ProtocolError) as error:
                    raise StudyError(f"cannot be read: {why(error)}", path=folder) from error
                self._recorded.setdefault(Experiment.of(request).key(), []).append(response)
                if response.accuracy:
                    self._accuracies.setdefault(Experiment.of(request).accuracy_key(), []).append(response.accuracy)
        if not self._recorded:
            raise StudyError("no finished trial is here", path=trials, hint="name the folder trials of a study")

    def run(self, request: Request, folder: Path, timeout_s: float, *, python: str | None = None) -> Response:
        """See `dse.backends.Backend`."""
        protocol.write(request, folder / "request.json")
        recorded = self._recorded.get(Experiment.of(request).key())
        if recorded is None:
            response = Response(failure=Failure("model_missing", "the recorded study has no such measurement"))
        else:
            response = self._with_accuracy(request, recorded.pop(0) if len(recorded) > 1 else recorded[0])
        protocol.write(response, folder / "response.json")
        return response

    def _with_accuracy(self, request: Request, response: Response) -> Response:
        """The response with an accuracy on as many images as are asked for, or on most of those that were recorded."""
        if request.accuracy is None or response.failure is not None:
            return response
        wanted = request.accuracy.samples or math.inf
        known = sorted(
            self._accuracies.get(Experiment.of(request).accuracy_key(), ()), key=lambda accuracy: accuracy.total
        )
        enough = next((accuracy for accuracy in known if accuracy.total >= wanted), known[-1] if known else None)
        if response.accuracy and response.accuracy.total >= min(wanted, enough.total if enough else 0):
            return response
        return dataclasses.replace(response, accuracy=enough)
