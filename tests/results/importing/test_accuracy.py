from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.errors import ResultsError
from dse.results.importing.accuracy import parse_accuracy


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
        ("metric/lifetime_gauc/rating: 0.7862871466027813", "GAUC", 0.7862871466027813),
        ("'vbench_score': 69.8899", "vbench_score", 0.698899),
        (" 'vbench_score': 70.2", "vbench_score", 0.702),
        ("{'mean-accuracy': 81.3582, 'mean-output-tok-len': 3886.2274}", "mean_accuracy", 0.813582),
        ('  "mean-accuracy": 81.3582,', "mean_accuracy", 0.813582),
        ("Accuracy: 33.9500", "accuracy", 0.3395),
        ("Accuracy: 0.5000", "accuracy", 0.005),
        ('{"accuracy": 76.456, "good": 38228, "total": 50000}', "top1", 0.76456),
        ('{"accuracy": 0.7286}', "top1", 0.7286),
        ("accuracy=0.7286", "top1", 0.7286),
        ("AUC=9.5e-01", "AUC", 0.95),
    ],
)
def test_every_tasks_figure(text: str, metric: str, value: float) -> None:
    accuracy = parse_accuracy(f"noise\n{text}\nhash={'0f' * 32}\n".encode())
    assert accuracy.metric == metric
    assert text.strip().endswith(accuracy.text)
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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("accuracy=1.2.3%", "not a number"),
        ("accuracy=9%, good=3, total=2", "no accuracy"),
        ("accuracy=9%, good=0, total=0", "no accuracy"),
        ("accuracy=766.120%", "which no accuracy is"),
        ("'vbench_score': 698.9", "which no accuracy is"),
        ("metric/lifetime_gauc/rating: 78.6", "which no accuracy is"),
        (f"accuracy=9%, good={'9' * 4000}, total={'9' * 4000}", "a count of 4000 digits"),
    ],
)
def test_an_impossible_figure(text: str, said: str) -> None:
    with pytest.raises(ResultsError, match=said):
        parse_accuracy(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "accuracy=72.86%, good=573, total=788379",
        "accuracy=66.384%, good=33193, total=50000\n",
        '{"accuracy": 76.5, "good": 30000, "total": 50000}',
    ],
)
def test_a_line_that_contradicts_itself(text: str) -> None:
    with pytest.raises(ResultsError, match="contradicts itself: accuracy="):
        parse_accuracy(text.encode())


@pytest.mark.parametrize("text", ["accuracy=33.333%, good=1, total=3", "accuracy=66.666%, good=2, total=3"])
def test_a_figure_that_is_rounded_or_cut_off_contradicts_nothing(text: str) -> None:
    assert parse_accuracy(text.encode()).total == 3


def test_dlrm_v3_as_published() -> None:
    text = """[score] total entries: 349823
==== ACCURACY METRICS ====
metric/lifetime_ne/rating: 0.8677294228203597
metric/window_ne/rating: 0.7117679268189007
metric/lifetime_accuracy/rating: 0.6964170290002015
metric/lifetime_gauc/rating: 0.7862871466027813
metric/window_gauc/rating: 0.8370068066532569
metric/lifetime_gauc_num_samples/rating: 349823.0

hash=ba7235fbd907c70291cca244b89ec247d2f9fb14ca0ec8f1e630f51fe33c8d93
"""
    accuracy = parse_accuracy(text.encode())
    assert (accuracy.metric, accuracy.value) == ("GAUC", 0.7862871466027813)


_REPEATED = [
    "Word Error Rate:",
    "mean=1,",
    "mean = 1, kidne",
    "accuracy=1",
    "accuracy = 1, Word Error Rate:",
    "Word Error Rate: accuracy=",
    "AUC",
    "AUC = ",
    "'Total': ",
    "'rouge1':'",
    '"f1": ',
    '{"accuracy": ',
    "good=1, ",
    "accuracy=5%, good=1",
    "9" * 64,
    " ",
    "\t\n",
    "hash=",
    "hash\n",
]


@pytest.mark.parametrize("text", _REPEATED)
def test_a_megabyte_of_one_word_takes_no_longer_than_a_megabyte(text: str) -> None:
    """In time of the processor: what goes through a line again for each word in it takes minutes."""
    data = (text * (2**20 // len(text))).encode()
    began = time.process_time()
    with suppress(ResultsError):
        parse_accuracy(data)
    assert time.process_time() - began < 5


@given(st.binary())
def test_noise_before_a_figure_never_hides_it(noise: bytes) -> None:
    accuracy = parse_accuracy(noise + b"\naccuracy=48.300%, good=483, total=1000\n")
    assert (accuracy.good, accuracy.total) == (483, 1000)
