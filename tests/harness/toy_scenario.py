"""A scenario of another distribution: all samples in one query, as LoadGen's Offline has it."""

from __future__ import annotations

import mlperf_loadgen as lg
from dse_harness.protocol import MetricValue


class Batch:
    scenario = lg.TestScenario.Offline

    def settings(self, settings, spec, invoke_ns, batch_size=1):
        settings.offline_expected_qps = 1e9 / invoke_ns

    def issuer(self, answer):
        def issue(ids, indices):
            for sample_id, index in zip(ids, indices, strict=True):
                answer(sample_id, index)

        return issue

    def performance(self, values, warnings):
        return None

    def metrics(self, values):
        return {"samples_per_s": MetricValue(values["result_samples_per_second"], "1/s")}
