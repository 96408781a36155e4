"""What an engine says about a model."""

from __future__ import annotations

from pathlib import Path

from dse_harness.engines import Session
from dse_harness.protocol import ModelInfo
from dse_harness.tasks import Task
from dse_harness.tensors import image_input


def describe(session: Session, path: Path, task: Task) -> ModelInfo:
    """The model at ``path`` as a response has it. Raises HarnessError for one that takes no image."""
    image, output = image_input(session.inputs, path), session.outputs[task.reads[0]]
    return ModelInfo(
        input_shape=image.shape,
        input_type=image.type,
        input_layout=image.layout,
        output_shape=output.shape,
        output_type=output.type,
        background_class=task.background_class,
        file_bytes=path.stat().st_size,
        input_scale=image.scale,
        input_zero_point=image.zero_point,
    )
