"""Certificates for a Dask cluster: an authority of its own, and one certificate for scheduler, workers and search.

Whoever has a certificate of the authority may run programs on the cluster, nobody else: both sides check.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from dse.errors import InputError, MachineError, Remedy, why

AUTHORITY, CERTIFICATE, KEY = "ca.pem", "dse.pem", "dse-key.pem"
DAYS = 825
_TIMEOUT_S = 60.0


def make_certificates(folder: Path, days: int = DAYS) -> None:
    """Make `AUTHORITY`, `CERTIFICATE` and `KEY` in ``folder``, which may have none of them, with OpenSSL.

    The authority's own key is thrown away: nobody can make more. Raises MachineError where OpenSSL is missing or fails,
    InputError where a file is there already, OSError.
    """
    folder = folder.absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in (AUTHORITY, CERTIFICATE, KEY):
        if os.path.lexists(folder / name):
            raise InputError("is there already", path=folder / name, hint="name another folder")
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    authority_key, request = folder / "ca-key.pem", folder / "request.pem"
    try:
        _openssl(
            folder,
            "req",
            "-x509",
            *new_key,
            "-subj",
            "/CN=dse authority",
            "-keyout",
            authority_key,
            "-out",
            folder / AUTHORITY,
            "-days",
            str(days),
        )
        _openssl(folder, "req", *new_key, "-subj", "/CN=dse", "-keyout", folder / KEY, "-out", request)
        signing = ("-CA", folder / AUTHORITY, "-CAkey", authority_key, "-set_serial", "1", "-days", str(days))
        _openssl(folder, "x509", "-req", "-in", request, *signing, "-out", folder / CERTIFICATE)
    finally:
        authority_key.unlink(missing_ok=True)
        request.unlink(missing_ok=True)


def settings_of(folder: Path) -> dict[str, Any]:
    """Dask's settings for any side of a cluster with the certificates in ``folder``. Raises InputError."""
    folder = folder.absolute()
    for name in (AUTHORITY, CERTIFICATE, KEY):
        if not (folder / name).is_file():
            raise InputError("no such file", path=folder / name, remedy=Remedy.MAKE_CERTIFICATES)
    found: dict[str, Any] = {
        "distributed.comm.require-encryption": True,
        "distributed.comm.tls.ca-file": str(folder / AUTHORITY),
    }
    for role in ("scheduler", "worker", "client"):
        found[f"distributed.comm.tls.{role}.cert"] = str(folder / CERTIFICATE)
        found[f"distributed.comm.tls.{role}.key"] = str(folder / KEY)
    return found


def _openssl(folder: Path, *words: str | Path) -> None:
    try:
        done = subprocess.run(
            ["openssl", *map(str, words)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
            umask=0o077,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(f"openssl cannot be run: {why(error)}", hint="install it: apt-get install openssl") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise MachineError(f"openssl {words[0]} failed: {last}", path=folder)
