"""The spaces that ship, and the schema beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dse import zoo
from dse.shipped import shipped
from dse.spaces.format import json_schema
from dse.spaces.load import load_space, shipped_spaces


def test_the_shipped_schema_is_the_generated_one() -> None:
    written = json.loads(shipped("search_space.schema.json").read_text())
    assert written == json_schema(), "dse space schema > search_spaces/search_space.schema.json"


def test_the_default_space_loads_without_any_variable() -> None:
    space = load_space(shipped_spaces()["mobilenet_v3.yaml"], {})
    assert space.tree.size > 1000
    assert space.data_set.size >= 2000


def test_the_default_space_has_every_network_of_the_zoo() -> None:
    space = load_space(shipped_spaces()["mobilenet_v3.yaml"], {})
    reached = {(c["family"], c["form"], c["width"]) for c in space.tree.configurations()}
    assert reached == {(entry.family, entry.form, entry.width) for entry in zoo.entries().values()}


@pytest.mark.parametrize("name", sorted(shipped_spaces()))
def test_no_shipped_space_names_a_path_of_somebodys_machine(name: str) -> None:
    for line in shipped_spaces()[name].read_text().splitlines():
        path = line.partition("#")[0].partition(": ")[2].strip().strip('"')
        assert not Path(path).is_absolute(), line
