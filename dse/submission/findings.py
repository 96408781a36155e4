"""Every rule that a submission can break, and the finding that says where one did: file, rule, fix."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from dse.errors import Remedy, SubmissionError

Source = Literal["checker", "upload", "dse"]
"""Who refuses: MLCommons' submission checker; the upload after it (`repository_checks.sh`); only dse, because the
rules ask for it and the checker of August 2026 does not look."""


@dataclass(frozen=True)
class Rule:
    """Something that a submission must satisfy. ``mendable`` by measuring (again); if not, no run can help.

    Where it is not ``allowable``, it cannot be let through: a figure that is not LoadGen's is never let through.
    """

    name: str
    source: Source
    allowed: str
    fix: str | Remedy
    mendable: bool = False
    allowable: bool = True


@dataclass(frozen=True)
class Finding:
    """One broken rule: the file (relative to the tree), what was found, what is allowed, what to do."""

    path: str
    rule: str
    found: str
    allowed: str
    fix: str | Remedy
    source: Source

    def __str__(self) -> str:
        return f"{self.path}: {self.rule}: found {self.found}, allowed: {self.allowed}"


_REPORT = Remedy.CORRECT_SYSTEM
_OBJECT = "a JSON object in UTF-8 without a byte order mark"
_AGAIN = Remedy.VALIDATE_AGAIN
_REWRITE = Remedy.SUBMIT_AGAIN


def _figure(name: str, allowed: str, fix: str | Remedy) -> Rule:
    return Rule(name, "dse", allowed, fix, allowable=False)


_RULES = (
    # The tree
    Rule("results", "checker", "a folder results/ beside systems/", _REWRITE),
    Rule("nothing", "dse", "at least one result below open/<submitter>/results/<system>/<model>/<scenario>", _REWRITE),
    Rule("division", "dse", "only the folder open/: no other division is written", "remove the other folder"),
    Rule("source", "checker", "the folder src/ (v5.x: code/)", _REWRITE),
    Rule("scenario", "checker", "SingleStream, MultiStream or Offline", "rename or remove the folder"),
    Rule("model-mapping", "checker", f"{_OBJECT}, model name -> benchmark", "correct model_mapping.json"),
    Rule(
        "model",
        "checker",
        'a model that model_mapping.json maps to "resnet" (image classification)',
        'add "<model>": "resnet" to model_mapping.json',
    ),
    # systems/<system>.json
    Rule("system", "checker", f"systems/<system>.json, {_OBJECT}, for each folder in results/", _REPORT),
    Rule("system-field-missing", "checker", "all 35 fields", _REPORT),
    Rule("system-field-empty", "checker", 'a value that is not empty ("-" if there is none)', _REPORT),
    Rule("system-status", "checker", "available, preview or rdi", _REPORT),
    Rule("system-type", "checker", "edge, datacenter, or both joined by a comma", _REPORT),
    Rule("system-submitter", "checker", "the name of the submitter's folder", _REPORT),
    Rule("system-division", "checker", "the name of the division's folder", _REPORT),
    Rule("system-count", "checker", "a whole number", _REPORT),
    Rule("system-notes", "checker", "texts in hw_notes and sw_notes", _REPORT),
    Rule("system-network", "checker", "no is_network: dse measures on the device itself", _REPORT),
    # measurements
    Rule("measurements", "checker", f"{_OBJECT} with the five fields", _REWRITE),
    Rule("measurements-field-missing", "checker", "all five fields", _REWRITE),
    Rule("measurements-field-empty", "checker", "a value that is not empty", _REWRITE),
    Rule("run-file-missing", "checker", "user.conf and README.md", _REWRITE),
    Rule("run-file-empty", "checker", "a file that is not empty", _REWRITE),
    # performance log
    Rule("performance-log", "checker", "LoadGen's mlperf_log_detail.txt, as written", _AGAIN, True),
    Rule("performance-mode", "dse", "a PerformanceOnly run", _AGAIN, True),
    Rule("performance-errors", "dse", "a log without LoadGen errors", _AGAIN, True),
    Rule("result-invalid", "dse", "Result is : VALID", _AGAIN, True),
    Rule(
        "buffer-size",
        "checker",
        "performance_sample_count of at least 1024",
        "validate with a buffer size of at least 1024 and a data set of at least as many images",
    ),
    Rule(
        "seeds",
        "checker",
        "the seeds of the round, which are compiled into LoadGen",
        Remedy.LOADGEN_OR_ROUND,
    ),
    Rule("min-duration", "checker", "effective_min_duration_ms of at least 600000", _AGAIN, True),
    Rule("early-stopping", "checker", "early stopping satisfied", _AGAIN, True),
    Rule("min-queries", "checker", "the scenario's least number of queries", _AGAIN, True),
    Rule("result-figure", "checker", "LoadGen's result for the scenario", _AGAIN, True),
    Rule(
        "inferred",
        "checker",
        "on edge systems: MultiStream or Offline from SingleStream, Offline from MultiStream, by a figure in the log",
        Remedy.LEAVE_SCENARIO_OUT,
    ),
    Rule(
        "power",
        "checker",
        "no performance/power: dse measures no power, and what is in it is not looked at here",
        Remedy.OFFICIAL_CHECKER,
    ),
    # accuracy run
    Rule("accuracy-log", "checker", "LoadGen's mlperf_log_detail.txt, as written", _AGAIN, True),
    Rule("accuracy-mode", "dse", "an AccuracyOnly run", _AGAIN, True),
    Rule("accuracy-errors", "checker", "a log without LoadGen errors", _AGAIN, True),
    Rule("accuracy-text", "checker", "accuracy.txt, in UTF-8, with a number after accuracy=", _REWRITE),
    Rule("accuracy-figure", "dse", "a line accuracy=...%, good=..., total=... that is true to itself", _REWRITE),
    Rule("accuracy-hash", "dse", "a line hash=<SHA-256 of the complete mlperf_log_accuracy.json>", _REWRITE),
    Rule("accuracy-json", "checker", "mlperf_log_accuracy.json", _REWRITE),
    Rule("accuracy-json-size", "checker", "at most 10240 bytes: head and tail", _REWRITE),
    Rule(
        "data-set-size",
        "checker",
        "an accuracy run over the benchmark's 50000 images (ImageNet 2012 validation)",
        Remedy.IMAGENET,
    ),
    Rule("summary", "dse", "LoadGen's mlperf_log_summary.txt, not empty", _AGAIN, True),
    # figures, computed again from LoadGen's logs
    _figure("performance-figures", "the same figures in detail log and summary, and such as can be together", _AGAIN),
    _figure("accuracy-recount", "the right answers in the complete accuracy log, counted by the labels", _AGAIN),
    _figure("accuracy-complete", "the complete accuracy log beside the tree, cut in it to head and tail", _REWRITE),
    _figure("labels", "the labels of the images that were measured", "put the images back, and write the tree again"),
    _figure("response", "the figures that LoadGen's logs have", _AGAIN),
    _figure("configuration", "the configuration that the request asked for", _AGAIN),
    _figure("user-conf", "the settings that LoadGen was given", _AGAIN),
    _figure("model-file", "the model file that was measured", _REWRITE),
    _figure("model-types", "the number types that the model file has", _REWRITE),
    _figure("readme-figures", "the figures that LoadGen's logs have", _REWRITE),
    _figure("chain", "the files of the official runs that it was made from, as they lie in the study", _REWRITE),
    Rule("tree-files", "dse", "the files that dse wrote, and no others", _REWRITE),
    Rule(
        "evidence",
        "dse",
        "submission.json beside tree/, with the hash of every file and the labels",
        Remedy.KEEP_OR_SUBMIT_AGAIN,
    ),
    _figure("rehearsal", "official runs: a rehearsal is never submitted", Remedy.VALIDATE_IN_FULL),
    # the upload
    Rule("upload-link", "upload", "no symbolic links", "replace the link by the file"),
    Rule("upload-name", "upload", "names that have no space and do not start with a dot", "rename it"),
    Rule("upload-size", "upload", "files of at most 50 MiB", "leave the file out and name its address in the README"),
    # what only the official checker can say
    Rule("official-checker", "checker", "a tree that the checker reads to its end", "see the checker's own output"),
    # the environment, before any run
    Rule(
        "loadgen-version",
        "dse",
        "a LoadGen wheel that is known to have the round's seeds",
        Remedy.INSTALL_LOADGEN_OR_ROUND,
    ),
)
RULES: dict[str, Rule] = {rule.name: rule for rule in _RULES}


def finding(path: object, rule: str, found: object, *, allowed: str | None = None) -> Finding:
    """The finding that ``rule`` is broken in ``path``; ``allowed`` when the place knows it better than the rule."""
    broken = RULES[rule]
    return Finding(str(path), rule, str(found), allowed or broken.allowed, broken.fix, broken.source)


def blocking(findings: Iterable[Finding], allow: Iterable[str] = ()) -> list[Finding]:
    """The findings of rules that ``allow`` does not name, or cannot."""
    tolerated = {name for name in allow if RULES[name].allowable}
    return [item for item in findings if item.rule not in tolerated]


class BrokenRulesError(SubmissionError):
    """A submission that breaks rules; ``findings`` has all of them."""

    def __init__(self, findings: list[Finding], *, hint: str | None = None) -> None:
        count = len(findings)
        fix = hint or findings[0].fix
        super().__init__(
            f"{count} broken rule{'s' if count > 1 else ''}; the first: {findings[0]}",
            hint=None if isinstance(fix, Remedy) else fix,
            remedy=fix if isinstance(fix, Remedy) else None,
        )
        self.findings = findings
