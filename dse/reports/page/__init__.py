"""A study as one page for a browser: a file that needs no network and no server, to open, send and question."""

from __future__ import annotations

from dse.reports.page.page import report

__all__ = ["report"]
