"""``dse device certificates``: what a Dask cluster on more than one machine needs to be closed to others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dse.cli.render import stdout


def certificates_command(
    folder: Annotated[Path, typer.Argument(help="A new folder for them.", metavar="FOLDER")],
) -> None:
    """Make certificates for a Dask cluster, with OpenSSL.

    Whoever has a copy of the folder may run programs on the cluster, nobody else: give it to the machines of the
    scheduler and of the workers, and keep it from others.

    Example: dse device certificates lab
    """
    from dse.fleet.certificates import AUTHORITY, CERTIFICATE, DAYS, KEY, make_certificates

    make_certificates(folder)
    tls = f"--tls-ca-file {AUTHORITY} --tls-cert {CERTIFICATE} --tls-key {KEY}"
    for line in (
        f"{folder}: {AUTHORITY}, {CERTIFICATE} and {KEY}, for {DAYS} days; in it, on each machine:",
        f"the scheduler:  dask scheduler --protocol tls {tls} --no-dashboard",
        f"a worker:       dask worker tls://HOST:8786 {tls} --no-nanny --no-dashboard --nthreads 1 "
        "--resources dse-device-NAME=1",
        f"a search:       DSE_CERTIFICATES={folder} dse explore --space SPACE --devices FILE --scheduler tls://HOST:8786",
    ):
        stdout().print(line)
