"""The front that is kept for the next time: quick to show, and never other than the study's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dse.cli import shown_front
from dse.kept import keep
from dse.paths import cache_dir
from dse.study import Study
from dse.study.contents import TRUTH, contents_fingerprint
from dse.study.folder import ELSEWHERE
from dse.study.index import INDEX
from tests.thorough import most_thorough

FORMS: tuple[tuple[str, ...], ...] = ((), ("--json",), ("--csv",))
HEAVY = {
    *("numpy", "rich", "yaml", "optuna", "pandas", "matplotlib", "duckdb", "moocore", "pydantic", "sqlalchemy"),
    *("dse.study.study", "dse.core.analysis", "dse.reports.front", "dse_harness.protocol", "dse_harness.decode"),
}


@pytest.fixture
def study(small_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished study, and a cache that nobody else has."""
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    return small_study


@pytest.fixture
def says(dse: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], list[Any]]:
    """What is said of a study in every form, which has to be what is said where nothing is kept."""

    def run(folder: Path) -> list[Any]:
        found = [dse("front", folder, *form) for form in FORMS]
        with monkeypatch.context() as empty:
            for number, form in enumerate(FORMS):
                empty.setenv("DSE_CACHE", str(tmp_path / f"empty{number}"))
                assert dse("front", folder, *form) == found[number], form
                shutil.rmtree(tmp_path / f"empty{number}", ignore_errors=True)
        return found

    return run


def _kept() -> list[Path]:
    return sorted((cache_dir() / "fronts").glob("*"))


def _edit(path: Path, old: str, new: str) -> None:
    """Change a file, and nothing of it that a listing shows."""
    before, text = path.stat(), path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("form", FORMS)
def test_a_front_that_was_shown_before_is_shown_without_what_makes_it(
    study: Path, form: tuple[str, ...], dse: Any
) -> None:
    first = dse("front", study, *form)
    assert first.code == 0
    assert len(_kept()) == 1
    program = (
        "import sys\nfrom dse.cli import main\ntry: main()\n"
        f"finally: print(*({HEAVY} & sys.modules.keys()), file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, "front", str(study), *form]
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert again.stdout == first.out
    assert again.stderr == f"{first.err}\n"


def _other_figure(study: Path) -> None:
    path = study / "trials" / str(Study.read(study).analysis.front[0].trial) / "response.json"
    latency = json.loads(path.read_text())["performance"]["latency_p90_ns"]
    _edit(path, f'"latency_p90_ns": {latency}', f'"latency_p90_ns": {latency + 1}')


def _other_configuration(study: Path) -> None:
    _edit(study / "trials/0/trial.json", '"threads": 1', '"threads": 3')


def _one_trial_less(study: Path) -> None:
    shutil.rmtree(study / "trials" / str(Study.read(study).analysis.front[0].trial))


def _one_trial_more(study: Path) -> None:
    number = max(int(path.name) for path in (study / "trials").iterdir()) + 1
    shutil.copytree(study / "trials/0", study / f"trials/{number}")
    _edit(study / f"trials/{number}/trial.json", '"number": 0', f'"number": {number}')


def _two_trials_for_each_other(study: Path) -> None:
    one, other = (study / "trials" / name / "response.json" for name in "01")
    text = one.read_text()
    one.write_text(other.read_text())
    other.write_text(text)


def _a_damaged_trial(study: Path) -> None:
    (study / "trials/1/response.json").write_text("{")


def _an_unfinished_trial(study: Path) -> None:
    (study / "trials/1/response.json").unlink()


def _another_objective(study: Path) -> None:
    _edit(study / "study.yaml", "accuracy: maximize", "accuracy: minimize")


@pytest.mark.parametrize(
    "change",
    most_thorough(
        [
            _other_figure,
            _other_configuration,
            _one_trial_less,
            _one_trial_more,
            _two_trials_for_each_other,
            _a_damaged_trial,
            _an_unfinished_trial,
            _another_objective,
        ],
        lambda change: change in (_other_figure, _one_trial_more, _an_unfinished_trial, _another_objective),
        "seen by the same fingerprint as another change here",
    ),
)
def test_a_study_that_changed_is_shown_as_it_is(study: Path, change: Callable[[Path], None], says: Any) -> None:
    before = says(study)
    change(study)
    assert says(study) != before
    says(study)


def test_a_study_that_was_moved_has_its_files_where_it_is(study: Path, says: Any) -> None:
    before = says(study)
    moved = study.rename(study.with_name("moved"))
    after = says(moved)
    assert json.loads(after[1].out)["points"][0]["logs"].startswith(str(moved))
    shutil.copytree(moved, study)
    assert says(study) == before


@pytest.mark.parametrize("change", [_one_trial_less, _one_trial_more, _a_damaged_trial, _an_unfinished_trial])
def test_a_list_of_studies_has_what_is_in_them_now(study: Path, change: Callable[[Path], None], dse: Any) -> None:
    def listed() -> Any:
        return json.loads(dse("studies", "--studies", study.parent, "--json").out)["studies"]

    first = listed()
    assert listed() == first
    assert len(list((cache_dir() / "studies").iterdir())) == 1
    change(study)
    found = listed()
    assert found != first
    assert listed() == found
    assert found[0]["trials"] == len(Study.read(study).measurements)
    assert found[0]["front"] == len(Study.read(study).front())


def test_a_question_is_answered_of_all_that_is_there(study: Path, says: Any, dse: Any) -> None:
    says(study)
    assert len(json.loads(dse("front", study, "--limit", 1, "--json").out)["points"]) == 1
    assert len(json.loads(dse("front", study, "--json").out)["points"]) > 1


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("damage", ["cut", "empty", "figure", "list", "shape", "folder", "link", "others may write"])
def test_what_is_kept_and_damaged_is_as_if_it_were_not_there(
    study: Path, damage: str, form: tuple[str, ...], dse: Any
) -> None:
    first = dse("front", study, *form)
    (path,) = _kept()
    text = path.read_text()
    wrong = text.replace("measured configurations", "measured compositions").replace('\\"trial\\": ', '\\"trial\\": 7')
    assert wrong != text
    if damage == "cut":
        path.write_text(text[: len(text) // 2])
    elif damage == "empty":
        path.write_text("")
    elif damage == "figure":
        path.write_text(wrong)
    elif damage == "list":
        path.write_text("[1]")
    elif damage == "shape":
        key = json.loads(text)["fingerprint"]
        keep("fronts", str(study), key, {"table": 3})
    elif damage == "folder":
        path.unlink()
        path.mkdir()
    elif damage == "link":
        path.rename(study / "elsewhere")
        path.symlink_to(study / "elsewhere")
    else:
        path.chmod(0o666)
    assert dse("front", study, *form) == first


def test_a_study_that_changes_while_it_is_read_is_not_kept(
    study: Path, dse: Any, monkeypatch: pytest.MonkeyPatch, says: Any
) -> None:
    def show_then_change(report: Any) -> Any:
        shown = shown_front.show_front(report)
        _other_figure(study)
        return shown

    with monkeypatch.context() as changing:
        changing.setattr("dse.cli.front.show_front", show_then_change)
        dse("front", study)
    assert not _kept()
    says(study)


def test_a_cache_that_cannot_be_written_is_no_error(
    study: Path, dse: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = dse("front", study)
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below", "/dev/null"):
        monkeypatch.setenv("DSE_CACHE", str(place))
        assert dse("front", study) == first


def test_the_fingerprint_is_of_all_that_is_read(study: Path) -> None:
    program = (
        "import sys\nopened = set()\n"
        "sys.addaudithook(lambda event, args: opened.add(str(args[0])) if event == 'open' else None)\n"
        "from dse.cli import main\ntry: main()\nfinally: print(*sorted(opened), sep='\\n', file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, "front", str(study), "--json"]
    opened = subprocess.run(command, capture_output=True, text=True, check=True).stderr.splitlines()
    below = {Path(name).relative_to(study) for name in opened if Path(name).is_relative_to(study)}
    covered = {path.relative_to(study) for name in TRUTH for path in study.glob(f"trials/*/{name}")}
    assert below == covered | {Path("study.yaml"), Path(ELSEWHERE), Path(INDEX)}  # the index is of the files
    others = {Path(name).parent for name in opened if Path(name).is_relative_to(cache_dir())}
    assert others <= {cache_dir() / "fronts"}  # what else is kept there says nothing of a front
    before = contents_fingerprint(study)
    assert before is not None
    (study / ELSEWHERE).write_text('{"schema": 1, "accuracies": []}')
    assert contents_fingerprint(study) not in (before, None)
