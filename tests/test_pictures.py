"""docs/pictures.py: of a study that is there, without a browser."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_site import _made


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch):
    dse = Path(sys.executable).with_name("dse")
    if not dse.exists():
        pytest.skip("dse is not installed beside this Python")
    monkeypatch.setenv("DSE", str(dse))
    return _made("pictures")


def test_the_terminal_s_picture_is_text_in_colours_and_asks_nobody(pictures, small_study: Path, tmp_path: Path) -> None:
    path = pictures.terminal(small_study, tmp_path, "latency_p90_ns <= 1 s")
    svg = path.read_text(encoding="utf-8")
    assert "on&#160;the&#160;front" in svg
    assert "dse&#160;pick&#160;small_study" in svg
    assert "url(" not in svg.replace("url(#", "")
    assert "@font-face" not in svg
    assert path.stat().st_size < pictures.LARGEST


def test_a_command_that_fails_makes_no_picture(pictures, tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        pictures.typed([pictures.dse(), "front", "nothing"], tmp_path)


def test_a_picture_is_written_small(pictures, tmp_path: Path) -> None:
    import io

    from PIL import Image

    drawn = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(drawn, format="PNG", compress_level=0)
    path = pictures.small(drawn.getvalue(), tmp_path / "p.png")
    assert path.stat().st_size < len(drawn.getvalue()) / 2
    with Image.open(path) as image:
        assert image.size == (256, 256)
