from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from dse.errors import Remedy, SubmissionError, UsageError
from dse.submission.check_system import check_system
from dse.submission.fields import SYSTEM_FIELDS
from dse.submission.machine import detect
from dse.submission.system import find_base, init_system, read_system
from tests.shared import SHARED


def test_what_is_asked_for_is_missing_until_it_is_filled_in(tmp_path):
    path = tmp_path / "system.yaml"
    init_system(path, "board", detect())
    assert "cooling" in read_system(path).missing
    text = path.read_text()
    for name in read_system(path).missing:
        text = text.replace(f'{name}: ""', f'{name}: "something"')
    path.write_text(text)
    system = read_system(path)
    assert (system.system_id, system.missing) == ("board", ())
    complete = {**system.fields, "division": "open", "submitter": "Example"}
    assert set(complete) == set(SYSTEM_FIELDS)
    assert list(check_system("s", complete, "Example", "open")) == []


def test_numbers_and_nothing_are_values_too(tmp_path):
    path = tmp_path / "system.yaml"
    init_system(path, "0", {"host_processor_model_name": 'a "quoted": # name'})
    document = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**document, "number_of_nodes": 1, "cooling": None}))
    system = read_system(path)
    assert system.system_id == "0"
    assert system.fields["host_processor_model_name"] == 'a "quoted": # name'
    assert (system.fields["number_of_nodes"], system.fields["cooling"]) == ("1", "")


def test_a_description_is_never_overwritten(tmp_path):
    init_system(tmp_path / "system.yaml", "board", {})
    with pytest.raises(SubmissionError, match="exists"):
        init_system(tmp_path / "system.yaml", "board", {})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not YAML"),
        ("a: 1", "no system description"),
        ("schema: 2\nid: a", "no system description"),
        ("schema: 1", "id: found '', allowed: letters"),
        ("schema: 1\nid: a b", "id: found 'a b', allowed: letters"),
        ("schema: 1\nid: [a]", "id: found a list"),
        ("schema: 1\nid: a\n5: 6\ntrue: no", "unknown 5, True, allowed: status"),
        ("schema: 1\nid: a\ncooling: yes", "cooling: found true or false"),
        ("schema: 1\nid: a\nsystem_name: [2026-01-01]", "system_name: found a list"),
        ("schema: 1\nid: a\nsubmitter: me", "unknown submitter, allowed: status"),
        ("schema: 1\nid: a\ncooling: [fan]", "cooling: found a list"),
    ],
)
def test_what_is_no_description(tmp_path, text, reason):
    (tmp_path / "system.yaml").write_text(text)
    with pytest.raises(SubmissionError, match=reason):
        read_system(tmp_path / "system.yaml")


def test_no_file_says_how_to_get_one(tmp_path):
    with pytest.raises(SubmissionError) as caught:
        read_system(tmp_path / "system.yaml")
    assert caught.value.remedy is Remedy.DESCRIBE_SYSTEM
    assert str(caught.value) == f"{tmp_path / 'system.yaml'}: cannot be read: No such file or directory"


def test_a_file_of_another_encoding(tmp_path):
    (tmp_path / "system.yaml").write_bytes(b"schema: 1\nid: \xff\n")
    with pytest.raises(SubmissionError, match="cannot be read: not UTF-8 text: byte 0xff"):
        read_system(tmp_path / "system.yaml")


@pytest.mark.parametrize("name", ["a b", "a/b", ".a", ""])
def test_an_id_that_is_no_folder(tmp_path, name):
    with pytest.raises(UsageError, match="allowed: letters, digits"):
        init_system(tmp_path / "system.yaml", name, {})


def test_a_description_where_there_can_be_no_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SubmissionError, match="cannot be written"):
        init_system(tmp_path / "file" / "system.yaml", "board", {})


def test_nothing_in_a_base_is_nothing(tmp_path):
    (tmp_path / "base.json").write_text('{"cooling": null, "number_of_nodes": 1}')
    assert find_base(str(tmp_path / "base.json")) == {"cooling": "", "number_of_nodes": "1"}
    (tmp_path / "base.json").write_text('{"cooling": true}')
    with pytest.raises(SubmissionError, match="cooling: found true or false"):
        find_base(str(tmp_path / "base.json"))


def test_a_base_is_copied_from_a_tree_or_a_file(tmp_path):
    folder = tmp_path / "v1.1/open/cTuning/systems"
    folder.mkdir(parents=True)
    base = {"division": "open", "submitter": "cTuning", "cooling": "air", "hw_notes": "", "boot_firmware_version": "1"}
    (folder / "aws.json").write_text(json.dumps(base))
    assert find_base("aws", tmp_path) == find_base(str(folder / "aws.json")) == {"cooling": "air", "hw_notes": ""}
    init_system(tmp_path / "system.yaml", "mine", {"framework": "LiteRT 2.3.0"}, find_base("aws", tmp_path))
    fields = read_system(tmp_path / "system.yaml").fields
    assert (fields["cooling"], fields["framework"]) == ("air", "LiteRT 2.3.0")
    with pytest.raises(SubmissionError, match="0 files"):
        find_base("gcp", tmp_path)
    (folder / "list.json").write_text("[]")
    with pytest.raises(SubmissionError, match="no object"):
        find_base("list", tmp_path)


def test_the_system_of_2021_can_be_the_base():
    tree = SHARED / "results_sample/v1.1"
    if not tree.is_dir():
        pytest.skip(f"no results sample at {tree}")
    base = find_base("aws-c6gd.xlarge-arm64-tflite-2.5.0-ruy", tree)
    assert base["host_processor_model_name"] == "Neoverse-N1 (aarch64)"
    assert len(base) == 31


_BOMB = "a0: &a0 [1, 1]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}, *a{n}]\n" for n in range(25))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"schema: 1\nid: a\n{_BOMB}", "values, counting"),
        ("schema: 1\nid: &a [*a]", "an alias contains itself"),
        ("schema: 1\nid: " + "[" * 5000, "nesting depth|collections within"),
        ('schema: 1\nid: !!int ""', "no int that dse reads"),
        ("schema: 1\nid: !!python/name:os.system", "found the tag"),
        ("schema: 1\nid: a\ncooling: 0x" + "f" * 6000, "too large for a number"),
        ('schema: 1\nid: a\ncooling: "fan\\e[31m"', "allowed: one line"),
        ("schema: 1\nid: a\ncooling: " + "x" * 3000, "allowed: one line"),
        ("schema: true\nid: a", "no system description of schema 1"),
    ],
)
def test_a_description_that_is_a_trap(tmp_path, text, reason):
    (tmp_path / "system.yaml").write_text(text)
    with pytest.raises(SubmissionError, match=reason) as caught:
        read_system(tmp_path / "system.yaml")
    assert str(tmp_path / "system.yaml") in str(caught.value)


def test_a_pipe_and_a_device_are_no_description(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, said in ((tmp_path / "pipe", "is a pipe"), (Path("/dev/zero"), "is a device"), (tmp_path, "is a folder")):
        with pytest.raises(SubmissionError, match=said):
            read_system(path)
