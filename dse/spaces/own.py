"""The default space of one model file of one's own: what is found in the file, what is assumed, and how it is written.

It is written as people write one, with what was assumed in words, to be edited.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dse_harness.errors import HarnessError
from dse_harness.protocol import Accuracy
from dse_harness.tensors import Tensor, image_input

from dse.backends import Backend
from dse.errors import InputError, MachineError, ModelError
from dse.models.contents import ModelContents, read_contents
from dse.models.precisions import QUANTIZERS, not_float, versions
from dse.packages import engine_named, engines_here, engines_reading
from dse.spaces.document import parse_document
from dse.spaces.load import load_space
from dse.spaces.pixels import PIXELS, shown, tried_pixels
from dse.spaces.space import Space

MEASURED = "measured"
"""In place of one of `PIXELS`: that with which most of some images are right."""
_PRECISIONS = ("float32", "float16", "int8", "int8_dynamic", "int8_weight_only", "int4_weight_only")
_LACKS = {"openvino": ("int4_weight_only",)}
"""Of these, what an engine takes no model in."""
_OVERFLOWS = (
    "precision:",
    "  float32:",
    "  int8: { exact_integers: [false, true] } # without it, 8-bit sums overflow where the processor has no VNNI",
    "  int8_dynamic:",
)
"""The precisions of a .onnx file below ONNX Runtime."""
_BUFFER_SIZE = 256
_MOST_DOUBLINGS = 4
"""Of threads, from one on."""
_PACKED = {1001: 1000}
"""Outputs that mean ImageNet's classes with a background class first."""


@dataclass(frozen=True)
class OwnSpace:
    """The ``text`` of a space called ``name``, and ``notes``: what was found and what was assumed, as sentences."""

    name: str
    text: str
    notes: tuple[str, ...]

    def load(self, path: Path) -> Space:
        """The space, which is to lie at ``path``. Raises what `load_space` raises."""
        return load_space(parse_document(self.text, path))


def model_space(
    model: str | os.PathLike[str],
    images: str | os.PathLike[str],
    labels: str | os.PathLike[str] | None = None,
    *,
    name: str | None = None,
    pixels: str | None = None,
) -> Space:
    """The default space of one .tflite or .onnx classifier on images of one's own, for `explore`.

    Its engines are those that are installed and read the file; its precisions those that can be made of it, where
    ``pip install 'dse[quantize]'`` was run; then threads and kernels. ``images`` is a folder, and ``labels`` a list
    with a line ``NAME CLASS`` for each image; without it, ``images`` is a folder with a folder for each class, or an
    .npz or .parquet file with both. ``pixels`` says what a pixel becomes in a float input: ``-1..1`` (by default, a
    guess), ``0..1``, ``0..255``, or ``measured``: that of them with which most of 100 images are right.
    `Space.file` has it all.

    Raises ModelError, DataSetError, InputError, MachineError.

    >>> import dse, dse.zoo, pathlib
    >>> contents = dse.zoo.build("small", "minimalistic", 0.35, 48, "float32")
    >>> model = pathlib.Path("mine.tflite")
    >>> _ = model.write_bytes(contents)
    >>> space = dse.model_space(model, dse.zoo.validation_path())
    >>> space.tree.levels_of("delegate")
    ('xnnpack', 'builtin')
    """
    written = own_space(Path(model), Path(images), None if labels is None else Path(labels), name=name, pixels=pixels)
    return written.load(Path(f"{written.name}.yaml").absolute())


def own_space(
    model: Path,
    images: Path,
    labels: Path | None,
    *,
    name: str | None = None,
    pixels: str | None = None,
    backend: Backend | None = None,
) -> OwnSpace:
    """What `model_space` makes a space of; ``backend`` is where pixels are measured, by default this machine."""
    if pixels not in (None, MEASURED, *PIXELS):
        raise InputError(f"found {pixels!r}, allowed: {', '.join((MEASURED, *PIXELS))}", argument="pixels")
    contents = read_contents(model)
    outputs = _outputs(model, contents)
    engines = _engines(model)
    precisions, why_not = _precisions(model, contents)
    called = name or space_name(model)
    stated = None if pixels == MEASURED else pixels
    made = _Parts(model.absolute(), contents, outputs, engines, precisions, _data_set(images, labels), stated)
    some = OwnSpace(called, made.text(called, None), ()).load(Path(f"<the space of {model.name}>"))
    if pixels == MEASURED and contents.inputs[0].type != "uint8" and (tried := tried_pixels(some, backend)):
        best = max(tried, key=lambda each: tried[each].good)
        made = replace(made, pixels=best, tried=tried)
    notes = [f"{model.name}: its input is {contents.inputs[0]}; {outputs} outputs{made.background}"]
    if len(contents.outputs) > 1:
        notes.append(
            f"of its {len(contents.outputs)} outputs the first is taken for the classes: {contents.outputs[0]}"
        )
    notes.append(made.recipe)
    if why_not:
        notes.append(f"no other precisions: {why_not}")
    return OwnSpace(called, made.text(called, min(_BUFFER_SIZE, some.data_set.size)), tuple(notes))


def space_name(model: Path) -> str:
    """What the space of a model is called."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", model.stem).lstrip("._-")[:200] or "model"


@dataclass(frozen=True)
class _Parts:
    """What the text is made of."""

    model: Path
    contents: ModelContents
    outputs: int
    engines: Sequence[str]
    precisions: Sequence[str]
    data_set: Sequence[str]
    pixels: str | None
    tried: Mapping[str, Accuracy] = field(default_factory=dict)

    @property
    def background(self) -> str:
        """What is said of a background class."""
        return ", a background class first" if self.outputs in _PACKED else ""

    @property
    def recipe(self) -> str:
        """What becomes of a pixel, and whether that is a guess."""
        kind = self.contents.inputs[0].type
        if kind == "uint8":
            return "a uint8 input gets the pixel itself, and mean and scale mean nothing"
        how = "" if kind.startswith("float") else " by its own quantization parameters"
        others = [(name, recipe) for name, recipe in PIXELS.items() if name != self._pixels]
        if self.tried:
            good = ", ".join(f"{self.tried[name].good} with {name}" for name, _ in others)
            right = self.tried[self._pixels]
            return f"a pixel becomes {self._pixels}{how}: of {right.total} images {right.good} are right so, {good}"
        if self.pixels is not None:
            return f"a pixel becomes {self.pixels}{how}, as was said"
        written = ", ".join(f"{name} is mean {shown(mean)}, scale {shown(scale)}" for name, (mean, scale) in others)
        return f"a pixel becomes {self._pixels}{how}: a guess, which no file says; {written}"

    @property
    def _pixels(self) -> str:
        return self.pixels or next(iter(PIXELS))

    def text(self, name: str, buffer_size: int | None) -> str:
        """The space, written."""
        mean, scale = PIXELS[self._pixels]
        made = (
            [f"    precision: [{', '.join(self.precisions)}] # float32 is the file as it is"] if self.precisions else []
        )
        threads = [1 << power for power in range(_MOST_DOUBLINGS) if 1 << power <= len(os.sched_getaffinity(0))]
        lines = (
            "schema: 1",
            f"name: {name}",
            f"description: {_quoted(f'{self.model.name}, as dse began with it; to be edited.')}",
            "",
            "data_set:",
            *self.data_set,
            f"  classes: {_PACKED.get(self.outputs, self.outputs)} # {self.outputs} outputs{self.background}",
            f"  preprocessing: {{ mean: {shown(mean)}, scale: {shown(scale)} }} # {self.recipe}",
            "",
            "models:",
            f"  {name}:",
            f"    path: {_quoted(str(self.model))}",
            *made,
            "",
            "runtimes:",
            *(f"  {engine}: {{ engine: {engine} }}" for engine in self.engines),
            "",
            "parameters:",
            *self._below_engines(),
            f"  threads: {threads}",
            *([] if buffer_size is None else [f"  buffer_size: [{buffer_size}] # samples in memory"]),
            "",
            "objectives: [accuracy, latency_p90_ns, model_memory_bytes]",
            "",
            "fidelity:",
            "  explore: { min_duration: 2s, trial_timeout: 10m }",
            "",
            "budget: { time: 15m }",
        )
        return "\n".join(lines) + "\n"

    def _below_engines(self) -> list[str]:
        if len(self.engines) == 1:
            own = _OVERFLOWS if self.engines[0] == "onnxruntime" and self.precisions else ()
            return [f"  {line}" for line in (*own, *_kernels(self.engines[0]))]
        lines = ["  runtime:"]
        for engine in self.engines:
            taken = [each for each in self.precisions if each not in _LACKS.get(engine, ())]
            precision = [f"precision: [{', '.join(taken)}]"] if taken else []
            if engine == "onnxruntime" and taken:
                precision = [*_OVERFLOWS]
            lines += [f"    {engine}:", *(f"      {line}" for line in (*precision, *_kernels(engine)))]
        return lines


def _kernels(engine: str) -> list[str]:
    delegates = engine_named(engine).delegates
    return [f"delegate: [{', '.join(delegates)}]"] if len(delegates) > 1 else []


def _quoted(text: str) -> str:
    """A text as YAML and JSON have it."""
    return json.dumps(text, ensure_ascii=False)


def _outputs(model: Path, contents: ModelContents) -> int:
    """How many classes the first output tells apart. Raises ModelError for a model that is no image classifier."""
    open_ = [image for image in contents.inputs if any(size < 0 for size in image.shape[1:])]
    if open_:
        raise ModelError(
            f"found the input {open_[0]}, allowed: only the first dimension, the batch, may be open",
            path=model,
            hint="fix height and width when the model is exported",
        )
    scale = 1.0 if model.suffix == ".tflite" else None  # which is not read here, and a .onnx file has none
    tensors = tuple(Tensor((1, *each.shape[1:]), each.type, scale) for each in contents.inputs)
    try:
        image_input(tensors, model)
    except HarnessError as error:
        message = str(error).removeprefix(f"{model}: ")
        raise ModelError(message, path=model, hint="export the model with one image as its input") from None
    shape = [abs(size) for size in contents.outputs[0].shape] if contents.outputs else []
    if not shape or math.prod(shape) != shape[-1] or shape[-1] < 2:
        found = str(contents.outputs[0]) if contents.outputs else "no output"
        raise ModelError(
            f"found {found} first of its outputs, allowed: [1, ..., number of classes]",
            path=model,
            hint="export the model with its scores as the first output",
        )
    return shape[-1]


def _engines(model: Path) -> list[str]:
    """The engines that are installed and read the file. Raises MachineError, ModelError where none does."""
    found = [name for name, (engine, _) in engines_here().items() if model.suffix in engine.suffixes]
    if not found:
        others = engines_reading(model.suffix)
        if not others:
            allowed = sorted({suffix for engine, _ in engines_here().values() for suffix in engine.suffixes})
            raise ModelError(f"found {model.suffix or 'no ending'}, allowed: {', '.join(allowed)}", path=model)
        packages = engine_named(others[0]).packages
        raise MachineError(
            f"no engine that reads {model.suffix} files is installed", hint=f"pip install {' '.join(packages)}"
        )
    return found


def _precisions(model: Path, contents: ModelContents) -> tuple[tuple[str, ...], str | None]:
    """The precisions that can be made of the model here, or why there are none."""
    if reason := not_float(contents):
        return (), reason
    try:
        versions(model.suffix)
    except MachineError as error:
        return (), f"{error}: {error.hint}"
    return tuple(each for each in QUANTIZERS[model.suffix].precisions if each in _PRECISIONS), None


def _data_set(images: Path, labels: Path | None) -> list[str]:
    """The images as a space names them: with a list of labels, in one file, or in a folder for each class."""
    if labels is not None:
        return [f"  images: {_quoted(str(images.absolute()))}", f"  labels: {_quoted(str(labels.absolute()))}"]
    kind = {".npz": "file", ".parquet": "parquet"}.get(images.suffix, "folders")
    if kind == "folders" and images.is_dir() and not any(path.is_dir() for path in images.iterdir()):
        raise InputError(
            f"is missing: a list with a line 'NAME CLASS' for each image, as {images} has no folder for each class",
            argument="labels",
        )
    return [f"  {kind}: {_quoted(str(images.absolute()))}"]
