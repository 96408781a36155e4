"""Where model files come from: the embedded zoo, files, downloads. Each turns a configuration into one file."""

from dse.models._base import FORMAT, Download, ModelFile, ModelSection, ModelSource
from dse.models.checksums import ChecksumRecord
from dse.models.file import FileSource
from dse.models.registry import MODEL_SOURCES
from dse.models.url import UrlSource
from dse.models.zoo import ZooSource

__all__ = [
    "FORMAT",
    "MODEL_SOURCES",
    "ChecksumRecord",
    "Download",
    "FileSource",
    "ModelFile",
    "ModelSection",
    "ModelSource",
    "UrlSource",
    "ZooSource",
]
