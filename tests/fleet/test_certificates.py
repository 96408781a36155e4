"""Certificates of a cluster: made once, kept from others, and found again."""

from __future__ import annotations

import ssl
import stat
import subprocess
from pathlib import Path

import pytest

from dse.errors import InputError, MachineError
from dse.fleet.certificates import AUTHORITY, CERTIFICATE, KEY, make_certificates, settings_of


def test_certificates_are_for_their_owner_and_nobody_can_make_more(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    make_certificates(folder)
    assert {path.name for path in folder.iterdir()} == {AUTHORITY, CERTIFICATE, KEY}
    assert not any(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) for path in (folder, *folder.iterdir()))
    verify = ["openssl", "verify", "-CAfile", str(folder / AUTHORITY), str(folder / CERTIFICATE)]
    assert subprocess.run(verify, capture_output=True, check=True).stdout.endswith(b"OK\n")
    context = ssl.create_default_context(cafile=str(folder / AUTHORITY))
    context.load_cert_chain(folder / CERTIFICATE, folder / KEY)
    assert settings_of(folder)["distributed.comm.tls.worker.key"] == str(folder / KEY)


def test_what_is_there_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / KEY).write_text("mine")
    with pytest.raises(InputError, match="is there already"):
        make_certificates(tmp_path)
    assert (tmp_path / KEY).read_text() == "mine"


def test_a_folder_without_them_says_how_to_make_some(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ca\.pem: no such file") as raised:
        settings_of(tmp_path)
    assert raised.value.advice


def test_without_openssl_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match="openssl cannot be run"):
        make_certificates(tmp_path / "lab")
