"""How every caller starts the harness, whatever the interpreter and the current folder."""

from __future__ import annotations

from pathlib import Path

_BOOT = """\
import sys
if sys.path[0] == "":
    del sys.path[0]
import importlib.util
folder = sys.argv.pop(1)
spec = importlib.util.spec_from_file_location(
    "dse_harness", folder + "/__init__.py", submodule_search_locations=[folder])
sys.modules["dse_harness"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["dse_harness"])
from dse_harness.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def command(python: str) -> list[str]:
    """The argv that starts this harness under the interpreter ``python``; append ``run`` and the request's path.

    The package is loaded from its own folder alone. ``python -m dse_harness`` would need that folder's parent on the
    path: another environment would then import the packages beside it (a NumPy of another version), and a folder named
    ``dse_harness`` where the user stands would win over the real one.
    """
    return [python, "-c", _BOOT, str(Path(__file__).resolve().parent)]
