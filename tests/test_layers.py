"""Imports point one way: what is below knows nothing of what is above it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]

FLOORS = (
    {"address", "durations", "errors", "processes", "reading", "shipped", "values"},
    {"files", "paths"},
    {"core", "trust", "data_sets"},
    {"zoo", "imagenet", "packages"},
    {"models", "tabular"},
    {"spaces", "backends"},
    {"study", "samplers"},
    {"search", "results", "submission", "reports", "doctor"},
    {"cli"},
    {"__main__"},
)
