"""What to do about an error, in the commands and options of this command line."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping

from dse.errors import DseError, Remedy

_NOT_IN_DOUBLE_QUOTES = frozenset('"$`\\!')
_Details = Mapping[str, str]


def _where(details: _Details) -> str:
    where = details["where"]
    return "--where " + (shlex.quote(where) if set(where) & _NOT_IN_DOUBLE_QUOTES else f'"{where}"')


def _variable(details: _Details) -> str:
    options = {"DSE_MODELS": "--models DIR", "DSE_IMAGES": "--images DIR", "DSE_LABELS": "--labels FILE"}
    return f"export {details['variable']}=..., or {options[details['variable']]}"


def _set_up(details: _Details) -> str:
    engines = "".join(f" --engine {shlex.quote(engine)}" for engine in details["engines"].split())
    file = "" if details["file"] in ("", "devices.yaml") else f" --devices {shlex.quote(details['file'])}"
    return f"dse device setup {details['boards']}{engines}{file}"


_WORDS: Mapping[Remedy, str | Callable[[_Details], str]] = {
    Remedy.OTHER_STUDY_NAME: "take another --study name",
    Remedy.OTHER_STUDY_OR_STORAGE: "take another --study name or another --storage",
    Remedy.OTHER_STUDIES_FOLDER: "take another folder: --studies DIR",
    Remedy.NAME_STUDY: "--study NAME",
    Remedy.SEARCH: "search first: dse explore --space SPACE",
    Remedy.SEARCH_MAKES_IT: "dse explore makes it",
    Remedy.SEARCH_MAKES_A_STUDY: "dse explore makes one; --studies names their folder",
    Remedy.SEARCH_ON_THIS_MACHINE: (
        "validate a study that was measured on this machine: dse explore --space mobilenet_v3.yaml"
    ),
    Remedy.SEARCH_IN_A_NEW_STUDY: "put the old files back, or search again in a new study: dse explore --study NAME",
    Remedy.LIST_TRIALS: lambda details: f"dse trials {shlex.quote(details['study'])} says why no trial is on it",
    Remedy.KEEP_STORAGE: "leave --storage out, or take another --study name",
    Remedy.GIVE_STORAGE: "give --storage as it should be: passwords are not recorded",
    Remedy.CORRECT_STORAGE: "correct --storage",
    Remedy.OTHER_PORT: "take another --port",
    Remedy.MEND_OR_NOT_STRICT: "mend that and run the same command again; without --strict the trial is excluded",
    Remedy.LIST_SPACES: "dse space list shows the spaces that ship",
    Remedy.START_FROM_A_SPACE: "start from one of dse space list",
    Remedy.SET_VARIABLE: _variable,
    Remedy.NAME_IMAGES: "name the folder of the images with --images DIR",
    Remedy.NAME_LABELS: "name the label list with --labels FILE",
    Remedy.COUNT_ACCURACIES: "add acc_good and acc_total, or leave out --growing-accuracy",
    Remedy.REPLAY_TABLE: "a space counts images: dse replay --table takes tables that have percentages only",
    Remedy.EXPORT_TABLE: "dse results export --format replay writes one",
    Remedy.OTHER_DATABASE: "name another file with --db",
    Remedy.A_DATABASE: "name a file that `dse results import` made",
    Remedy.IMPORT: "make one: `dse results import DIR`",
    Remedy.IMPORT_AGAIN: "remove it and import its trees again: `dse results import DIR`",
    Remedy.IMPORT_ELSEWHERE: (
        "name another file with --db, and import the trees into it: `dse results import DIR --db FILE`"
    ),
    Remedy.IMPORT_CLASSIFIERS: "import rounds that have some: `dse results import inference_results_v1.1`",
    Remedy.SAY_ROUND: "say which: `dse results import DIR --round v1.1`",
    Remedy.LIST_RESULTS: "see what there is: `dse results list`",
    Remedy.SELECT_ROWS: _where,
    Remedy.OVERWRITE: "--force, or name another file",
    Remedy.OTHER_OUTPUT: "name another file with `--out`",
    Remedy.SAVE_FRONT_AGAIN: lambda details: f"make it anew: `dse front STUDY --json > {shlex.quote(details['path'])}`",
    Remedy.VALIDATE: "validate the front first: dse validate STUDY",
    Remedy.VALIDATE_AGAIN: "validate the point again: dse validate STUDY",
    Remedy.VALIDATE_ANEW: "validate the point again: remove its folder and run dse validate STUDY",
    Remedy.VALIDATE_IN_FULL: "validate without --duration",
    Remedy.VALIDATE_TRIALS: lambda details: (
        f"the other points: {' '.join(f'--trial {trial}' for trial in details['trials'].split(', '))}"
    ),
    Remedy.REHEARSE_OTHERS: lambda details: (
        f"rehearse --round {details['round']}, or other trials with --trial, or move this folder away"
    ),
    Remedy.SUBMIT_AGAIN: "write the tree again: dse submit STUDY",
    Remedy.KEEP_OR_SUBMIT_AGAIN: "keep what dse submit wrote together, or write it again: dse submit STUDY",
    Remedy.OTHER_ROUND: lambda details: (
        f"dse submit STUDY --round {details['found']}, or dse validate STUDY --round {details['asked']}"
    ),
    Remedy.NAME_ROUND: "name one with --round",
    Remedy.OTHER_TREE: "name another folder with --out, or move this one away",
    Remedy.SYSTEM_EXAMPLE: "dse system init rpi5-8gb",
    Remedy.DESCRIBE_SYSTEM: "write one: dse system init ID",
    Remedy.CORRECT_SYSTEM: (
        "correct it in the system's YAML (dse system init ID writes one); a tree has to be written again then"
    ),
    Remedy.NAME_BASE: "name the file itself with --base, or the tree with --results",
    Remedy.CORRECT_PYTHON: "correct --python",
    Remedy.LOADGEN_OR_ROUND: (
        "measure in an environment with a LoadGen of the round, or submit to the round of this LoadGen (--round)"
    ),
    Remedy.INSTALL_LOADGEN_OR_ROUND: (
        "install one into the harness's environment, or choose the round that fits (--round)"
    ),
    Remedy.LEAVE_SCENARIO_OUT: "leave that scenario out (--scenarios, or remove the folder), or measure it",
    Remedy.OFFICIAL_CHECKER: "remove it, or trust the official checker (--checker)",
    Remedy.GET_OFFICIAL_CHECKER: (
        "git clone --depth 1 https://github.com/mlcommons/inference, and name it with --checker or DSE_MLPERF_INFERENCE"
    ),
    Remedy.IMAGENET: (
        "validate on ImageNet; --allow data-set-size checks everything else, and the result cannot be submitted"
    ),
    Remedy.CALIBRATE: lambda details: f"dse device calibrate {details['boards']}",
    Remedy.OTHER_BOARDS: "leave the boards out that differ, or give them a system of their own in the device file",
    Remedy.CORRECT_RATIO: (
        "correct: true below the system in the device file divides the figures by the ratio; or give the boards that "
        "differ a system of their own"
    ),
    Remedy.SET_UP_ALIKE: _set_up,
    Remedy.MAKE_CERTIFICATES: "dse device certificates FOLDER makes them; DSE_CERTIFICATES names their folder",
    Remedy.LOOK_AT_MACHINE: "dse doctor",
}
_OPTIONS = {"round_name": "--round"}
"""Where an argument's option has another name than the argument."""


def worded(remedy: Remedy, details: _Details | None = None) -> str:
    """What to type."""
    words = _WORDS[remedy]
    return words if isinstance(words, str) else words(details or {})


def advice(error: DseError) -> str | None:
    """What to do about ``error``; None where it does not say."""
    remedy = error.remedy and worded(error.remedy, error.details)
    return "; ".join(filter(None, (remedy, error.hint))) or None


def message(error: DseError) -> str:
    """What happened and where, with the option that it is about."""
    if error.argument is None:
        return str(error)
    option = _OPTIONS.get(error.argument, f"--{error.argument.replace('_', '-')}")
    place = str(error).removesuffix(f"{error.argument}: {error.message}")
    return f"{place}{option}: {error.message}"
