"""Ways to have a request measured: in a process of its own, from a recorded table, or by a device that is made up."""

from dse.harnesses._base import Harness
from dse.harnesses.subprocess import SubprocessHarness

__all__ = ["Harness", "SubprocessHarness"]
