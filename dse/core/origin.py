"""Where a model's weights come from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelOrigin:
    """What measurements.json says of a model's history, in its words."""

    starting_weights_filename: str
    """The address or name of the weights that the model was made from."""
    retraining: str = "no"
    weight_transformations: str = "TFLite"
    licence: str | None = None
    """Of the weights, as SPDX names it; None where nobody told dse."""
