"""Published results as one page for a browser: any two figures, fronts by group, one's own studies above them."""

from __future__ import annotations

from dse.reports.published.page import results_report

__all__ = ["results_report"]
