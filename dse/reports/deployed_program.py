"""The Python program that runs a picked configuration with its engine alone: no dse, no LoadGen."""

from __future__ import annotations

from dse_harness.engines import MODEL, example_of
from dse_harness.preprocessing import INTERPOLATIONS
from dse_harness.protocol import Preprocessing, Request
from dse_harness.response import ModelInfo

from dse.errors import StudyError
from dse.packages import engine_named

_CLASSIFICATION = "image_classification"
_PROGRAM = '''"""{title}

python {name} IMAGE ...    prints the class of each image
"""

{imports}

{model} = str(Path(__file__).with_name("{model_file}"))
{load}


def classify(rgb):
    """The class of an image, RGB uint8 [height, width, 3]."""
    shorter = min(rgb.shape[:2])
    size = tuple({scaled} * n // shorter for n in rgb.shape[1::-1])
    scaled = cv2.resize(rgb, size, interpolation=cv2.{interpolation})
    top, left = ((n - {side}) // 2 for n in scaled.shape[:2])
    sample = {sample}
    {run}
    return {answer}


if __name__ == "__main__":
    for path in sys.argv[1:]:
        print(path, classify(cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)))
'''


def program(request: Request, model: ModelInfo, title: str, name: str, model_file: str) -> str:
    """The program ``name``, beside the model file, that answers as the trial of ``request`` did. Raises StudyError."""
    runtime = request.runtime
    example = example_of(engine_named(runtime.name), runtime)
    if example is None:
        raise StudyError(f"the engine {runtime.name} does not say how to run a model without dse")
    if request.task != _CLASSIFICATION:
        raise StudyError(f"found the task {request.task}, allowed: {_CLASSIFICATION}")
    values = _values(request.preprocessing, model)
    pinned = runtime.cpu_affinity
    imports = ["import sys", "from pathlib import Path", "", "import cv2", "import numpy as np", *example.imports]
    load = [*([f"values = {values}  # of a pixel, in the model's input"] if values else []), *example.load]
    if pinned:
        imports.insert(0, "import os")
        load.insert(0, f"os.sched_setaffinity(0, {{{', '.join(map(str, pinned))}}})")
    side = model.input_shape[2]
    cut = f"scaled[top : top + {side}, left : left + {side}]"
    ordered = cut if model.input_layout == "NHWC" else f"{cut}.transpose(2, 0, 1)"
    sample = _looked_up(request.preprocessing, model, ordered) if values else ordered
    return _PROGRAM.format(
        title=title,
        name=name,
        imports="\n".join(imports),
        model=MODEL,
        model_file=model_file,
        load="\n".join(load),
        scaled=int(100.0 * side / request.preprocessing.crop_percent),
        interpolation=INTERPOLATIONS[request.preprocessing.interpolation],
        side=side,
        sample=f"np.ascontiguousarray({sample})[None]",
        run="\n    ".join(example.run),
        answer=f"int(scores.argmax()){' - 1  # the first is no class' if model.background_class else ''}",
    )


def _looked_up(preprocessing: Preprocessing, model: ModelInfo, ordered: str) -> str:
    """The pixels' values, where the three channels may have values of their own."""
    if len(preprocessing.channels[0]) == 1:
        return f"values[{ordered}]"
    channels = "np.arange(3)" if model.input_layout == "NHWC" else "np.arange(3)[:, None, None]"
    return f"values[{channels}, {ordered}]"


def _values(preprocessing: Preprocessing, model: ModelInfo) -> str | None:
    """What each of the 256 values of a pixel becomes, as `dse_harness.samples.input_values` has it; None: itself."""
    if model.input_type == "uint8":
        return None
    mean, scale = ([[value] for value in of] if len(of) == 3 else of[0] for of in preprocessing.channels)
    real = f"(np.arange(256) - {mean}) / {scale}"
    if model.input_type.startswith("float"):
        return f"({real}).astype(np.{model.input_type})"
    if model.input_scale is None:
        raise StudyError(
            f"found a model with {model.input_type} as its input, and no word of what they mean: the trial is of an "
            "earlier version",
            hint="measure it once more, and pick again",
        )
    levels = f"np.rint(({real}) / {model.input_scale!r} + {model.input_zero_point})"
    bits = f"np.iinfo(np.{model.input_type})"
    return f"{levels}.clip({bits}.min, {bits}.max).astype(np.{model.input_type})"
