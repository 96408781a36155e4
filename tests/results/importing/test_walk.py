from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dse.errors import Remedy, ResultsError
from dse.results.importing.submitters import find_submitters, round_of
from dse.results.importing.walk import FoundResult, Submitter


def walk(root: Path) -> list[FoundResult]:
    return [
        found
        for path in find_submitters(root)
        for found in Submitter(path, "v6.1").results()
        if isinstance(found, FoundResult)
    ]


@pytest.mark.parametrize("layout", ["v5", "v6"])
def test_later_layouts(tmp_path: Path, write_result: Callable[..., Path], layout: str) -> None:
    result = write_result(tmp_path, layout=layout)
    (found,) = walk(tmp_path)
    assert found.path == str(result)
    assert (found.identity.division, found.identity.submitter) == ("open", "me")
    assert found.identity.directory == (
        "open/me/results/board-litert-2.1.0-xnnpack/mobilenet-v1-0.5-128-quantized/SingleStream"
    )
    assert len(found.measurements) == 1
    assert found.system_json is not None


@pytest.mark.parametrize("start", [".", "open", "open/me", "open/me/results"])
def test_a_walk_may_start_at_any_level(tmp_path: Path, write_result: Callable[..., Path], start: str) -> None:
    write_result(tmp_path)
    assert [found.identity.submitter for found in walk(tmp_path / start)] == ["me"]


def test_a_directory_called_results_that_is_none_is_descended(
    tmp_path: Path, write_result: Callable[..., Path]
) -> None:
    write_result(tmp_path / "results" / "mlperf")
    assert len(walk(tmp_path)) == 1


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="no results/<system>"):
        find_submitters(tmp_path)
    with pytest.raises(ResultsError, match="no such directory"):
        find_submitters(tmp_path / "missing")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/x/inference_results_v1.1/open/me", "v1.1"),
        ("/x/v0.5/closed/Intel", "v0.5"),
        ("/v0.5/copy_v0.7/closed/Intel", "v0.7"),
        ("/V1.0/open/me", "v1.0"),
    ],
)
def test_round(path: str, expected: str) -> None:
    assert round_of(Path(path)) == expected


def test_a_submission_of_dse_says_its_round_and_has_its_results_once(
    tmp_path: Path, write_result: Callable[..., Path]
) -> None:
    write_result(tmp_path / "submission/tree")
    shutil.copytree(tmp_path / "submission/tree", tmp_path / "submission/complete_accuracy_logs")
    (submitter,) = find_submitters(tmp_path)
    (tmp_path / "submission/submission.json").write_text('{"round": "v6.0"}')
    assert round_of(submitter) == "v6.0"
    for damaged in ("", "[]", '{"round": 6}', '{"round": "six"}'):
        (tmp_path / "submission/submission.json").write_text(damaged)
        with pytest.raises(ResultsError, match="names the round"):
            round_of(submitter)


def test_no_round_to_be_found() -> None:
    with pytest.raises(ResultsError, match="names the round") as error:
        round_of(Path("/home/me/open/me"))
    assert error.value.remedy is Remedy.SAY_ROUND
