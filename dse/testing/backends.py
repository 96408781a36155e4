"""The tests of a backend."""

from __future__ import annotations

from pathlib import Path

import pytest
from dse_harness import protocol
from dse_harness.protocol import Request, Response

from dse.backends import Backend


class BackendConformance:
    """Subclass it as ``Test...`` with the fixtures ``backend``, ``possible`` and ``impossible``."""

    @pytest.fixture
    def backend(self) -> Backend:
        """The backend to test."""
        raise NotImplementedError

    @pytest.fixture
    def possible(self) -> Request:
        """A request with a performance and an accuracy run that it can answer."""
        raise NotImplementedError

    @pytest.fixture
    def impossible(self) -> Request:
        """A request that it cannot answer, such as one of a model that is not there."""
        raise NotImplementedError

    def test_what_is_asked_for_is_measured(self, backend: Backend, possible: Request, tmp_path: Path) -> None:
        """Both runs, and both files in the trial's folder."""
        response = _run(backend, possible, tmp_path / "trial")
        assert response.failure is None
        assert response.performance is not None
        assert response.performance.latency_min_ns <= response.performance.latency_p90_ns
        assert response.accuracy is not None
        assert 0 <= response.accuracy.good <= response.accuracy.total
        assert response.accuracy.problem() is None

    def test_what_cannot_be_measured_is_a_failure(self, backend: Backend, impossible: Request, tmp_path: Path) -> None:
        """With a class and a sentence; nothing is raised."""
        response = _run(backend, impossible, tmp_path / "trial")
        assert response.failure is not None
        assert response.failure.message
        assert (response.performance, response.accuracy) == (None, None)

    def test_a_repeat_of_a_deterministic_one_says_the_same(
        self, backend: Backend, possible: Request, tmp_path: Path
    ) -> None:
        """`Backend.is_deterministic` is true; where figures were measured before, `Backend.provenance` says where."""
        if backend.is_deterministic:
            first, second = (_run(backend, possible, tmp_path / name) for name in "ab")
            assert first == second
        assert backend.provenance is None or backend.provenance.strip()


def _run(backend: Backend, request: Request, folder: Path) -> Response:
    folder.mkdir()
    response = backend.run(request, folder, 60.0)
    assert protocol.read(Request, folder / "request.json") == request
    assert protocol.read(Response, folder / "response.json") == response
    return response
