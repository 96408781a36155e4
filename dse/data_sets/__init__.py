"""Labelled images as the user names them, with a fingerprint of list and contents: one module for each form."""

from dse.data_sets.folders import from_folders
from dse.data_sets.listed import DataSet, from_arrays, from_images, read_labels, require_unchanged

__all__ = ["DataSet", "from_arrays", "from_folders", "from_images", "read_labels", "require_unchanged"]
