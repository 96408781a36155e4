"""Images from which int8 learns the ranges of a network's values: some of the user's own, always the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dse_harness.errors import HarnessError
from dse_harness.protocol import Preprocessing

from dse.data_sets import DataSet
from dse.errors import DataSetError, MachineError
from dse.files import fingerprint
from dse.sections import PreprocessingSection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CALIBRATION_IMAGES = 100


@dataclass(frozen=True)
class Calibration:
    """Images of ``data_set``, without their labels.

    The last `CALIBRATION_IMAGES` of `dse_harness.image_order.random_order`, which an accuracy that is counted on a part
    of the images takes last.
    """

    data_set: DataSet
    preprocessing: PreprocessingSection

    def images(self) -> list[int]:
        """Their numbers in the data set."""
        from dse_harness.image_order import random_order

        return [int(n) for n in random_order(self.data_set.size, self.data_set.sha256)[-CALIBRATION_IMAGES:]]

    def identity(self) -> str:
        """What tells them apart, by content. Raises MachineError."""
        from dse_harness.samples import opencv_version  # brings NumPy

        try:
            opencv = opencv_version()
        except HarnessError as error:
            raise MachineError(str(error)) from error
        images = [self.data_set.sha256, self.data_set.size, CALIBRATION_IMAGES]
        return fingerprint([*images, self.preprocessing.model_dump(), opencv])

    def inputs(self, side: int) -> Iterator[NDArray[np.float32]]:
        """The images as a float model takes them, ``[side, side, 3]``. Raises DataSetError."""
        import numpy as np
        from dse_harness.data_set import open_images
        from dse_harness.preprocessing import recipe  # with OpenCV 0.4 s

        mean, scale = np.array(self.preprocessing.mean, np.float32), np.array(self.preprocessing.scale, np.float32)
        try:
            image = open_images(self.data_set.spec, Path())
            to_pixels = recipe(Preprocessing(**self.preprocessing.model_dump()), side)
            for number in self.images():
                yield (to_pixels(image(number)).astype(np.float32) - mean) / scale
        except HarnessError as error:
            raise DataSetError(str(error), path=self.data_set.path) from error
