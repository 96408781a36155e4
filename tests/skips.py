"""Which tests may be skipped where everything is there: CI fails on any other skip, since nobody reads a list of them.

pytest --no-other-skips
"""

from __future__ import annotations

import re

import pytest

ALLOWED = {
    r"needs the package efficientnet-lite[12]": "40 MB of weights; the smallest network's are there",
    r"needs torch and scipy": "Optuna's sampler gp, which brings PyTorch; no command of dse needs it",
    r"PyTorch is needed for training only": "the extra `training` is 2 GB; no command of dse needs it",
    r"no TFLite schema|no independent reader": "a wheel of the engine without its schema, on a new Python",
    r"needs (chromium|sshd)": "a machine without apt-get or root",
    r"only root |root may read|lets nobody (mount|make)": "who runs the tests, and in which container",
    r"tflite-runtime (2\.14\.0 )?needs|pip cannot install .*tflite": "its wheels end with Python 3.11",
    r"names no checkout of mlcommons/inference": "DSE_MLPERF_INFERENCE is for who has one",
    r"other programs use this machine's processors": "what is measured beside a busy program is no measurement",
}
"""Reasons by regular expression, and why each may be."""


class NoOtherSkips:
    """Fails a session in which a test was skipped for a reason that is not in `ALLOWED`."""

    def __init__(self) -> None:
        self._found: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._look(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._look(report)

    def _look(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            if not any(re.search(allowed, reason) for allowed in ALLOWED):
                self._found.add(f"{report.nodeid}: {reason}")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._found and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in sorted(self._found):
            terminalreporter.write_line(f"skipped for a reason that tests/skips.py does not list: {line}", red=True)
