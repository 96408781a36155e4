"""Submissions: every file of a tree that check and pack read, the validated points, the description of the system."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.fuzz.bases import system_document
from tests.fuzz.damage import ESCAPES, FATAL, ODD, Damage, become, link, remove
from tests.fuzz.documents import MEASUREMENTS, REQUEST, RESPONSE, SUBMISSION, VALIDATION
from tests.fuzz.making import Dice, Target, chance, files, wrong_documents, wrong_yaml, yaml_text
from tests.fuzz.running import Input

TREE = "submission/tree"
_HOME = f"{TREE}/open/Example"
_RESULT = f"{_HOME}/results/board/tiny-int8-t1/SingleStream"
CHECK = (
    ("submit", "check", TREE, "--allow", "data-set-size"),
    ("submit", "check", TREE, "--json", "--allow", "data-set-size"),
    ("submit", "pack", TREE, "--archive", "out.tar.gz", "--allow", "data-set-size"),
    ("results", "import", TREE, "--db", "new.duckdb", "--details"),
)
_WRITES = ("out.tar.gz", "new.duckdb")
_FILES = (
    "systems/board.json",
    "model_mapping.json",
    "src/README.md",
    "src/tiny-int8-t1/tiny-int8-t1.tflite",
    "src/tiny-int8-t1/performance/request.json",
    *(
        f"results/board/tiny-int8-t1/SingleStream/{name}"
        for name in (
            *("README.md", "user.conf", "measurements.json", "accuracy/accuracy.txt"),
            *("accuracy/mlperf_log_accuracy.json", "accuracy/mlperf_log_detail.txt", "accuracy/mlperf_log_summary.txt"),
            *("performance/run_1/mlperf_log_detail.txt", "performance/run_1/mlperf_log_summary.txt"),
        )
    ),
)
_POINT = "studies/own/validation/7"
SUBMIT = (
    ("submit", "own", "--submitter", "Example", "--allow", "data-set-size"),
    ("submit", "preflight", "own", "--allow", "data-set-size"),
    ("validate", "own", "--dry-run", "--allow", "data-set-size"),
)
_SUBMIT_WRITES = ("studies/own/submission",)


def inputs(dice: Dice) -> Iterator[Input]:
    """A tree, a validated point and system.yaml."""
    for file in _FILES:
        target = Target(
            "submission", f"{_HOME}/{file}", CHECK[:3], (Path(file).name, *Path(file).parts[-3:-1]), _WRITES
        )
        for name, damage in (FATAL | ODD).items():
            if name in ("pipe", "sparse", "link-to-zero", "escapes", "brackets") or dice.rng.random() < 0.3:
                yield target.input(dice, name, damage)
        yield from chance(dice, target, 0.2)
    for file, document in (("systems/board.json", _system()), ("model_mapping.json", {"tiny-int8-t1": "resnet50"})):
        yield from wrong_documents(
            dice, Target("submission", f"{_HOME}/{file}", CHECK, (Path(file).name,), _WRITES), document, part=0.4
        )
    yield from wrong_documents(
        dice,
        Target("submission", f"{_RESULT}/measurements.json", CHECK, ("measurements.json",), _WRITES),
        MEASUREMENTS,
        part=0.6,
    )
    beside = Target("submission", "submission/submission.json", CHECK[:3], ("submission.json",), _WRITES)
    yield from files(dice, beside, without=frozenset(FATAL))
    yield from wrong_documents(dice, beside, SUBMISSION, part=0.5)
    yield from _logs(dice)
    yield from _trees(dice)
    yield from _points(dice)
    yield from _systems(dice)


def _system() -> dict[str, object]:
    return {name: value for name, value in system_document().items() if name not in ("schema", "id")}


def _logs(dice: Dice) -> Iterator[Input]:
    log = f"{_RESULT}/performance/run_1/mlperf_log_detail.txt"
    target = Target("submission", log, CHECK, ("mlperf_log_detail.txt",), _WRITES)
    values = (
        "[" * 60_000,
        "9" * 6_000,
        "NaN",
        "1e999",
        "-1",
        '"x"',
        "null",
        "[[]]",
        "{}",
        '"\\u001b[31m"',
        '"\\ud800"',
        "1" * 30,
    )
    for key in (
        "loadgen_version",
        "effective_min_duration_ms",
        "result_90.00_percentile_latency_ns",
        "effective_scenario",
    ):
        for value in values:
            line = f':::MLLOG {{"key": "{key}", "value": {value}, "time_ms": 1.0, "metadata": {{"is_error": false}}}}\n'

            def damage(path: Path, line: str = line) -> None:
                path.write_text(path.read_text() + line)

            yield target.input(dice, f"{key}-{value[:12]}", damage)
    for number, line in enumerate((":::MLLOG null", ":::MLLOG []", ':::MLLOG {"key": []}', ':::MLLOG {"metadata": 1}')):
        yield target.input(dice, f"line-{number}", lambda path, line=line: path.write_text(f"{line}\n" * 9))


def _trees(dice: Dice) -> Iterator[Input]:
    def given(name: str, damage: Damage) -> Input:
        return Input(
            f"tree-{name}", "submission", damage, dice.some(CHECK[:3]), (TREE, "open", "Example"), writes=_WRITES
        )

    def add(name: str, damage: Damage, folder: Path) -> None:
        path = folder / _HOME / "src" / name
        path.write_text("x\n")
        damage(path)

    for name, damage in FATAL.items():
        yield given(f"more-{name}", partial(add, "more.txt", damage))
    for number, name in enumerate(
        (ESCAPES.replace("\0", ""), "x" * 250, "-rf", "\udcff", "a\nb", "\u202e", " ", "...", "~")
    ):
        yield given(f"called-{number}", partial(add, name, lambda _: None))
        yield given(f"submitter-{number}", lambda folder, n=name: (folder / _HOME).rename(folder / TREE / "open" / n))
        yield given(
            f"system-{number}",
            lambda folder, n=name: (folder / _HOME / "results/board").rename(folder / _HOME / "results" / n),
        )
    for place in (TREE, f"{TREE}/open", _HOME, f"{_HOME}/results", f"{_HOME}/systems", f"{_HOME}/src", _RESULT):
        for kind in ("pipe", "dangling-link", "cyclic-link", "link-to-root", "a-word", "forbidden", "link-outside"):
            yield given(f"{place[16:]}-{kind}", partial(_instead, place, kind))
    yield given("links-to-itself", lambda folder: link("..")(folder / _HOME / "src/again"))


def _instead(place: str, kind: str, folder: Path) -> None:
    if kind != "forbidden":
        remove(folder / place)
    FATAL[kind](folder / place)


def _points(dice: Dice) -> Iterator[Input]:
    """What a submission is made from."""
    for file, document in (
        ("validation.json", VALIDATION),
        ("performance/request.json", REQUEST),
        ("performance/response.json", RESPONSE),
        ("accuracy/response.json", RESPONSE),
    ):
        names = (Path(file).name, "validation/7", "trial 7")
        target = Target("validated", f"{_POINT}/{file}", SUBMIT[::2], names, _SUBMIT_WRITES, near=("own",))
        yield from files(dice, target)
        yield from wrong_documents(dice, target, document, part=0.4)
        yield from chance(dice, target, 0.3)
    for file in (
        "user.conf",
        "performance/performance/mlperf_log_detail.txt",
        "accuracy/accuracy/mlperf_log_accuracy.json",
    ):
        target = Target(
            "validated", f"{_POINT}/{file}", SUBMIT[:1], (Path(file).name, "validation/7", "trial 7"), _SUBMIT_WRITES
        )
        yield from files(dice, target)
        yield from chance(dice, target, 0.3)
    for kind in FATAL:
        for place in ("studies/own/validation", _POINT, "studies/own/submission"):
            yield Input(
                f"{place[12:]}-{kind}",
                "validated",
                lambda folder, p=place, k=kind: (
                    become("")(folder / p) if not (folder / p).exists() else None,
                    _instead(p, k, folder),
                ),
                SUBMIT[:1],
                ("validation", "submission", "own", "trial 7"),
                writes=_SUBMIT_WRITES,
            )


def _systems(dice: Dice) -> Iterator[Input]:
    looks = (("system", "show"), ("system", "show", "--json"), SUBMIT[0], SUBMIT[1])
    target = Target("validated", "system.yaml", looks, ("system.yaml",), _SUBMIT_WRITES, near=("board.json",))
    yield from files(dice, target)
    yield from wrong_yaml(dice, target, system_document())
    yield from wrong_documents(dice, target, system_document(), yaml_text, part=0.5)
    base = Target(
        "validated",
        "base.json",
        (("system", "init", "b", "--file", "new.yaml", "--base", "base.json"),),
        ("base.json", "new.yaml"),
        ("new.yaml",),
    )

    def over(damage: Damage, path: Path) -> None:
        path.write_text('{"system_name": "x"}')
        damage(path)

    for name, damage in (FATAL | ODD).items():
        yield base.input(dice, name, partial(over, damage))
    yield from wrong_documents(dice, base, _system(), part=0.3)
    for number, name in enumerate((ESCAPES.replace("\0", ""), "", "a b", "../x", "x" * 300, "/", "\udcff", "--")):
        yield Input(
            f"init-{number}",
            "validated",
            lambda _: None,
            (("system", "init", "--file", "new.yaml", "--", name),),
            ("",),
            writes=("new.yaml",),
        )
