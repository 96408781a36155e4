"""The tests of a kind of data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dse.data_sets import require_unchanged
from dse.errors import InputError
from dse.spaces.data_sets import DATA_SETS, DataSetSection
from dse.spaces.document import read_document
from dse.spaces.places import SectionPlace


class DataSetConformance:
    """Subclass it as ``Test...`` with ``kind`` and the fixtures ``written`` and, where it names files, ``broken``."""

    kind: str
    """The name in `DATA_SETS`."""

    @pytest.fixture
    def written(self) -> dict[str, Any]:
        """The section ``data_set`` of a space, with the absolute paths of some images."""
        raise NotImplementedError

    @pytest.fixture
    def broken(self) -> dict[str, Any] | None:
        """The same with a file that is not there; None where no file is named."""
        return None

    def test_it_is_what_it_says(self, written: dict[str, Any], tmp_path: Path) -> None:
        """Images are there, their content has a digest, and looking again finds the same."""
        section = self._section(written)
        found = section.opened(self._place(section, written, tmp_path))
        assert found.size > 0
        assert found.path.exists()
        assert found.classes == section.classes
        assert len(found.sha256) == 64
        assert section.opened(self._place(section, written, tmp_path)) == found
        require_unchanged(found.spec, tmp_path / "cache")

    def test_what_is_not_there_is_refused_with_its_line(self, broken: dict[str, Any] | None, tmp_path: Path) -> None:
        """The error names the space."""
        if broken is None:
            return
        section = self._section(broken)
        with pytest.raises(InputError) as caught:
            section.opened(self._place(section, broken, tmp_path))
        assert caught.value.path == tmp_path / "space.yaml"
        assert caught.value.line

    def _section(self, written: dict[str, Any]) -> DataSetSection:
        return DATA_SETS.get(self.kind).model_validate(written)

    def _place(self, section: DataSetSection, written: dict[str, Any], folder: Path) -> SectionPlace:
        path = folder / "space.yaml"
        path.write_text(yaml.safe_dump({"data_set": written}))
        return SectionPlace(read_document(path), ("data_set",), section)
