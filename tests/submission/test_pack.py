from __future__ import annotations

import os
import shutil
import tarfile

import pytest

from dse.errors import SubmissionError
from dse.submission.pack import pack


def test_the_same_tree_gives_the_same_bytes(make_tree, tmp_path):
    tree = make_tree()
    copy = tmp_path / "copy"
    shutil.copytree(tree, copy)
    for number, path in enumerate(sorted(copy.rglob("*"), reverse=True)):
        os.utime(path, (number, number))
        path.chmod(0o700)
    assert pack(tree, tmp_path / "a.tar.gz") == pack(copy, tmp_path / "b.tar.gz")
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()


def test_every_file_and_nothing_else_is_in_it(make_tree, tmp_path):
    tree = make_tree()
    pack(tree, tmp_path / "a.tar.gz")
    with tarfile.open(tmp_path / "a.tar.gz") as tar:
        members = tar.getmembers()
        contents = {m.name: tar.extractfile(m).read() for m in members if m.isfile()}
    assert contents == {p.relative_to(tree).as_posix(): p.read_bytes() for p in tree.rglob("*") if p.is_file()}
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, 0, "", "")}


def test_a_long_name_is_packed(make_tree, tmp_path):
    tree = make_tree()
    long = tree / "open/Example" / ("m" * 180 + ".tflite")
    long.write_bytes(b"model")
    pack(tree, tmp_path / "a.tar.gz")
    with tarfile.open(tmp_path / "a.tar.gz") as tar:
        assert tar.extractfile(long.relative_to(tree).as_posix()).read() == b"model"


def test_links_are_refused_not_followed(make_tree, tmp_path):
    tree = make_tree()
    (tree / "open/Example/passwords").symlink_to("/etc/passwd")
    with pytest.raises(SubmissionError, match="a link"):
        pack(tree, tmp_path / "a.tar.gz")
    (tree / "open/Example/passwords").unlink()
    (tree / "open/Example/etc").symlink_to("/etc")
    with pytest.raises(SubmissionError, match="a link"):
        pack(tree, tmp_path / "a.tar.gz")
    assert not (tmp_path / "a.tar.gz").exists()


def test_special_files_and_odd_places_are_refused(make_tree, tmp_path):
    tree = make_tree()
    with pytest.raises(SubmissionError, match="inside the tree"):
        pack(tree, tree / "a.tar.gz")
    with pytest.raises(SubmissionError, match="no folder open"):
        pack(tmp_path, tmp_path / "a.tar.gz")
    os.mkfifo(tree / "open/pipe")
    with pytest.raises(SubmissionError, match="neither a file nor a folder"):
        pack(tree, tmp_path / "a.tar.gz")
