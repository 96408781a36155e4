"""One published result as one flat row, put together from the parts that its files give."""

from __future__ import annotations

from dataclasses import dataclass

from dse.results import columns
from dse.results.importing.design import Design, Software
from dse.results.importing.summary import Summary
from dse.results.importing.walk import Identity


@dataclass(frozen=True, slots=True)
class Labels:
    """Names to group and filter by. ``name`` is ``<task>-<category>-<scenario>``, for example
    ``image-classification-edge-singlestream``; ``category_declared`` is false where the category was deduced."""

    name: str
    task: str
    category: str
    category_declared: bool


@dataclass(frozen=True, slots=True)
class AccuracyColumns:
    """See `dse.results.importing.accuracy.Accuracy`."""

    accuracy: float | None = None
    accuracy_metric: str | None = None
    accuracy_text: str | None = None
    good: int | None = None
    total: int | None = None
    accuracy_log_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Performance:
    """The figure a round publishes for the directory's scenario, and its spread over the runs.

    ``performance`` is in tokens for language models; ``throughput`` in samples for all, per second by the rules: of a
    SingleStream log in an Offline directory it is the queries per second without LoadGen's overhead;
    ``throughput_source`` names the summary's key.
    """

    run: str
    runs: int
    performance: float | None
    performance_unit: str | None
    perf_min_over_runs: float | None
    perf_max_over_runs: float | None
    throughput: float | None
    throughput_source: str | None


@dataclass(frozen=True, slots=True)
class SystemColumns:
    """The system as its JSON describes it: text, exactly as published, since rounds mix words and numbers."""

    system_name: str | None = None
    status: str | None = None
    system_type: str | None = None
    number_of_nodes: str | None = None
    host_processors_per_node: str | None = None
    host_processor_model_name: str | None = None
    host_processor_core_count: str | None = None
    host_processor_frequency: str | None = None
    host_memory_capacity: str | None = None
    accelerators_per_node: str | None = None
    accelerator_model_name: str | None = None
    framework: str | None = None
    operating_system: str | None = None
    other_software_stack: str | None = None
    cooling: str | None = None
    hw_notes: str | None = None
    sw_notes: str | None = None
    system_json: str | None = None


@dataclass(frozen=True, slots=True)
class MeasurementsColumns:
    """The five keys of the measurements file, as text."""

    input_data_types: str | None = None
    weight_data_types: str | None = None
    retraining: str | None = None
    starting_weights_filename: str | None = None
    weight_transformations: str | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the row comes from: the result directory, SHA-256 of the official run's summary and of accuracy.txt.

    ``missing`` lists expected files that are not there, ``signature`` is how a second import sees that nothing changed
    (empty when a file was unreadable, so that it is tried again).
    """

    path: str
    sha256: str
    accuracy_sha256: str | None
    missing: str
    signature: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table ``results`` without its details."""

    identity: Identity
    labels: Labels
    software: Software
    design: Design
    accuracy: AccuracyColumns
    performance: Performance
    summary: Summary
    system: SystemColumns
    measurements: MeasurementsColumns
    provenance: Provenance

    def published(self) -> bytes:
        """The columns in the order of `ROW_COLUMNS` as a JSON object, but for ``path`` and ``signature``.

        What many rows share is written once.
        """
        own, shared = columns.json_members, columns.shared_json_members
        files = self.provenance
        checksums = {"sha256": files.sha256, "accuracy_sha256": files.accuracy_sha256, "missing": files.missing}
        parts = (
            own(self.identity),
            shared(self.labels),
            shared(self.software),
            shared(self.design),
            own(self.accuracy, self.performance, self.summary),
            shared(self.system),
            shared(self.measurements),
            columns.to_json(checksums)[1:-1],
        )
        return b"{" + b",".join(parts) + b"}"


@dataclass(frozen=True, slots=True)
class Details:
    """What only the detail and power logs say; rates come with the six digits that the detail log prints.

    ``energy_per_query_j`` is for SingleStream logs, ``avg_power_w`` the average between power_begin and power_end.
    """

    loadgen_version: str | None = None
    test_datetime: str | None = None
    qsl_name: str | None = None
    qsl_total_count: int | None = None
    query_count: int | None = None
    generated_query_count: int | None = None
    target_latency_percentile: float | None = None
    result_qps_with_loadgen_overhead: float | None = None
    result_p90_latency_ns: int | None = None
    result_validity: str | None = None
    power_begin: str | None = None
    power_end: str | None = None
    power_samples: int | None = None
    avg_power_w: float | None = None
    energy_per_query_j: float | None = None
    error_messages: str | None = None
    detail_sha256: str | None = None
    detail_signature: str = ""


IDENTITY_COLUMNS = tuple(columns.sql_columns(Identity))
ROW_COLUMNS = columns.sql_columns(
    Identity,
    Labels,
    Software,
    Design,
    AccuracyColumns,
    Performance,
    Summary,
    SystemColumns,
    MeasurementsColumns,
    Provenance,
)
DETAIL_COLUMNS = columns.sql_columns(Details)
