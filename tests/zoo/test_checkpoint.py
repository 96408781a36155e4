"""A checkpoint is read without being run: arrays come out, and a pickle that wants anything else is refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dse.zoo.checkpoint import CheckpointError, read_checkpoint
from tests.zoo.checkpoints import checkpoint, header, number, numbers, pickled, tensor, text, tiny_network

_ARRAYS = {
    "plain": np.arange(6, dtype=np.float32).reshape(2, 3),
    "turned": np.asfortranarray(np.arange(24, dtype=np.float32).reshape(2, 3, 4)),
    "count": np.array(7),
}


def test_what_was_saved_is_read() -> None:
    found = read_checkpoint(checkpoint(_ARRAYS))
    assert found.keys() == _ARRAYS.keys()
    for name, expected in _ARRAYS.items():
        assert found[name].dtype == expected.dtype
        np.testing.assert_array_equal(found[name], expected)


def test_pytorch_reads_the_same() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is needed for training only")
    import io

    data = checkpoint(tiny_network())
    for name, expected in torch.load(io.BytesIO(data), weights_only=True).items():
        np.testing.assert_array_equal(read_checkpoint(data)[name], expected.numpy())


class _Harmful:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_pickle_is_never_run(tmp_path: Path) -> None:
    harmful = pickle.dumps(_Harmful(tmp_path / "run"), protocol=2)
    with pytest.raises(CheckpointError, match="found the name"):
        read_checkpoint(header() + harmful)
    assert not (tmp_path / "run").exists()
    pickle.loads(harmful)
    assert (tmp_path / "run").exists()  # it would have


_ARRAY = np.zeros(4, np.float32)
_WHOLE = checkpoint({"a": _ARRAY})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no checkpoint"),
        (b"PK\x03\x04" + bytes(100), "zip archive"),
        (pickle.dumps({"a": 1}, protocol=2), "found magic number {'a': 1}"),
        (header() + pickle.dumps([1, 2]), "found the operation"),
        (header() + pickle.dumps({"a": 1}, protocol=2) + pickled(b"]"), "something else than tensors"),
        (header() + pickled(b"cos\nsystem\n"), "found the name os system, allowed: collections OrderedDict"),
        (header() + pickled(b"ctorch\nFloatStorage\n)R"), "found a call of"),
        (_WHOLE[:-1], "storage key0 is cut off"),
        (_WHOLE[:-20], "damaged"),
        (_WHOLE.replace(b"\x04" + bytes(7), b"\x05" + bytes(7)), "has 5 elements, expected 4"),
        (_WHOLE.replace(number(0) + numbers([4]), number(2) + numbers([4])), "outside of its storage"),
        (_WHOLE.replace(number(0) + numbers([4]), number(-1) + numbers([4])), "outside of its storage"),
        (_WHOLE.replace(numbers([4]) + numbers([1]), numbers([4]) + numbers([2])), "outside of its storage"),
        (_WHOLE.replace(numbers([4]) + numbers([1]), numbers([2**30]) + numbers([0])), "found a tensor of shape"),
        (_WHOLE.replace(numbers([4]) + numbers([1]), numbers([4]) + numbers([1, 1])), "damaged"),
        (_WHOLE.replace(text("storage"), text("module_")), "found a module_"),
        (header() + pickled(b"}(" + text("a") + tensor("k", _ARRAY) + b"u") + pickled(b"](" + text("b") + b"e"), "'b'"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(data: bytes, message: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(data)
    assert message in str(caught.value)


@given(st.integers(0, len(_WHOLE) - 1), st.binary(min_size=1, max_size=4))
@example(67, b"\\")
def test_damage_is_an_array_of_the_same_shape_or_an_error(place: int, bytes_: bytes) -> None:
    data = _WHOLE[:place] + bytes_ + _WHOLE[place + len(bytes_) :]
    try:
        found = read_checkpoint(data)
    except CheckpointError:
        return
    assert sum(array.nbytes for array in found.values()) <= len(data)
