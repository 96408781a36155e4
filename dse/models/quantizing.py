"""Makes one precision of a model, in a process of its own: ``python -m dse.models.quantizing FOLDER``.

The folder has request.json, as `dse.models.precisions` writes it. It gets the file ``model`` and answer.json, which
says ``refused`` or ``failed``, and why, where there is no such file. Nothing else imports a quantizer.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from dse_harness.data_set import open_images
from dse_harness.errors import HarnessError
from dse_harness.preprocessing import recipe as pixel_recipe
from dse_harness.protocol import DataSetSpec, Preprocessing
from dse_harness.samples import fill, input_values
from dse_harness.tensors import Tensor, image_input
from numpy.typing import NDArray

from dse.errors import ModelError
from dse.files import sha256_file
from dse.models.contents import ModelContents, read_contents

_MOST_SAID = 300
_MOST_IN_BYTE = 127
"""Of an operator, in the field of before."""
_HAS = {"float16": "float16", "int4_dynamic": "int4", "int4_weight_only": "int4"}
"""The type of weights that a precision has at least one of; int8 or uint8 in every other."""


class _RefusedError(Exception):
    """The quantizer's own sentence."""


class CalibrationSamples(Sequence[NDArray[Any]]):
    """The images of a request as the model at ``path`` takes them; each is made when it is asked for."""

    def __init__(self, request: dict[str, Any], contents: ModelContents, path: Path) -> None:
        image = contents.inputs[0]
        tensor = image_input((Tensor((1, *image.shape[1:]), image.type),), path)
        preprocessing = Preprocessing(**request["preprocessing"])
        self._image = open_images(DataSetSpec(**request["data_set"]), Path("/"))
        self._pixels = pixel_recipe(preprocessing, tensor.side)
        self._values = input_values(preprocessing, tensor)
        self._shape = tensor.shape
        self._numbers = request["images"]

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, place: Any) -> Any:
        sample = np.empty(self._shape, self._values.dtype)
        fill(sample[0], self._values, self._pixels(self._image(self._numbers[place])))
        return sample

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self[place] for place in range(len(self)))


def main(folder: Path) -> None:
    """Make what the request in ``folder`` asks for."""
    request = json.loads((folder / "request.json").read_bytes())
    path = Path(request["model"])
    answer = {}
    try:
        if sha256_file(path) != request["sha256"]:
            raise ModelError("has changed since the search began", path=path)
        contents = read_contents(path)
        samples = CalibrationSamples(request, contents, path) if "images" in request else None
        make = _onnx if path.suffix == ".onnx" else _tflite
        target = folder / f"made{path.suffix}"
        try:
            target.write_bytes(make(path, request["precision"], samples, folder))
        except (MemoryError, HarnessError, ImportError):
            raise
        except Exception as error:
            raise _RefusedError(" ".join(str(error).split())[:_MOST_SAID] or type(error).__name__) from error
        _require_quantized(target, request["precision"])
        target.replace(folder / "model")
    except _RefusedError as error:
        answer["refused"] = str(error)
    except (HarnessError, ModelError) as error:
        answer["failed"] = str(error)
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


def _require_quantized(target: Path, precision: str) -> None:
    """Raise _RefusedError where the quantizer left every weight as it was, which it does without a word."""
    wanted = {_HAS[precision]} if precision in _HAS else {"int8", "uint8"}
    if not wanted & set(read_contents(target).weights):
        raise _RefusedError("the quantizer found no operator in it whose weights it takes")


def _tflite(path: Path, precision: str, samples: CalibrationSamples | None, _: Path) -> bytes:
    from ai_edge_quantizer import qtyping, quantizer, recipe

    recipes = {
        "int8": recipe.static_wi8_ai8,
        "int8_dynamic": recipe.dynamic_wi8_afp32,
        "int8_weight_only": recipe.weight_only_wi8_afp32,
        "int4_dynamic": recipe.dynamic_wi4_afp32,
        "int4_weight_only": recipe.weight_only_wi4_afp32,
    }
    contents, signature, name = as_quantizer_takes_it(path.read_bytes())
    worker = quantizer.Quantizer(contents, recipes[precision]() if precision in recipes else None)
    if precision == "float16":
        worker.update_quantization_recipe(
            ".*",
            qtyping.TFLOperationName.ALL_SUPPORTED,
            qtyping.OpQuantizationConfig(
                weight_tensor_config=qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT),
                compute_precision=qtyping.ComputePrecision.FLOAT,
                explicit_dequantize=True,
            ),
            quantizer.algorithm_manager.AlgorithmName.FLOAT_CASTING,
        )
    ranges = None
    if samples is not None:  # of one thread: sums in another order would be other ranges
        ranges = worker.calibrate({signature: [{name: sample} for sample in samples]}, num_threads=1)
    return as_engines_read_it(bytes(worker.quantize(ranges, enable_progress_report=False).quantized_model))


def as_quantizer_takes_it(contents: bytes) -> tuple[bytes, str, str]:
    """A .tflite file with a signature and with operators in today's field; the names of signature and input.

    ai-edge-quantizer calibrates by signature, and takes every operator of a file from before 2020 for an ADD: it
    returns such a file as it is.
    """
    from ai_edge_litert import schema_py_generated as schema

    def named(name: str, index: int) -> Any:
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = name, int(index)
        return entry

    model = _opened(contents)
    if not model.signatureDefs:
        graph = model.subgraphs[0]
        definition = schema.SignatureDefT()
        definition.signatureKey, definition.subgraphIndex = "serving_default", 0
        definition.inputs = [named(f"input_{n}", index) for n, index in enumerate(graph.inputs)]
        definition.outputs = [named(f"output_{n}", index) for n, index in enumerate(graph.outputs)]
        model.signatureDefs = [definition]
    signature = model.signatureDefs[0]
    return _packed(model), _text(signature.signatureKey), _text(signature.inputs[0].name)


def as_engines_read_it(contents: bytes) -> bytes:
    """A .tflite file with its weights within, and its operators in the field of before as well.

    ai-edge-quantizer puts larger weights behind the FlatBuffer, where only LiteRT looks for them, and OpenVINO takes
    the operators that it adds for ADDs.
    """
    return _packed(_opened(contents))


def _opened(contents: bytes) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(contents, 0))
    for code in model.operatorCodes:
        code.builtinCode = max(code.builtinCode, code.deprecatedBuiltinCode)
        code.deprecatedBuiltinCode = min(code.builtinCode, _MOST_IN_BYTE)
    for buffer in model.buffers:
        if buffer.offset > 1:
            buffer.data = np.frombuffer(contents, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    return model


def _packed(model: Any) -> bytes:
    import flatbuffers

    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _onnx(path: Path, _: str, samples: CalibrationSamples | None, folder: Path) -> bytes:
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared, target = folder / "prepared.onnx", folder / "quantized.onnx"
    quant_pre_process(path, prepared, skip_symbolic_shape=True)
    if samples is None:  # the provider for processors has no ConvInteger with int8 weights
        quantization.quantize_dynamic(prepared, target, weight_type=quantization.QuantType.QUInt8)
        return target.read_bytes()
    name, waiting = read_contents(path).inputs[0].name, iter(samples)

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc] # it has no types
        def get_next(self) -> dict[str, Any] | None:
            return next(({name: sample} for sample in waiting), None)

    quantization.quantize_static(
        prepared, target, Reader(), quant_format=quantization.QuantFormat.QDQ, per_channel=True
    )
    return target.read_bytes()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
