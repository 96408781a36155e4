"""Every notebook runs from top to bottom on a study; its cells are executed as they stand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

_NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("notebook", _NOTEBOOKS, ids=lambda path: path.name)
def test_the_notebook_runs(notebook: Path, small_study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_STUDY", str(small_study))
    names: dict[str, object] = {}
    for cell in json.loads(notebook.read_text())["cells"]:
        if cell["cell_type"] == "code":
            source = "".join(cell["source"])
            exec(compile(source, notebook.name, "exec"), names)
    assert len(names["table"]) == 6  # type: ignore[arg-type]
    assert len(names["front"]) >= 1  # type: ignore[arg-type]


@pytest.mark.parametrize("notebook", _NOTEBOOKS, ids=lambda path: path.name)
def test_the_notebook_is_committed_without_outputs(notebook: Path) -> None:
    cells = json.loads(notebook.read_text())["cells"]
    assert not any(cell.get("outputs") for cell in cells)
