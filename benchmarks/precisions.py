"""What each precision of models of one's own gives: accuracy, p90 and size, and which are refused and why.

    python benchmarks/precisions.py IMAGES LABELS MODEL... [--studies DIR] [--pixels -1..1]

For each model one command without a YAML, ``dse explore MODEL --images IMAGES --labels LABELS --trials 1000``; a study
that is there already is gone on with. A row is a precision with an engine, kernels and one thread. Prints Markdown,
asserts nothing. A p90 with an asterisk did not get the processor that it asked for, or was excluded for another reason:
it was not measured quietly.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dse
from dse.core.measurement import Measurement
from dse.study import Study

_HEAD = """\
| model | precision | engine | top-1 % | images | p90 ms | MB | refused |
| --- | --- | --- | --: | --: | --: | --: | --- |"""


def explored(model: Path, arguments: argparse.Namespace) -> Study:
    command = [sys.executable, "-m", "dse", "explore", str(model), "--images", arguments.images, "--labels"]
    command += [arguments.labels, "--studies", str(arguments.studies), "--trials", "1000"]
    command += ["--pixels", arguments.pixels] if arguments.pixels else []
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)  # where nothing counts, its exit status says so
    return dse.open_study(arguments.studies / model.stem)


def rows(model: Path, study: Study) -> Iterator[str]:
    """A row for each way to run it with one thread: its latest trial, with the accuracy on most images."""
    found: dict[tuple[str, str, str], Measurement] = {}
    for measured in study.measurements:
        way = measured.configuration
        if way.get("threads", 1) == 1:
            engine = str(way.get("runtime", next(iter(study.space.runtimes))))
            found[str(way.get("precision", "as it is")), engine, str(way.get("delegate", ""))] = measured
    starved = {trial for trial, reasons in study.analysis.exclusions.reasons.items() if reasons}
    for (precision, engine, delegate), measured in sorted(found.items()):
        head = f"| {model.stem} | {precision} | {f'{engine} {delegate}'.strip()} |"
        failure, info, accuracy = measured.response.failure, measured.response.model, measured.accuracy
        if failure is not None or info is None or accuracy is None:
            said = failure.message.replace(str(model), "") if failure else "not measured"
            yield f"{head} | | | | {said.lstrip(': ').replace('|', '/')} |"
            continue
        p90 = f"{measured.values['latency_p90_ns'] / 1e6:.2f}{'*' if measured.trial in starved else ''}"
        top1 = 100 * accuracy.good / accuracy.total
        yield f"{head} {top1:.1f} | {accuracy.total} | {p90} | {info.file_bytes / 1e6:.2f} | |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images")
    parser.add_argument("labels")
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--studies", type=Path, default=Path("studies"))
    parser.add_argument("--pixels")
    arguments = parser.parse_args()
    print(_HEAD)
    for model in arguments.models:
        print("\n".join(rows(model, explored(model, arguments))), flush=True)


if __name__ == "__main__":
    main()
