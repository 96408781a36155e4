"""Optuna Dashboard on a study: its storage, and the trials' own files as artifacts, without a copy of either."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any, BinaryIO
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from optuna.artifacts.exceptions import ArtifactNotFound

from dse.errors import Remedy, StudyError, why
from dse.reports.guard import Guard
from dse.study import Study
from dse.study.artifacts import artifact_path
from dse.study.current import current_storage
from dse.study.database import without_password, without_user


class TrialFiles:
    """An Optuna artifact store that reads the files in the trial folders, and never writes there."""

    def __init__(self, trials: Path) -> None:
        self._trials = trials

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """The file behind an id of `dse.study.artifacts.artifact_id`. Raises ArtifactNotFound."""
        try:
            file = os.fdopen(os.open(self._trials / artifact_path(artifact_id), os.O_RDONLY | os.O_NONBLOCK), "rb")
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                file.close()
                raise ValueError("no regular file")
        except (OSError, ValueError) as error:
            raise ArtifactNotFound(f"no artifact {artifact_id}") from error
        return file

    def has(self, artifact_id: str) -> bool:
        """Whether `open_reader` would find a file."""
        try:
            self.open_reader(artifact_id).close()
        except ArtifactNotFound:
            return False
        return True

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Refuse: what a trial measured does not change. Raises PermissionError."""
        raise PermissionError("the files of a trial are read only")

    def remove(self, artifact_id: str) -> None:
        """Refuse, as `write` does. Raises PermissionError."""
        raise PermissionError("the files of a trial are read only")


def _without_traceback(record: logging.LogRecord) -> bool:
    """Leave of what the dashboard logs the first line, which names the error."""
    record.msg, record.args = repr(record.getMessage().partition("\n")[0])[1:-1], ()
    return True


class _Server(ThreadingMixIn, WSGIServer):
    """A thread per connection: a browser opens several and leaves some idle, which would block the others."""

    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is wsgiref's
        """Say nothing: a line per request helps nobody."""


def make_dashboard(
    study: Study, host: str, port: int, *, edit: bool = False, how_to_edit: str = "", storage: str | None = None
) -> WSGIServer:
    """A server of the dashboard for ``study``, bound and not yet serving; port 0 takes a free one.

    It answers this machine's own pages, and only to look, unless ``edit`` is set; ``how_to_edit`` is told to who
    tries (`dse.reports.guard.Guard`).
    ``storage`` is the study's with a password, which no study records. Raises StudyError when the port is taken, or
    when Optuna's view is not there.
    """
    from optuna_dashboard import wsgi  # with its web framework half a second

    known = study.settings.storage
    if storage is not None and (known is None or without_password(storage) != without_password(known)):
        raise StudyError(
            f"is not in the storage {without_user(storage)}", path=study.folder, remedy=Remedy.CORRECT_STORAGE
        )
    current = current_storage(study, storage)
    logging.getLogger("optuna_dashboard._bottle_util").addFilter(_without_traceback)
    files = TrialFiles(study.folder / "trials")
    try:
        server = _Server((host, port), _QuietHandler)
    except OSError as error:
        raise StudyError(f"cannot listen on {host}:{port}: {why(error)}", remedy=Remedy.OTHER_PORT) from error
    try:
        application = wsgi(current, files)
        server.set_app(Guard(application, server.server_port, files.has, edit=edit, how_to_edit=how_to_edit))
    except BaseException:
        server.server_close()
        raise
    return server
