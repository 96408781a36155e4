"""The PyTorch network and the shipped weights describe the same function."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is needed for training only")

from dse import zoo
from dse.zoo.architecture import network
from dse.zoo.catalogue import weights_file
from dse.zoo.graph import fold
from dse.zoo.weights import load
from training.export import multiply_accumulates
from training.network import MobileNetV3
from training.serving import run, served_input


@pytest.mark.parametrize("form", ["minimalistic", "full"])
def test_pytorch_with_the_shipped_weights_agrees_with_the_written_file(form: str) -> None:
    entry = next(entry for entry in zoo.entries().values() if entry.form == form)
    with weights_file(entry.name).open("rb") as file:
        weights = load(file)
    model = MobileNetV3(weights.network).eval()
    state = {**weights.tensors, **weights.statistics[64]}
    missing, unexpected = model.load_state_dict({name: torch.tensor(t) for name, t in state.items()}, strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)
    with np.load(zoo.validation_path().open("rb")) as arrays:
        images = served_input(arrays["images"][:20], 64)
    with torch.inference_mode():
        expected = model(torch.from_numpy(images).permute(0, 3, 1, 2)).softmax(1).numpy()
    hard_swish = "operator" if form == "full" else None
    probabilities, _ = run(zoo.build(entry.family, form, entry.width, 64, "float32", hard_swish), images, "builtin")
    assert np.abs(probabilities - expected).max() < 1e-3


def test_multiply_accumulates_of_the_smallest_network_by_hand() -> None:
    entry = next(iter(zoo.entries().values()))
    with weights_file(entry.name).open("rb") as file:
        ops = fold(load(file), 64)
    assert entry.million_macs[64] == round(multiply_accumulates(ops, 64) / 1e6, 3)
    stem = network(entry.family, entry.width, entry.form == "minimalistic").stem
    assert multiply_accumulates(ops[:1], 64) == 32 * 32 * 3 * 3 * 3 * stem


@pytest.mark.parametrize("side", [48, 65])
def test_same_padding_halves_and_rounds_up(side: int) -> None:
    model = MobileNetV3(network("small", 0.35, minimalistic=True)).eval()
    with torch.inference_mode():
        assert model.stem(torch.zeros(1, 3, side, side)).shape[2:] == (-(-side // 2), -(-side // 2))
