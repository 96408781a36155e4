"""Where dse logs. Apart from `dse` itself, as most commands log nothing, and `logging` takes time to load."""

from __future__ import annotations

import logging

logging.getLogger("dse").addHandler(logging.NullHandler())  # what is logged is the caller's to show


def logger(name: str) -> logging.Logger:
    """The logger of a module of dse."""
    return logging.getLogger(name)
