"""The recipes in studies/: each says what it asks and showed, has a script that a shell reads, and is kept small."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from dse.spaces.load import load_space

STUDIES = Path(__file__).parents[1] / "studies"
RECIPES = sorted(path.parent for path in STUDIES.glob("*/repeat.sh"))
LARGEST = 300_000


@pytest.fixture(params=RECIPES, ids=lambda path: path.name)
def recipe(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_there_are_the_recipes_that_the_list_names_and_git_keeps_them() -> None:
    names = [path.name for path in RECIPES]
    assert len(names) >= 4
    assert sorted(re.findall(r"\]\((\w+)/README\.md\)", (STUDIES / "README.md").read_text())) == names
    kept = re.findall(r"^!/studies/(\w+)/$", (STUDIES.parent / ".gitignore").read_text(), re.MULTILINE)
    assert sorted(kept) == names


def test_a_recipe_says_what_it_asks_how_what_it_showed_and_what_not(recipe: Path) -> None:
    headings = re.findall(r"^## (.+)$", (recipe / "README.md").read_text(), re.MULTILINE)
    wanted = ["What it asks", "How to repeat it", "What it showed", "What it did not show"]
    assert [heading for heading in headings if heading in wanted] == wanted


def test_its_script_is_one_and_tells_its_use(recipe: Path) -> None:
    script = recipe / "repeat.sh"
    assert os.access(script, os.X_OK)
    subprocess.run(["sh", "-n", script], check=True)
    assert f"studies/{recipe.name}/repeat.sh" in script.read_text()
    assert f"studies/{recipe.name}/repeat.sh" in (recipe / "README.md").read_text()


def test_what_is_kept_is_small_and_no_page(recipe: Path) -> None:
    kept = [path for path in recipe.rglob("*") if path.is_file()]
    assert [path.name for path in kept if path.stat().st_size > LARGEST or path.suffix in (".html", ".db")] == []


def test_its_space_loads_and_is_not_taken_for_a_study(recipe: Path) -> None:
    assert not (recipe / "study.yaml").exists()
    for space in recipe.glob("*.yaml"):
        if "${DSE_IMAGES}" not in space.read_text():  # else it is loaded with images, in tests/integration
            assert load_space(space).tree.size > 1


@pytest.mark.parametrize("name", ["published_board", "v1_1_reproduction"])
def test_a_script_that_needs_something_says_what(name: str) -> None:
    done = subprocess.run([STUDIES / name / "repeat.sh"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"studies/{name}/repeat.sh " in done.stderr
    assert not done.stdout
