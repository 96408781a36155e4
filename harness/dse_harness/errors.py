"""The one exception of the harness: what becomes a `protocol.Failure` in the response."""

from __future__ import annotations

from dse_harness.protocol import ErrorClass, Failure


class HarnessError(Exception):
    """Why there is no measurement: a class to count by and a sentence to read."""

    def __init__(self, error: ErrorClass, message: str) -> None:
        super().__init__(message)
        self.failure = Failure(error, message)
