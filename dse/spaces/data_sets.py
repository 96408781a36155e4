"""The kinds of data sets: each is a key in a space's ``data_set``, and a class of its own."""

from __future__ import annotations

from typing import Literal

from dse_harness.registry import Registry
from pydantic import Field

from dse.data_sets import DataSet, from_arrays, from_folders, from_images
from dse.errors import Remedy
from dse.paths import cache_dir
from dse.sections import Name, PreprocessingSection, Section, Standing
from dse.shipped import shipped

DATA_SETS: Registry[type[DataSetSection]] = Registry(
    "dse.data_sets",
    {
        "embedded": "dse.spaces.data_sets:EmbeddedSection",
        "file": "dse.spaces.data_sets:FileSection",
        "images": "dse.spaces.data_sets:ImagesSection",
        "folders": "dse.spaces.data_sets:FoldersSection",
        "parquet": "dse.spaces.data_sets:ParquetSection",
    },
    needs=("opened",),
)
"""Others add a subclass of `DataSetSection` as an entry point of the group ``dse.data_sets``."""


class DataSetSection(Section):
    """Labelled images, of one kind, whose name is the key that says where they are."""

    name: Name | None = None
    classes: int | None = Field(None, ge=2)
    preprocessing: PreprocessingSection = PreprocessingSection()

    def opened(self, at: Standing) -> DataSet:
        """The images, in a form that the harness reads. Raises SpaceError, DataSetError, MachineError."""
        raise NotImplementedError


class EmbeddedSection(DataSetSection):
    """Images that come with dse."""

    embedded: Literal["fashion_mnist"]

    def opened(self, at: Standing) -> DataSet:
        """The data set, under the name that it has."""
        return from_arrays(self.embedded, shipped(self.embedded, "validation.npz"), self.classes)


class FileSection(DataSetSection):
    """One .npz file with images and labels."""

    file: str

    def opened(self, at: Standing) -> DataSet:
        """The arrays; the file's name is theirs where they have no other."""
        path = at.file("file")
        with at.naming("file"):
            return from_arrays(self.name or path.stem, path, self.classes)


class ImagesSection(DataSetSection):
    """A folder of images, and a label list with a line 'NAME CLASS' for each."""

    images: str
    labels: str

    def opened(self, at: Standing) -> DataSet:
        """The images of the list; the folder's name is theirs where they have no other."""
        images = at.folder("images", "or correct the path", Remedy.NAME_IMAGES)
        labels = at.file("labels", "or correct the path", Remedy.NAME_LABELS)
        with at.naming("labels"):
            return from_images(self.name or images.name, images, labels, cache_dir(), self.classes)


class FoldersSection(DataSetSection):
    """A folder with a folder of images for each class; the classes are their names, in order."""

    folders: str

    def opened(self, at: Standing) -> DataSet:
        """The images of all folders; the folder's name is theirs where they have no other."""
        folders = at.folder("folders", "or correct the path", Remedy.NAME_IMAGES)
        with at.naming("folders"):
            return from_folders(self.name or folders.name, folders, cache_dir(), self.classes)


class ParquetSection(DataSetSection):
    """Parquet files with the bytes of images and their labels; a pattern such as ``test-*.parquet`` names several.

    Their rows follow one another in the order of the files' names.
    """

    parquet: str
    image_column: str = "image"
    label_column: str = "label"

    def opened(self, at: Standing) -> DataSet:
        """The images, unpacked once; the name is that of the one file, or of its folder, where there is no other."""
        from dse.data_sets.parquet import Columns, from_parquet

        files = at.files("parquet")
        name = self.name or (files[0].stem if len(files) == 1 else files[0].parent.name)
        with at.naming("parquet"):
            return from_parquet(name, files, Columns(self.image_column, self.label_column), cache_dir(), self.classes)
