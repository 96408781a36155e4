"""Ways to have a request measured: in its own process, from a recorded study or table, by a device that is made up."""

from dse.backends._base import Backend
from dse.backends.fake import FakeDevice
from dse.backends.local import LocalBackend
from dse.backends.replay import RecordingBackend
from dse.tabular.backend import TabularBackend

__all__ = ["Backend", "FakeDevice", "LocalBackend", "RecordingBackend", "TabularBackend"]
