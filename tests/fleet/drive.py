"""A search over Dask in a process of its own, to be killed: FOLDER has the space, devices take down their runs there.

python -m tests.fleet.drive FOLDER SECONDS
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.fleet.test_pool import boards, pool_of
from tests.search.bench import Bench
from tests.search.test_devices import search

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    with pool_of(boards(folder, "ab", float(sys.argv[2]))) as pool:
        own = pool._cluster._own
        assert own is not None
        assert own._scheduler is not None
        processes = [own._scheduler.pid, *(worker.pid for worker in own._workers.values())]
        (folder / "processes").write_text(json.dumps(processes))
        search(Bench(folder, write=False), pool)
