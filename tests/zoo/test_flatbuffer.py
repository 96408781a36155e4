"""What was written, read back by the schema's own generated reader."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.zoo.flatbuffer import Field, Operator, Quantization, Tensor, serialize

schema = pytest.importorskip("ai_edge_litert.schema_py_generated", reason="no independent reader of .tflite files")


def _read(content: bytes) -> Any:
    return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))


def _example() -> bytes:
    quantization = Quantization(np.array([0.5, 0.25], np.float32), np.array([-128, 3]), axis=3)
    tensors = [
        Tensor("image", (1, 8, 8, 3), "float32"),
        Tensor("kernel", (1, 3, 3, 2), "int8", np.arange(18, dtype=np.int8).reshape(1, 3, 3, 2), quantization),
        Tensor("nibbles", (3,), "int4", np.array([-7, 5, 3], np.int8)),
        Tensor("half", (2,), "float16", np.array([1.5, -2], np.float16)),
        Tensor("result", (1, 4, 4, 2), "float32"),
    ]
    same, stride = Field(0, "int8", 0), (Field(1, "int32", 2), Field(2, "int32", 2))
    operators = [
        Operator("CONV_2D", 3, (0, 1), (4,), (same, *stride, Field(3, "int8", 1))),
        Operator("SOFTMAX", 1, (4,), (4,), (Field(0, "float32", 1.0),)),
        Operator("MEAN", 2, (4,), (4,), (Field(0, "bool", True),)),
        Operator("DEQUANTIZE", 5, (3,), (4,)),
        Operator("CONV_2D", 1, (0, 1), (4,), (same, *stride, Field(3, "int8", 3))),
    ]
    return serialize(tensors, operators, input_index=0, output_index=4, description="example")


def test_every_field_comes_back() -> None:
    content = _example()
    model = _read(content)
    (graph,) = model.subgraphs
    assert content[4:8] == b"TFL3"
    assert (model.version, model.description) == (3, b"example")
    assert (list(graph.inputs), list(graph.outputs)) == ([0], [4])
    assert [tensor.name for tensor in graph.tensors] == [b"image", b"kernel", b"nibbles", b"half", b"result"]
    types = schema.TensorType
    assert [t.type for t in graph.tensors] == [types.FLOAT32, types.INT8, types.INT4, types.FLOAT16, types.FLOAT32]
    kernel = graph.tensors[1]
    assert list(kernel.shape) == [1, 3, 3, 2]
    assert kernel.quantization.scale.tolist() == [0.5, 0.25]
    assert kernel.quantization.zeroPoint.tolist() == [-128, 3]
    assert kernel.quantization.quantizedDimension == 3
    assert bytes(model.buffers[kernel.buffer].data) == bytes(range(18))
    assert bytes(model.buffers[graph.tensors[2].buffer].data) == bytes([0x59, 0x03])
    assert bytes(model.buffers[graph.tensors[3].buffer].data) == np.array([1.5, -2], "<f2").tobytes()
    assert graph.tensors[0].buffer == graph.tensors[4].buffer == 0
    (signature,) = model.signatureDefs
    assert signature.signatureKey == b"serving_default"
    assert [(m.name, m.tensorIndex) for m in signature.inputs + signature.outputs] == [
        (b"image", 0),
        (b"probabilities", 4),
    ]


def test_operators_come_back_with_version_and_options() -> None:
    model = _read(_example())
    operators = model.subgraphs[0].operators
    codes = [model.operatorCodes[operator.opcodeIndex] for operator in operators]
    names = schema.BuiltinOperator
    assert [(code.builtinCode, code.version) for code in codes] == [
        (names.CONV_2D, 3),
        (names.SOFTMAX, 1),
        (names.MEAN, 2),
        (names.DEQUANTIZE, 5),
        (names.CONV_2D, 1),
    ]
    convolution, softmax, mean, dequantize, other = (operator.builtinOptions for operator in operators)
    assert (convolution.padding, convolution.strideW, convolution.strideH) == (schema.Padding.SAME, 2, 2)
    assert convolution.fusedActivationFunction == schema.ActivationFunctionType.RELU
    assert other.fusedActivationFunction == schema.ActivationFunctionType.RELU6
    assert softmax.beta == 1.0
    assert mean.keepDims is True
    assert isinstance(dequantize, schema.DequantizeOptionsT)


@given(st.lists(st.binary(min_size=1, max_size=70), min_size=1, max_size=5))
def test_constants_come_back_and_lie_at_multiples_of_sixteen(contents: list[bytes]) -> None:
    tensors = [
        Tensor(f"t{number}", (len(content),), "int8", np.frombuffer(content, np.int8))
        for number, content in enumerate(contents)
    ]
    written = serialize(tensors, [], input_index=0, output_index=0, description="")
    model = schema.Model.GetRootAsModel(written, 0)
    for tensor, content in zip(_read(written).subgraphs[0].tensors, contents, strict=True):
        buffer = model.Buffers(tensor.buffer)
        data = buffer.DataAsNumpy()
        assert data.tobytes() == content
        start = buffer._tab.Vector(buffer._tab.Offset(4))
        assert written[start : start + len(content)] == content
        assert start % 16 == 0
