"""Ways to have a request measured: in its own process, from a recorded study or table, by a device that is made up."""

from dse.backends._base import Harness
from dse.backends.fake import FakeDevice
from dse.backends.local import SubprocessHarness
from dse.backends.replay import ReplayHarness
from dse.tabular.backend import TableHarness

__all__ = ["FakeDevice", "Harness", "ReplayHarness", "SubprocessHarness", "TableHarness"]
