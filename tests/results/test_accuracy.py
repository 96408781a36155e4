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
        ("{'Pedestrian': [57.7], 'Car': [56.2], 'Total': 54.2562}", "mAP", 0.542562),
        ("BLEU: 23.9", "BLEU", 0.239),
        ('{"exact_match": 83.67, "f1": 90.87}', "F1", 0.9087),
        ("{'exact_match': 82.86, 'f1': 89.9}", "F1", 0.899),
        ("AUC=80.31%, accuracy=80.9%, good=1, total=2", "AUC", 0.8031),
        ("AUC = 79.9%", "AUC", 0.799),
        ("Word Error Rate: 0.0745, accuracy=92.55%", "1-WER", 0.9255),
        ("Word Error Rate: 7.4454%, accuracy=92.5546%", "1-WER", 0.925546),
        ("Accuracy: mean = 0.85300, whole tumor = 0.9141, tumor core = 0.8679", "dice", 0.853),
        ("Accuracy: mean = 0.85300; whole tumor = 0.9141; tumor core = 0.8679", "dice", 0.853),
        ("Accuracy: mean = 0.86348, kidney = 0.9342, tumor = 0.7927", "dice", 0.86348),
        ("{'rouge1': 44.4465, 'rouge2': 22.0638, 'rougeL': 28.625, 'gsm8k': 73.2}", "ROUGE1", 0.444465),
        ("{'rouge1': '38.732', 'rouge2': '15.8897', 'rougeL': '24.4547'}", "ROUGE1", 0.38732),
        ("{'exact_match': 90.119, 'rougeL': 21.9537, 'gen_len': 23217939}", "ROUGEL", 0.219537),
        ("{'exact_match': 81.4038, 'tokens_per_sample': 3643.2}", "exact_match", 0.814038),
        ("Accuracy Results: {'FID_SCORE': '23.909', 'CLIP_SCORE': '31.7493'}", "CLIP_SCORE", 0.317493),
    ],
)
def test_every_tasks_figure(text: str, metric: str, value: float) -> None:
    accuracy = parse_accuracy(f"noise\n{text}\nhash={'0f' * 32}\n".encode())
    assert accuracy.metric == metric
    assert text.endswith(accuracy.text)
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
