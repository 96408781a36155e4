"""dse finds the ways to run an image classifier on this device that nobody can beat, and proves them with MLPerf."""

__version__ = "0.1.0"
