"""Trees of published results and the database of them: one bad file costs one row at most, and is named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.bases import MODELS, SYSTEM
from tests.fuzz.damage import ESCAPES, FATAL, become, link, remove
from tests.fuzz.documents import MEASUREMENTS, SUBMISSION
from tests.fuzz.making import Dice, Target, chance, files, wrong_documents
from tests.fuzz.running import Input

_HOME = "tree/v6.1/open/me"
_RESULT = f"{_HOME}/results/{SYSTEM}/{MODELS[0]}/SingleStream"
IMPORT = ("results", "import", "tree", "--db", "new.duckdb")
_SUMMARY = f"{_RESULT}/performance/run_1/mlperf_log_summary.txt"
_ACCURACY = f"{_RESULT}/accuracy/accuracy.txt"
_SYSTEM = f"{_HOME}/systems/{SYSTEM}.json"
_SYSTEM_JSON = {
    "division": "open",
    "submitter": "me",
    "system_name": "Board",
    "number_of_nodes": 1,
    "host_processor": "x",
}
DB = (
    ("results", "list", "--db", "results.duckdb"),
    ("results", "front", "--db", "results.duckdb"),
    ("results", "explain", "1", "--db", "results.duckdb"),
    ("results", "show", "1", "--db", "results.duckdb", "--json"),
    ("results", "export", "out.csv", "--db", "results.duckdb"),
    ("results", "import", "tree", "--db", "results.duckdb"),
    ("results", "rm", "1", "--yes", "--db", "results.duckdb"),
    ("space", "from-results", "out.yaml", "--db", "results.duckdb"),
    ("explore", "--space", "recorded.yaml", "--dry-run", "--warm-start", "results.duckdb"),
)
_WRITES = (
    "new.duckdb",
    "results.duckdb",
    "out.csv",
    "out.yaml",
    "out.csv",
)


def _in_tree(file: str, *places: str) -> Target:
    looks = (IMPORT, (*IMPORT, "--details"), (*IMPORT, "--json"))
    return Target("results", file, looks, (Path(file).name, MODELS[0], *places), _WRITES)


def inputs(dice: Dice) -> Iterator[Input]:
    """A tree with one bad file, a bad folder, and a database that is none."""
    harmless = frozenset({"a-word", "link-to-null", "empty", "a-list"})
    for file in (_SUMMARY, _ACCURACY, _SYSTEM, f"{_RESULT}/measurements.json"):
        yield from files(dice, _in_tree(file), without=harmless)
        yield from chance(dice, _in_tree(file), 0.5)
    yield from wrong_documents(dice, _in_tree(_SYSTEM), _SYSTEM_JSON)
    yield from wrong_documents(dice, _in_tree(f"{_RESULT}/measurements.json"), MEASUREMENTS)
    yield from _submission_json(dice)
    yield from _texts(dice)
    yield from _trees()
    yield from _shown()
    yield from _databases(dice)


def _submission_json(dice: Dice) -> Iterator[Input]:
    target = _in_tree("tree/v6.1/submission.json", "submission.json")
    yield from wrong_documents(dice, target, SUBMISSION)
    for name, damage in FATAL.items():

        def over(path: Path, damage=damage) -> None:  # type: ignore[no-untyped-def]
            path.write_text("{}")
            damage(path)

        yield target.input(dice, name, over)


def _texts(dice: Dice) -> Iterator[Input]:
    accuracies = {
        "quadratic-words": "Word Error Rate:" * 60_000,
        "quadratic-means": "mean=1," * 150_000,
        "quadratic-accuracies": "accuracy=" * 100_000,
        "quadratic-digits": "accuracy=" + "1" * 900_000,
        "quadratic-spaces": "accuracy" + " " * 900_000 + "=",
        "quadratic-braces": "{'" * 400_000,
        "contradiction": "accuracy=72.860%, good=573, total=788379\n",
        "more-than-all": "accuracy=720.860%, good=9000, total=788\n",
        "negative": "accuracy=-7.0%, good=-7, total=100\n",
        "none": "accuracy=nan%, good=nan, total=nan\n",
        "zero": "accuracy=0.000%, good=0, total=0\n",
        "huge": f"accuracy=9.0%, good={'9' * 400}, total={'9' * 400}\n",
        "json": '{"accuracy": 1e999}\n',
        "escapes": f"accuracy=50.000%, good=500, total=1000\nhash={ESCAPES}\n",
        "exponent": "accuracy=1e400%, good=5, total=10\n",
    }
    for name, text in accuracies.items():
        yield _in_tree(_ACCURACY).input(dice, name, become(text))
    head = "Scenario : SingleStream\nResult is : VALID\n"
    summaries = {
        "no-figures": head,
        "negative": f"{head}90.00 percentile latency (ns) : -5\n",
        "zero": f"{head}90.00 percentile latency (ns) : 0\n",
        "huge": f"{head}90.00 percentile latency (ns) : {'9' * 4_000}\n",
        "above-64-bits": f"{head}90.00 percentile latency (ns) : {2**63}\n",
        "none": f"{head}90.00 percentile latency (ns) : nan\n",
        "unknown-scenario": f"Scenario : {ESCAPES}\nResult is : VALID\n90.00 percentile latency (ns) : 5\n",
        "unknown-result": f"Scenario : SingleStream\nResult is : {ESCAPES}\n90.00 percentile latency (ns) : 5\n",
        "long-lines": head + ("x" * 100_000 + " : " + "y" * 100_000 + "\n") * 10,
        "colons": head + ":" * 900_000,
        "twice": f"{head}90.00 percentile latency (ns) : 5\n" * 2,
    }
    for name, text in summaries.items():
        yield _in_tree(_SUMMARY).input(dice, name, become(text))
    lines = (":::MLLOG {}", ':::MLLOG {"key": "loadgen_version", "value": ' + "[" * 60_000, ":::MLLOG " + "9" * 5_000)
    for number, line in enumerate((*lines, ':::MLLOG {"key": 1, "value": NaN}', ":::MLLOG []", ":::MLLOG null")):
        detail = _in_tree(_SUMMARY.replace("summary", "detail"))
        yield detail.input(dice, f"detail-{number}", become(f"{line}\n" * 3))


def _trees() -> Iterator[Input]:
    """Folders in place of the tree, and oddly built ones."""

    def given(name: str, damage, *, fatal: bool = False, place: str = "tree") -> Input:  # type: ignore[no-untyped-def]
        return Input(f"tree-{name}", "results", damage, (IMPORT,), (place, ""[:0] or place), fatal, writes=_WRITES)

    def deep(folder: Path) -> None:
        at = os.open(folder / _HOME / "results", os.O_RDONLY)
        for _ in range(1_100):
            os.mkdir("d", dir_fd=at)
            below = os.open("d", os.O_RDONLY, dir_fd=at)
            os.close(at)
            at = below
        os.close(at)

    def renamed(old: str, new: str):  # type: ignore[no-untyped-def]
        def apply(folder: Path) -> None:
            path = folder / old
            path.rename(path.with_name(new))

        return apply

    yield given("deep", deep)
    yield given("links-to-itself", lambda folder: (folder / _HOME / "results/again").symlink_to(".."))
    yield given("links-to-root", lambda folder: (folder / _HOME / "results/root").symlink_to("/proc"))
    for name in FATAL:
        if "sparse" not in name:
            yield given(f"is-{name}", lambda folder, name=name: _instead(folder / "tree", name))
    for kind, part in (
        ("system", f"{_HOME}/results/{SYSTEM}"),
        ("submitter", _HOME),
        ("result", _RESULT),
    ):
        for number, new in enumerate(
            (ESCAPES.replace("\0", ""), "x" * 250, " ", "-", "=1+1", "[red]", "\udcff", "\u2066")
        ):
            yield given(f"{kind}-called-{number}", renamed(part, new))
    for place in ("results", "systems", f"results/{SYSTEM}/{MODELS[0]}"):
        for name in ("pipe", "socket", "cyclic-link", "empty", "link-to-root", "forbidden"):
            yield given(f"{place}-{name}", lambda folder, p=place, n=name: _instead(folder / _HOME / p, n))


def _instead(path: Path, name: str) -> None:
    if name != "forbidden":
        remove(path)
    FATAL[name](path)


def _shown() -> Iterator[Input]:
    """Names and texts of a tree that reach the terminal by what reads the database."""

    def damage(folder: Path) -> None:
        system = folder / _SYSTEM
        system.write_text(
            '{"system_name": "\\u001b]0;pwn\\u0007\\u009b31m\\u202e", "division": "open", "x": "\\u001b["}'
        )
        (folder / _RESULT / "measurements.json").write_text(
            '{"weight_data_types": "\\u001b[31m", "retraining": "\\u2066"}'
        )
        home = folder / _HOME
        home.rename(home.with_name("me\x1b[31m\x9b\u202e"))

    def large(folder: Path) -> None:
        (folder / _RESULT / "measurements.json").write_text('{"weight_data_types": "' + "x" * 3_000_000 + '"}')
        keys = ",".join(f'"k{number}": {number}' for number in range(50_000))
        (folder / _SYSTEM).write_text("{" + keys + "}")

    for name, change in {"escapes": damage, "large": large}.items():
        for words in DB[:5]:
            yield Input(f"shown-{name}-{words[1]}", "results", change, (DB[5], words), ("",), writes=_WRITES)


def _databases(dice: Dice) -> Iterator[Input]:
    target = Target("database", "results.duckdb", DB, ("results.duckdb",), _WRITES)
    yield from files(dice, target, without=frozenset({"link-to-null", "empty"}))
    yield from chance(dice, target)
    yield target.input(dice, "dangling-link-stays", link("../outside/new.duckdb"))
    for number, where in enumerate(
        ("1=", "'", "x" * 10_000, ESCAPES, "read_text('/etc/passwd') = ''", ";", "\0x", "1=1) --")
    ):
        words = ("results", "list", "--db", "results.duckdb", "--where", where.replace("\0", ""))
        yield Input(f"where-{number}", "database", lambda _: None, (words,), ("",))
