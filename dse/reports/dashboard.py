"""Optuna Dashboard on a study: its storage, and the trials' own files as artifacts, without a copy of either."""

from __future__ import annotations

from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any, BinaryIO
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import optuna
from optuna.artifacts.exceptions import ArtifactNotFound

from dse.errors import StudyError, why
from dse.study import Study
from dse.study.storage import artifact_path


class TrialFiles:
    """An Optuna artifact store that reads the files in the trial folders, and never writes there."""

    def __init__(self, trials: Path) -> None:
        self._trials = trials

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """The file behind an id of `dse.study.storage.artifact_id`. Raises ArtifactNotFound."""
        try:
            return (self._trials / artifact_path(artifact_id)).open("rb")
        except (OSError, ValueError, KeyError) as error:
            raise ArtifactNotFound(f"no artifact {artifact_id}") from error

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Refuse: what a trial measured does not change. Raises PermissionError."""
        raise PermissionError("the files of a trial are read only")

    def remove(self, artifact_id: str) -> None:
        """Refuse, as `write` does. Raises PermissionError."""
        raise PermissionError("the files of a trial are read only")


class _Server(ThreadingMixIn, WSGIServer):
    """A thread per connection: a browser opens several and leaves some idle, which would block the others."""

    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is wsgiref's
        """Say nothing: a line per request helps nobody."""


def make_dashboard(study: Study, host: str, port: int) -> WSGIServer:
    """A server of the dashboard for ``study``, bound and not yet serving; port 0 takes a free one.

    Raises StudyError when the port is taken.
    """
    from optuna_dashboard import wsgi  # with its web framework half a second

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    application = wsgi(optuna.storages.RDBStorage(study.storage_url), TrialFiles(study.folder / "trials"))
    try:
        return make_server(host, port, application, server_class=_Server, handler_class=_QuietHandler)
    except OSError as error:
        raise StudyError(f"cannot listen on {host}:{port}: {why(error)}", hint="take another --port") from error
