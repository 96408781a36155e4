"""Two studies compared: a study with itself, and a device on which one engine's kernels became slower."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from dse_harness.protocol import Request

import dse
from dse.backends import FakeDevice
from dse.core.comparison import Verdict
from dse.errors import NothingMeasuredError, UsageError
from dse.reports.compare import compare, compare_document, compare_sentences
from dse.study import Study
from tests.recording import make_space

SLOWER, NOISE = 1.05, 0.002
_SIDES = {"where_before": ["delegate = xnnpack"], "where_after": ["delegate = builtin"]}


def _latency(changed: float) -> Callable[[Request], float]:
    def latency_ns(request: Request) -> float:
        return 1e6 * _size(request) * (changed if request.runtime.delegate == "builtin" else 1.0)

    return latency_ns


def _size(request: Request) -> float:
    return 1 + int(request.model_sha256[:2], 16) / 64


def _study(folder: Path, seed: int, changed: float = 1.0, delegates: tuple[str, ...] = ("xnnpack", "builtin")) -> Study:
    device = FakeDevice(
        _latency(changed), lambda request: 0.6 + _size(request) / 16, noise=NOISE, seed=seed, images=200
    )
    space = make_space(
        folder,
        parameters={
            "precision": ["float32", "int8"],
            "side": [48, 64, 96, 128],
            "delegate": [*delegates],
            "threads": [1],
        },
        objectives=["accuracy", "latency_p90_ns"],
        sampler="grid",
    )
    study = folder / f"study-{seed}-{'-'.join(delegates)}"
    return dse.explore(space, study, dse.Budget(device_s=60), seed=seed, backend=device)


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Study]:
    folder = tmp_path_factory.mktemp("compared")
    return _study(folder, 0), _study(folder, 1, SLOWER)


def test_a_study_is_the_same_as_its_copy(studies: tuple[Study, Study], tmp_path: Path) -> None:
    before, _ = studies
    shutil.copytree(before.folder, tmp_path / "copy")
    found = compare(before, Study.read(tmp_path / "copy")).found
    assert {d.verdict for c in found.compared for d in c.differences.values()} == {"same"}
    assert (found.only_before, found.only_after, found.kept, found.known) == (0, 0, 1.0, 1.0)


def test_what_became_slower_is_slower_and_nothing_else(studies: tuple[Study, Study]) -> None:
    compared = compare(*studies)
    verdicts: dict[object, set[Verdict]] = {}
    for c in compared.found.compared:
        verdicts.setdefault(c.configuration["delegate"], set()).add(c.differences["latency_p90_ns"].verdict)
        assert c.differences["accuracy"].verdict == "same"  # the same predictions
    assert verdicts["builtin"] == {"worse"}
    assert "worse" not in verdicts["xnnpack"]
    assert "better" not in verdicts["xnnpack"]
    assert compared.worse("latency_p90_ns")
    assert not compared.worse("accuracy")
    assert any("slower" in sentence for sentence in compare_sentences(compared))


def test_engines_are_compared_where_what_differs_is_ignored(tmp_path: Path) -> None:
    one, other = _study(tmp_path, 2, delegates=("xnnpack",)), _study(tmp_path, 3, SLOWER, delegates=("builtin",))
    with pytest.raises(UsageError, match=r"found 'colour', allowed: .*delegate"):
        compare(one, other, ["colour"])
    with pytest.raises(NothingMeasuredError, match="no configuration in common"):
        compare(one, other)
    found = compare(one, other, ["delegate"]).found
    assert len(found.compared) == 8
    assert {c.configuration["delegate"] for c in found.compared} == {"builtin"}
    with pytest.raises(NothingMeasuredError, match="no configuration in common"):
        compare(one, other, ["delegate", "precision", "side"])  # which of the eight is meant, nobody knows


def test_two_engines_of_one_study_are_compared_where_each_is_named(studies: tuple[Study, Study]) -> None:
    _, study = studies
    with pytest.raises(NothingMeasuredError, match="no configuration in common"):
        compare(study, study, ["delegate"])  # each is there twice
    compared = compare(study, study, **_SIDES)
    assert compared.ignored == ("delegate",)
    assert len(compared.found.compared) == 8
    assert {c.configuration["delegate"] for c in compared.found.compared} == {"builtin"}
    assert {c.differences["latency_p90_ns"].verdict for c in compared.found.compared} == {"worse"}
    assert compared.names[0].endswith(" (delegate = xnnpack)")
    assert not any(sentence.startswith("fronts: ") for sentence in compare_sentences(compared))
    assert compare(study, study, ["threads", "delegate"], **_SIDES).found.compared == compared.found.compared
    document = compare_document(compared)
    assert (document["where_before"], document["where_after"]) == (["delegate = xnnpack"], ["delegate = builtin"])
    slow = ["delegate = builtin and latency_p90_ns >= 2 ms"]
    compared = compare(study, study, where_before=["delegate = xnnpack"], where_after=slow)
    assert 0 < len(compared.found.compared) < 8
    assert all(c.differences["latency_p90_ns"].after >= 2e6 for c in compared.found.compared)
    with pytest.raises(UsageError, match=r"where_after: found delegate = gpu, allowed: xnnpack, builtin") as caught:
        compare(study, study, where_after=["delegate = gpu"])
    assert caught.value.argument == "where_after"


def test_two_studies_of_other_things_are_refused(studies: tuple[Study, Study], tmp_path: Path) -> None:
    device = FakeDevice(_latency(1.0), lambda _: 0.9, images=200)
    space = make_space(tmp_path, parameters={"side": [48], "threads": [2]}, objectives=["accuracy", "latency_p90_ns"])
    other = dse.explore(space, tmp_path / "other", backend=device)
    with pytest.raises(NothingMeasuredError, match="no configuration in common"):
        compare(studies[0], other)


def test_json_says_what_the_comparison_says(studies: tuple[Study, Study]) -> None:
    compared = compare(*studies)
    document = json.loads(json.dumps(compare_document(compared)))
    for written, c in zip(document["configurations"], compared.found.compared, strict=True):
        assert written["differences"]["latency_p90_ns"]["verdict"] == c.differences["latency_p90_ns"].verdict
    assert document["objectives"] == ["accuracy", "latency_p90_ns"]
