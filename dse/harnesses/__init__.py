"""Ways to have a request measured: in its own process, from a recorded study or table, by a device that is made up."""

from dse.harnesses._base import Harness
from dse.harnesses.fake import FakeDevice
from dse.harnesses.replay import ReplayHarness
from dse.harnesses.subprocess import SubprocessHarness
from dse.harnesses.table import TableHarness

__all__ = ["FakeDevice", "Harness", "ReplayHarness", "SubprocessHarness", "TableHarness"]
