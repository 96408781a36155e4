"""The pages for Python users run as they stand, from top to bottom, each in a folder of its own."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import optuna
import pytest

import dse

_DOCS = Path(__file__).parents[1] / "docs"


def _blocks(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (_DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", ["python.md", "optuna.md"])
def test_every_code_block_of_a_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    blocks = _blocks(page)
    assert len(blocks) == (_DOCS / page).read_text(encoding="utf-8").count("```") / 2 > 3
    names: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        for number, block in enumerate(blocks):
            exec(compile(block, f"{page}, block {number}", "exec"), names)
    study = names["study"]
    assert isinstance(study, dse.Study)
    assert {t.user_attrs["trial"] for t in study.optuna_study().best_trials} == {
        row.trial for row in study.front(exact=True)
    }


def test_the_table_of_attributes_has_every_attribute(small_study: Path) -> None:
    metrics = re.compile(r"(latency|model|peak)_\w+|\w+_(standard_error|low|high)")
    named = set(re.findall(r"`(\w+)`", (_DOCS / "optuna.md").read_text(encoding="utf-8")))
    storage = dse.open_study(small_study).optuna_study()._storage
    for name in ("small_study", "small_study runs"):
        for trial in optuna.load_study(study_name=name, storage=storage).trials:
            assert {key for key in trial.user_attrs if not metrics.fullmatch(key)} <= named
