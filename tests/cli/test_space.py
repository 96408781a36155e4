"""`dse space`: the next command is one that works."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.conftest import Dse
from tests.thorough import examples

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


_WORDS = ("[/bold]", "[red]x", "\\x1b[31m", "\\u202ea\\x9bb", "x" * 3000, "\\n\\n", "a/../../b", "%s{0}${", "\\ud7ff")


@pytest.mark.parametrize("word", _WORDS)
@pytest.mark.parametrize("name", ["own.yaml", "[b", "a\x1b[31mb"])
def test_odd_words_are_shown_as_they_are_or_refused(tmp_path: Path, dse: Dse, word: str, name: str) -> None:
    (tmp_path / name).write_text(
        _SPACE.replace("parameters: {threads: [1]}", f'parameters: {{"{word}": [1]}}\n"{word}": "{word}"')
    )
    for command in ("check", "show"):
        for space in (tmp_path / name, word):
            done = dse("space", command, space)
            assert done.code == 3
            assert done.err.startswith("error: ")
            assert "Traceback" not in done.err
            assert "\x1b" not in done.err + done.out


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_file_is_a_space_or_is_refused_with_its_name(tmp_path: Path, dse: Dse, content: bytes) -> None:
    (tmp_path / "own.yaml").write_bytes(content)
    for command in ("check", "show"):
        done = dse("space", command, tmp_path / "own.yaml")
        assert done.code == 3
        assert done.err.startswith(f"error: {tmp_path}/own.yaml")
        assert "\x1b" not in done.err + done.out
