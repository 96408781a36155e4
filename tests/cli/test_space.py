"""`dse space`: the next command is one that works."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Dse

_SPACE = """\
schema: 1
name: own
data_set: {embedded: fashion_mnist}
models:
  files: {glob: "${DSE_MODELS}/*.tflite"}
parameters: {threads: [1]}
"""


@pytest.mark.parametrize("command", ["show", "check"])
def test_the_next_command_names_the_same_space_and_models(tmp_path: Path, dse: Dse, command: str) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "own.yaml").write_text(_SPACE)
    (folder / "net.tflite").write_bytes(b"model")
    done = dse("space", command, folder / "own.yaml", "--models", folder)
    assert done.code == 0
    assert f"next: dse explore --space '{folder}/own.yaml' --models '{folder}'" in done.err
