from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.errors import ResultsError
from dse.results.accuracy import parse_accuracy


@pytest.mark.parametrize(
    ("text", "metric", "value"),
    [
        ("accuracy=66.384%, good=33192, total=50000", "top1", 33192 / 50000),
        ("mAP=22.627%", "mAP", 0.22627),
        ("BLEU: 23.9", "BLEU", 23.9),
        ('{"exact_match": 83.67, "f1": 90.87}', "F1", 0.9087),
        ("AUC=80.31%, accuracy=80.9%, good=1, total=2", "AUC", 0.8031),
        ("AUC = 79.9%", "AUC", 0.799),
        ("Word Error Rate: 0.0745, accuracy=92.55%", "WER", 0.0745),
        ("Accuracy: mean = 0.85300, whole tumor = 0.9141, tumor core = 0.8679", "dice", 0.853),
        ("Accuracy: mean = 0.85300; whole tumor = 0.9141; tumor core = 0.8679", "dice", 0.853),
    ],
)
def test_every_tasks_figure(text: str, metric: str, value: float) -> None:
    accuracy = parse_accuracy(f"noise\n{text}\nhash={'0f' * 32}\n".encode())
    assert (accuracy.metric, accuracy.text) == (
        metric,
        text.removeprefix("Accuracy: ").removeprefix('{"exact_match": 83.67, '),
    )
    assert accuracy.value == pytest.approx(value)
    assert accuracy.log_hash == "0f" * 32


def test_fifty_thousand_lines_of_noise() -> None:
    # As in v0.7: not in the sample.
    noise = "".join(f"ILSVRC2012_val_{i:08}.JPEG, expected 65, got 65\n" for i in range(50_000))
    accuracy = parse_accuracy(f"{noise}accuracy=76.170%, good=38085, total=50000\n".encode())
    assert (accuracy.good, accuracy.total) == (38085, 50000)
    accuracy = parse_accuracy(f"accuracy=76.170%, good=38085, total=50000\n{noise}".encode())
    assert (accuracy.good, accuracy.total) == (38085, 50000)


@pytest.mark.parametrize("data", [b"", b"\0\xff", b"accuracy\n", b"ILSVRC2012, expected 1\n"])
def test_no_figure(data: bytes) -> None:
    with pytest.raises(ResultsError, match="no accuracy figure"):
        parse_accuracy(data)


@pytest.mark.parametrize("text", ["accuracy=1.2.3%", "accuracy=9%, good=3, total=2", "accuracy=9%, good=0, total=0"])
def test_an_impossible_figure(text: str) -> None:
    with pytest.raises(ResultsError):
        parse_accuracy(text.encode())


@given(st.binary())
def test_noise_before_a_figure_never_hides_it(noise: bytes) -> None:
    accuracy = parse_accuracy(noise + b"\naccuracy=48.300%, good=483, total=1000\n")
    assert (accuracy.good, accuracy.total) == (483, 1000)
