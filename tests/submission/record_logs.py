"""Make the recorded logs of tests/submission/recorded: LoadGen by its own rules, over a system that sleeps.

By hand, once per round, with an interpreter that has the round's mlcommons-loadgen wheel:

    python tests/submission/record_logs.py v6.1 tests/submission/recorded

The performance run takes the 600 s that the rules ask for. Each run has a process of its own, as the rules of
FromConfig ask. The figures mean nothing; form, seeds, durations and early stopping are LoadGen's.
"""

import argparse
import array
import multiprocessing
import random
import time
from pathlib import Path

import mlperf_loadgen as loadgen

SAMPLES = 1_200
BUFFER_SIZE = 1_024
LATENCY_S = 0.010
TARGET_LATENCY_MS = 8
"""Under the real latency, so that LoadGen generates queries enough for 600 s."""

USER_CONF = f"""\
resnet50.SingleStream.target_latency = {TARGET_LATENCY_MS}
resnet50.SingleStream.performance_sample_count_override = {BUFFER_SIZE}
"""


def prediction(index: int) -> int:
    """What the system answers for image ``index``, whose right class is ``index % 10``: right about every other."""
    return index % 10 if random.Random(index).random() < 0.5 else (index + 1) % 10


def run(mode: str, user_conf: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    settings = loadgen.TestSettings()
    if settings.FromConfig(str(user_conf), "resnet50", "SingleStream", 1) != 0:
        raise SystemExit(f"{user_conf}: LoadGen does not read it")
    settings.scenario = loadgen.TestScenario.SingleStream
    settings.mode = getattr(loadgen.TestMode, mode)

    def issue(samples: list[loadgen.QuerySample]) -> None:
        if mode == "PerformanceOnly":
            time.sleep(LATENCY_S)
        for sample in samples:
            data = array.array("f", [prediction(sample.index)])
            address, _ = data.buffer_info()
            loadgen.QuerySamplesComplete([loadgen.QuerySampleResponse(sample.id, address, data.itemsize)])

    output = loadgen.LogOutputSettings()
    output.outdir = str(folder)
    logs = loadgen.LogSettings()
    logs.enable_trace = False
    logs.log_output = output
    sut = loadgen.ConstructSUT(issue, lambda: None)
    qsl = loadgen.ConstructQSL(SAMPLES, BUFFER_SIZE, lambda _: None, lambda _: None)
    loadgen.StartTestWithLogSettings(sut, qsl, settings, logs)
    loadgen.DestroyQSL(qsl)
    loadgen.DestroySUT(sut)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("round")
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    folder = arguments.folder / arguments.round
    folder.mkdir(parents=True)
    user_conf = folder / "user.conf"
    user_conf.write_text(USER_CONF)
    context = multiprocessing.get_context("spawn")
    for mode, name in (("AccuracyOnly", "accuracy"), ("PerformanceOnly", "performance")):
        process = context.Process(target=run, args=(mode, user_conf, folder / name))
        process.start()
        process.join()
        if process.exitcode != 0:
            raise SystemExit(f"{mode} ended with {process.exitcode}")


if __name__ == "__main__":
    main()
