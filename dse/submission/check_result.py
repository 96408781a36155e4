"""One result folder of a tree, `open/<submitter>/results/<system>/<model>/<scenario>`: every figure again."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from dse_harness.decode import ProtocolError
from dse_harness.protocol import Accuracy, DataSetSpec, Request, read

from dse.errors import DseError, ModelError, SubmissionError, why
from dse.reading import MIB, parse_json, read_bytes, read_json, read_text
from dse.submission.check_texts import check_measurements_claims, check_readme, check_requests
from dse.submission.detail_log import DetailLog, read_detail_log
from dse.submission.figures import (
    DETAIL,
    check_accuracy_figures,
    check_performance_figures,
    check_user_conf,
    count_again,
)
from dse.submission.findings import Finding, finding
from dse.submission.hashes import MODEL_SUFFIXES, content_hash
from dse.submission.labels import Labels, is_here, parse_labels, read_labels
from dse.submission.log_keys import LOG_KEYS
from dse.submission.manifest import COMPLETE_LOGS, LABELS, Manifest, Origin
from dse.submission.model_types import model_types
from dse.submission.point import ACCURACY_LOG, LOGS, read_point
from dse.submission.readme import figure_rows, figures_logged, measured_with, row, top_1
from dse.submission.rounds import SCENARIOS, Round
from dse.submission.truncate import accuracy_text, truncated


class ResultFigures:
    """The figures of one result. What could not be asked is added to ``notes``."""

    def __init__(
        self, tree: Path, folder: Path, round_: Round, manifest: Manifest | None, base: Path, notes: list[str]
    ) -> None:
        self._tree, self._beside, self._base, self._notes = tree, tree.parent, base, notes
        self._performance, self._accuracy = folder / "performance" / "run_1", folder / "accuracy"
        self._home, self._model = folder.parents[3], folder.parent.name
        self._round, self._scenario, self._system = round_, folder.name, folder.parent.parent.name
        self._measurements = self._home / round_.measurements(self._system, self._model, folder.name)
        self._types = self._measurements / round_.measurements_name(self._system, folder.name)
        self._source = self._home / round_.source / self._model
        self._manifest = manifest
        self._origin: Origin | None = None if manifest is None else manifest.origins.get(self._model)

    def check(self) -> Iterator[Finding]:
        """What is not as LoadGen's logs have it."""
        yield from check_performance_figures(self._tree, self._performance)
        complete = _bytes(self._complete_path)
        if complete is None and self._origin is None:
            return  # of another origin, and `evidence` says so
        if complete is None:
            yield self._finding(self._accuracy / ACCURACY_LOG, "accuracy-complete", "no complete log beside the tree")
        elif _bytes(self._accuracy / ACCURACY_LOG) != truncated(complete):
            yield self._finding(self._accuracy / ACCURACY_LOG, "accuracy-complete", "the head and tail of another log")
        if self._origin is None:
            return
        counted = None
        if complete is not None:
            try:
                labels = self._labels(self._origin)
                counted = _count(complete, labels, self._accuracy_log.values.get("effective_scenario"))
            except _LabelsError as error:
                yield finding(f"../{LABELS}/{self._origin.data_set.sha256}.txt", "labels", str(error))
            except ValueError as error:
                yield self._finding(self._accuracy / ACCURACY_LOG, "accuracy-recount", why(error))
            else:
                yield from self._check_accuracy_text(accuracy_text(counted.good, counted.total, complete))
                yield from check_accuracy_figures(self._tree, self._accuracy, counted.total)
        yield from self._check_settings()
        yield from self._check_model(self._origin)
        yield from self._check_readme(self._origin, counted)
        yield from self._check_chain(self._origin)

    def _finding(self, path: Path, rule: str, found: str, allowed: str | None = None) -> Finding:
        return finding(os.path.relpath(path, self._tree), rule, found, allowed=allowed)

    @property
    def _complete_path(self) -> Path:
        return self._beside / COMPLETE_LOGS / (self._accuracy / ACCURACY_LOG).relative_to(self._tree)

    def _labels(self, origin: Origin) -> Labels:
        """The data set's own where it lies where it was, else those that were kept, which is said.

        Raises _LabelsError.
        """
        try:
            kept = parse_labels(self._beside / LABELS / f"{origin.data_set.sha256}.txt")
            spec = self._data_set(origin)
            own = None if spec is None else read_labels(spec)
        except (DseError, OSError, ValueError) as error:
            raise _LabelsError(str(error) if isinstance(error, DseError) else why(error)) from error
        if own is None:
            self._notes.append(
                f"the images of {origin.data_set.name} are not at {origin.data_set.path}: "
                "accuracies are counted by the labels that were kept with the tree"
            )
        elif own != kept:
            raise _LabelsError(f"other labels than the images in {origin.data_set.path} have")
        return kept

    def _data_set(self, origin: Origin) -> DataSetSpec | None:
        """The data set where it was when the tree was written, or when the official runs were made."""
        named = [origin.data_set]
        with contextlib.suppress(OSError, ProtocolError):
            named.append(read(Request, self._validation(origin) / "accuracy" / "request.json").data_set)
        return next((spec for spec in named if spec.sha256 == origin.data_set.sha256 and is_here(spec)), None)

    def _validation(self, origin: Origin) -> Path:
        return Path(os.path.normpath(self._base / origin.validation))

    def _check_accuracy_text(self, expected: str) -> Iterator[Finding]:
        path = self._accuracy / "accuracy.txt"
        try:
            lines = read_text(path, MIB).splitlines()
        except (OSError, ValueError):
            return  # accuracy-text says so
        for wanted, begins in zip(expected.splitlines(), (("accuracy", '{"accuracy'), ("hash=",)), strict=True):
            for line in [line for line in lines if line.startswith(begins)] or ["no such line"]:
                if line != wanted:
                    allowed = f"{wanted}, counted from the complete log and the labels"
                    yield self._finding(path, "accuracy-recount", line[:200], allowed)

    def _check_settings(self) -> Iterator[Finding]:
        conf, copy = self._measurements / "user.conf", self._source / "user.conf"
        yield from check_user_conf(self._tree, conf, [self._performance, self._accuracy])
        try:
            if read_bytes(conf, MIB) != read_bytes(copy, MIB):
                yield self._finding(copy, "user-conf", "other settings", f"those of {conf.relative_to(self._tree)}")
        except (OSError, ValueError) as error:
            yield self._finding(copy, "user-conf", f"cannot be read: {why(error)}")

    def _check_model(self, origin: Origin) -> Iterator[Finding]:
        path = self._model_file
        expected = origin.model_sha256
        for run in ("performance", "accuracy"):
            request = self._source / run / "request.json"
            for name, value in (("model_sha256", expected), ("data_set.sha256", origin.data_set.sha256)):
                if (found := self._in_request(run, name)) != value:
                    yield self._finding(request, "model-file", f"{name} {found}", f"{value}, which was measured")
        held = self._in_request("performance", "performance.buffer_size")
        count = self._performance_log.values.get("effective_performance_sample_count")
        if held != count:
            request = self._source / "performance" / "request.json"
            yield self._finding(request, "configuration", f"buffer_size {held}", f"{count}, as {DETAIL} has it")
        if not path.is_file():
            if origin.model_sha256 and not self._is_left_out(path):
                yield self._finding(path, "model-file", "no such file", f"the one of SHA-256 {expected}")
            return
        if (found := content_hash(path)) != expected:
            yield self._finding(path, "model-file", f"SHA-256 {found}", f"{expected}, which was measured")
            return
        yield from self._check_types(path)

    def _is_left_out(self, path: Path) -> bool:
        """Whether dse did not write the model file, which was too large for the upload."""
        files = {} if self._manifest is None or self._manifest.files is None else self._manifest.files
        return f"tree/{path.relative_to(self._tree).as_posix()}" not in files

    def _check_types(self, model: Path) -> Iterator[Finding]:
        try:
            types, document = model_types(model), read_json(self._types, MIB)
        except (ModelError, OSError, ValueError):
            return  # measurements says so
        for name, value in (("input_data_types", types.input), ("weight_data_types", types.weights)):
            if isinstance(document, dict) and document.get(name) != value:
                found = f"{name} {str(document.get(name))[:80]}"
                yield self._finding(self._types, "model-types", found, f"{value}, which {model.name} has")

    def _check_readme(self, origin: Origin, counted: Accuracy | None) -> Iterator[Finding]:
        path = self._measurements / "README.md"
        try:
            lines = read_text(path, MIB).splitlines()
        except (OSError, ValueError):
            return  # run-file-missing says so
        expected = self._rows(origin, counted)
        for name, value in expected.items():
            begin = row(name, "")[: -len(" |")]
            for line in [line for line in lines if line.startswith(begin)] or ["no such row"]:
                if line != row(name, value):
                    yield self._finding(path, "readme-figures", line[:200], row(name, value))
        version = self._performance_log.values.get("loadgen_version")
        said = measured_with(str(version))
        if not any(said in line for line in lines):
            yield self._finding(path, "readme-figures", "another LoadGen", f"{said!r}, as {DETAIL} has it")
        if version != (other := self._accuracy_log.values.get("loadgen_version")):
            where = self._accuracy / DETAIL
            yield self._finding(where, "performance-figures", f"loadgen_version {other}", f"{version}, one for both")

    def _rows(self, origin: Origin, counted: Accuracy | None) -> dict[str, object]:
        measured = self._performance_log.values.get("effective_scenario")
        scenario = next((name for name in SCENARIOS if name == measured), None)
        rows: dict[str, object] = {}
        if counted is not None:
            rows["top-1"] = top_1(counted.good, counted.total)
        if scenario is not None:
            rows |= figure_rows(scenario, figures_logged(self._performance_log, LOG_KEYS[scenario]))
        rows["model, SHA-256"] = origin.model_sha256
        try:
            request = read_json(self._source / "performance" / "request.json", MIB)
            asked = {"threads": request["runtime"]["threads"], "delegate": request["runtime"]["delegate"]}
            asked |= {"batch_size": request["runtime"].get("batch_size", 1), "scenario": request["scenario"]}
        except (OSError, ValueError, KeyError, TypeError):
            asked = {}
        readme = (self._measurements / "README.md").read_text(encoding="utf-8", errors="replace")
        asked |= {"buffer_size": self._performance_log.values.get("effective_performance_sample_count")}
        return rows | {name: value for name, value in asked.items() if f"\n| {name} |" in readme}

    def _check_chain(self, origin: Origin) -> Iterator[Finding]:
        """The tree's files against those of the official runs, where the study is still there."""
        folder = self._validation(origin)
        record = folder / "validation.json"
        if not record.is_file():
            self._notes.append(f"the official runs of trial {origin.trial} are not at {folder}: not compared with them")
            return
        try:
            contents = read_bytes(record, 4 * MIB)
            hashes = parse_json(contents)["sha256"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            yield finding(record, "chain", f"cannot be read: {why(error)}")
            return
        if (digest := hashlib.sha256(contents).hexdigest()) != origin.validation_sha256:
            yield finding(
                record,
                "chain",
                f"SHA-256 {digest}",
                allowed=f"{origin.validation_sha256}, as when the tree was written",
            )
        for path, name in self._copies():
            if path.is_file() and name in hashes and (found := content_hash(path)) != hashes[name]:
                yield self._finding(path, "chain", f"SHA-256 {found}", f"{hashes[name]}, of {folder / name}")
        for name in (
            "performance/request.json",
            "performance/response.json",
            "accuracy/request.json",
            "accuracy/response.json",
        ):
            if _bytes_hash(folder / name) != hashes.get(name):
                yield finding(folder / name, "chain", "not what it was when the run ended", allowed="as it was then")
                return
        try:
            point = read_point(folder)
        except SubmissionError as error:
            yield finding(record, "chain", error.message)
            return
        readme = self._measurements / "README.md"
        yield from check_readme(
            self._tree, readme, point, self._scenario, self._system, self._round, self._source.parent
        )
        yield from check_measurements_claims(self._tree, self._types, point)
        yield from check_requests(self._tree, self._source, point)

    def _copies(self) -> Iterator[tuple[Path, str]]:
        for name in LOGS:
            yield self._performance / name, f"performance/performance/{name}"
            yield self._accuracy / name, f"accuracy/accuracy/{name}"
        yield self._complete_path, f"accuracy/accuracy/{ACCURACY_LOG}"
        yield self._measurements / "user.conf", "user.conf"
        yield self._model_file, f"model{self._model_file.suffix}"

    @property
    def _model_file(self) -> Path:
        """The model of the tree, whose kind its requests say."""
        named = Path(str(self._in_request("performance", "model_path"))).suffix
        return self._source / f"{self._model}{named if named in MODEL_SUFFIXES else MODEL_SUFFIXES[0]}"

    def _in_request(self, run: str, place: str) -> Any:
        try:
            found = read_json(self._source / run / "request.json", MIB)
            for name in place.split("."):
                found = found[name]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found

    @cached_property
    def _performance_log(self) -> DetailLog:
        return _log(self._performance)

    @cached_property
    def _accuracy_log(self) -> DetailLog:
        return _log(self._accuracy)


def _log(folder: Path) -> DetailLog:
    """The detail log; one without values where it cannot be read, which another rule says."""
    try:
        return read_detail_log(folder / DETAIL)
    except SubmissionError:
        return DetailLog({}, ())


def _bytes(path: Path) -> bytes | None:
    try:
        return read_bytes(path)
    except (OSError, ValueError):
        return None


def _bytes_hash(path: Path) -> str | None:
    contents = _bytes(path)
    return None if contents is None else hashlib.sha256(contents).hexdigest()


@lru_cache(2)
def _count(complete: bytes, labels: Labels, scenario: object) -> Accuracy:
    """`count_again`, once for the scenarios that are derived from the same run."""
    return count_again(complete, labels, scenario)


class _LabelsError(Exception):
    """Why there are no labels that can be believed."""
