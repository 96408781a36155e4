"""Where an experiment runs: on this machine, in a tabular benchmark, in a recorded study, on a fake device."""

from dse_harness.registry import Registry

from dse.backends._base import Backend, closed_after
from dse.backends.fake import FakeDevice
from dse.backends.local import LocalBackend
from dse.backends.recording import RecordingBackend
from dse.tabular.backend import TabularBackend

BACKENDS: Registry[type[Backend]] = Registry(
    "dse.backends",
    {
        "local": "dse.backends.local:LocalBackend",
        "tabular": "dse.tabular.backend:TabularBackend",
        "recording": "dse.backends.recording:RecordingBackend",
        "fake": "dse.backends.fake:FakeDevice",
    },
    needs=("run", "is_deterministic", "provenance"),
)
"""Others add a class as an entry point of the group ``dse.backends``; each is made as its kind needs."""

__all__ = ["BACKENDS", "Backend", "FakeDevice", "LocalBackend", "RecordingBackend", "TabularBackend", "closed_after"]
