"""Where model files come from: the embedded zoo, files, downloads. Each turns a configuration into one .tflite file.

A recorded table stands in their place: its configurations have figures and no file.
"""

from dse.models._base import ModelFile, ModelSource
from dse.models.checksums import ChecksumRecord
from dse.models.file import FileSource
from dse.models.url import UrlSource
from dse.models.zoo import ZooSource
from dse.tabular.source import TableSource

__all__ = ["ChecksumRecord", "FileSource", "ModelFile", "ModelSource", "TableSource", "UrlSource", "ZooSource"]
