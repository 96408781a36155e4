"""Studies from elsewhere: study.yaml, the files of a trial, the view in study.db, links, folders that are others'."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.fuzz.bases import RECORDED_STUDY, STUDY
from tests.fuzz.damage import ESCAPES, FATAL, ODD, OUTSIDE, become, link, remove
from tests.fuzz.documents import RECORD, REQUEST, RESPONSE, SETTINGS
from tests.fuzz.making import Dice, Target, chance, files, wrong_documents, wrong_yaml, yaml_text
from tests.fuzz.running import Input
from tests.fuzz.values import bomb

_S = f"studies/{STUDY}"
_R = f"studies/{RECORDED_STUDY}"
READ = (
    ("front", STUDY),
    ("front", STUDY, "--json"),
    ("front", STUDY, "--csv"),
    ("explain", STUDY, "1"),
    ("explain", STUDY, "threads=3,width=0.35,side=64", "--json"),
    ("submit", "preflight", STUDY, "--allow", "data-set-size"),
    ("validate", STUDY, "--dry-run", "--duration", "1s"),
    ("explore", "--space", f"{STUDY}.yaml", "--dry-run"),
)
EXPLORE = ("explore", "--space", "recorded.yaml", "--trials", "1")
_SETTINGS = Target("study", f"{_S}/study.yaml", READ, ("study.yaml",), near=(STUDY, "the space"))
_TRIAL_PLACES = ("trials/1", "trial 1", "trials: 1")
_IN_TRIAL = {
    "trial.json": RECORD,
    "response.json": RESPONSE,
    "request.json": REQUEST,
}


def inputs(dice: Dice) -> Iterator[Input]:
    """Everything that lies in a study's folder."""
    yield from files(dice, _SETTINGS)
    yield from wrong_yaml(dice, _SETTINGS, SETTINGS)
    yield from wrong_documents(dice, _SETTINGS, SETTINGS, yaml_text)
    yield from chance(dice, _SETTINGS)
    for name, text in {"schema": f"schema: {bomb()}\n", "parameters": f"space: {{parameters: {bomb()}}}\n"}.items():
        yield _SETTINGS.input(dice, f"a-bomb-as-{name}", become(text))
    for name, document in _IN_TRIAL.items():
        target = Target("study", f"{_S}/trials/1/{name}", READ, (name, *_TRIAL_PLACES), near=(STUDY,))
        # a request is read by what repeats or submits the trial alone
        yield from files(dice, target, without=frozenset(FATAL) if name == "request.json" else frozenset())
        yield from wrong_documents(dice, target, document)
        yield from chance(dice, target)
    yield from _views(dice)
    yield from _folders()


def _views(dice: Dice) -> Iterator[Input]:
    """What dse writes into a study's folder: never through a link, never anything else than its own file."""
    for name in ("front.csv", "front.json", "front.png", ".lock", "study.db", "trials.index"):
        target = Target("recorded-study", f"{_R}/{name}", (EXPLORE,), (name, RECORDED_STUDY), writes=(_R,))
        for kind, damage in (FATAL | ODD).items():
            if dice.rng.random() < 0.5 or "link" in kind or kind in ("pipe", "sparse", "folder"):
                yield target.input(dice, kind, damage)
        yield from chance(dice, target, 0.2 if name in ("study.db", "trials.index") else 0.04)


def _folders() -> Iterator[Input]:
    """Folders that are links, others' or oddly named: refused, or left as they are."""

    def given(name: str, damage: Callable[[Path], object], *commands: tuple[str, ...], **more: object) -> Input:
        places = ("trials", RECORDED_STUDY, STUDY)
        return Input(name, "recorded-study", damage, commands or (EXPLORE,), places, **more)  # type: ignore[arg-type]

    def of_others(folder: Path) -> None:
        remove(folder / _R)
        (folder / _R / "trials/1").mkdir(parents=True)
        (folder / _R / "trials/1/results.txt").write_text("precious\n")

    def a_trial_of_others(folder: Path) -> None:
        (folder / _R / "trials/77").mkdir()
        (folder / _R / "trials/77/results.txt").write_text("precious\n")

    def unmounted(folder: Path) -> None:
        link("/mnt/is-not-mounted/response.json")(folder / _R / "trials/1/response.json")

    def outside(place: str, folder: Path) -> None:
        remove(folder / _R / place)
        (folder / _R / place).symlink_to(folder.parent / "outside/folder")

    def through(place: str, folder: Path) -> None:
        """The real thing lies elsewhere, behind a link."""
        moved = folder.parent / "outside/moved"
        shutil.move(folder / _R / place, moved)
        (folder / _R / place).symlink_to(moved)

    def called(name: str, folder: Path) -> None:
        shutil.copytree(folder / _R / "trials/1", folder / _R / "trials" / name)

    refused = {"fatal": True, "codes": frozenset({3}), "writes": (f"{_R}/.lock",)}
    yield given("a-folder-of-others", of_others, **refused)
    said = tuple(f"{_R}/{name}" for name in (".lock", "study.db", "trials.index", "front.json"))
    yield given("a-trial-of-others", a_trial_of_others, writes=(*said, f"{_R}/study.yaml"))
    yield given("an-unmounted-response", unmounted, **refused)
    own = (*said, f"{_R}/study.yaml", f"{_R}/front.csv", f"{_R}/front.png")
    for place in ("trials/1", "trials/5", "trials", "front.csv", "validation"):
        yield given(f"{place}-is-a-link-outside", partial(outside, place), writes=own, grows=(f"{_R}/trials",))
    for place in ("trials/1", "trials", "study.yaml", "study.db"):
        yield given(f"{place}-lies-elsewhere", partial(through, place), ("front", RECORDED_STUDY))
    for name in ("007", "٣", "1e3", "-1", "9" * 200, "9" * 20, "1 ", "x", ESCAPES.replace("\0", "")[:40]):
        yield given(f"a-trial-called-{name[:20]}", partial(called, name), ("front", RECORDED_STUDY))
    for name in ("..", ".", "/", "", "~", "a\nb", ESCAPES, "x" * 300, "nowhere", f"../{OUTSIDE}", "studies", "\udcff"):
        for words in (
            ("front", name),
            ("explain", name, "1"),
            ("validate", name),
            ("submit", name, "--submitter", "N"),
        ):
            yield Input(f"{words[0]}-{name[:20]}", "recorded-study", lambda _: None, (words,), ("",), fatal=True)
    for name in ("..", ".", "a/b", "", "x" * 300, ESCAPES, "a\nb"):
        explore = (*EXPLORE, "--study", name)
        yield Input(
            f"explore-study-{name[:20]}", "recorded-study", lambda _: None, (explore,), ("",), writes=("studies",)
        )
