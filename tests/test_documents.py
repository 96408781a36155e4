"""What the Markdown files say can be followed: every relative link, and the space in docs/spaces.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dse.spaces.load import load_space

_ROOT = Path(__file__).parent.parent
_DOCUMENTS = [
    path for path in sorted(_ROOT.rglob("*.md")) if not any(p.startswith(".") for p in path.relative_to(_ROOT).parts)
]
_LINK = re.compile(r"\]\(([^)\s]+)\)|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)


@pytest.mark.parametrize("document", _DOCUMENTS, ids=lambda path: str(path.relative_to(_ROOT)))
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    links = [first or second for first, second in _LINK.findall(document.read_text(encoding="utf-8"))]
    relative = [link.partition("#")[0] for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in relative if not (document.parent / link).exists()] == []


def test_the_space_of_the_page_on_spaces_is_one(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (_ROOT / "docs" / "spaces.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "example.yaml").write_text(
        next(block for block in blocks if block.startswith("schema:")), encoding="utf-8"
    )
    assert load_space(tmp_path / "example.yaml").name == "example"
