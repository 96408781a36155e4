"""The fields of the two descriptions that a submission carries, and those that must not be empty."""

from __future__ import annotations

import re

SYSTEM_FIELDS = (
    "division",
    "submitter",
    "status",
    "system_name",
    "system_type",
    "system_type_detail",
    "number_of_nodes",
    "host_processor_model_name",
    "host_processors_per_node",
    "host_processor_core_count",
    "host_processor_frequency",
    "host_processor_caches",
    "host_processor_interconnect",
    "host_memory_capacity",
    "host_memory_configuration",
    "host_storage_capacity",
    "host_storage_type",
    "host_networking",
    "host_networking_topology",
    "host_network_card_count",
    "accelerators_per_node",
    "accelerator_model_name",
    "accelerator_memory_capacity",
    "accelerator_memory_configuration",
    "accelerator_frequency",
    "accelerator_host_interconnect",
    "accelerator_interconnect",
    "accelerator_interconnect_topology",
    "accelerator_on-chip_memories",
    "framework",
    "operating_system",
    "other_software_stack",
    "cooling",
    "hw_notes",
    "sw_notes",
)
"""The 35 fields of systems/<system>.json."""

MAY_BE_EMPTY = frozenset(
    {
        "host_processor_frequency",
        "host_processor_caches",
        "host_processor_interconnect",
        "accelerator_frequency",
        "accelerator_interconnect_topology",
        "accelerator_on-chip_memories",
        "hw_notes",
        "sw_notes",
        "system_type_detail",
    }
)

FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""A system's id and a submitter's name: both become folders."""
FOLDER_NAMES = "letters, digits, dot, dash and underscore, none but a letter or digit first, 100 at most"

STATUSES = ("available", "preview", "rdi")
SYSTEM_TYPES = ("edge", "datacenter", "datacenter,edge", "edge,datacenter")

MEASUREMENT_FIELDS = (
    "input_data_types",
    "weight_data_types",
    "retraining",
    "starting_weights_filename",
    "weight_transformations",
)
"""The five fields of measurements.json, none of them empty."""
