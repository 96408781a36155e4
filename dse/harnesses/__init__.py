"""Ways to have a request measured: in a process of its own, from a recorded study, or by a device that is made up."""

from dse.harnesses._base import Harness
from dse.harnesses.fake import FakeDevice
from dse.harnesses.replay import ReplayHarness
from dse.harnesses.subprocess import SubprocessHarness

__all__ = ["FakeDevice", "Harness", "ReplayHarness", "SubprocessHarness"]
