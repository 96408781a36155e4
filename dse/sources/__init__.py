"""Where model files come from: the embedded zoo, files, downloads. Each turns a configuration into one .tflite file.

A recorded table stands in their place: its configurations have figures and no file.
"""

from dse.sources._base import ModelFile, ModelSource
from dse.sources.checksums import ChecksumRecord
from dse.sources.file import FileSource
from dse.sources.table import TableSource
from dse.sources.url import UrlSource
from dse.sources.zoo import ZooSource

__all__ = ["ChecksumRecord", "FileSource", "ModelFile", "ModelSource", "TableSource", "UrlSource", "ZooSource"]
