"""Which programs there are: whatever is installed, removed or edited is another answer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dse.installed import installed_fingerprint
from tests.harness.distributions import install


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with two modules, in a folder from which distributions are found too."""
    folder = tmp_path / "package"
    (folder / "inside").mkdir(parents=True)
    (folder / "one.py").write_text("a = 1")
    (folder / "inside" / "two.py").write_text("b = 1")
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def test_nothing_changed_is_the_same(package: Path) -> None:
    assert installed_fingerprint() == installed_fingerprint()
    before = installed_fingerprint([package])
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "one.cpython-311.pyc").write_text("")
    (package / "data.npz").write_text("")
    assert before == installed_fingerprint([package])


@pytest.mark.parametrize("change", ["text", "place", "more", "less"])
def test_another_source_is_told(package: Path, change: str) -> None:
    before, path = installed_fingerprint([package]), package / "inside" / "two.py"
    if change == "text":  # and nothing that a listing shows: a wheel's files may all be of one time
        state = path.stat()
        path.write_text("b = 2")
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    elif change == "place":
        path.rename(package / "two.py")
    elif change == "more":
        (package / "three.py").write_text("")
    else:
        path.unlink()
    assert installed_fingerprint([package]) not in (before, None)


def test_another_version_of_a_distribution_is_told(package: Path) -> None:
    before = installed_fingerprint([package])
    (package.parent / "numpy-99.0.dist-info").mkdir()
    assert installed_fingerprint([package]) not in (before, None)


def test_who_adds_entries_to_dse_may_be_at_work_on_them(package: Path) -> None:
    install(package.parent, "others", "console_scripts", {"other": "others:main"})
    assert installed_fingerprint([package]) is not None
    install(package.parent, "toys", "dse.metrics", {"toy": "toys:Toy"})
    assert installed_fingerprint([package]) is None


def test_what_cannot_be_looked_at_has_no_fingerprint(package: Path) -> None:
    assert installed_fingerprint([package / "one.py"]) is None


def test_the_finder_of_importlib_metadatas_backport_hides_nothing() -> None:
    """Dask brings it, and it stays in a process that has loaded Dask."""
    program = (
        "import importlib_metadata, sys; from dse.installed import installed_fingerprint as of; print(of() is None)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout != "None\n"
