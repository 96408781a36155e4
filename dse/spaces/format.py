"""The search-space file as pydantic models: what may be written, and its defaults. The JSON Schema comes from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from dse_harness.engines import ENGINES
from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema

from dse.core.indifference import parse_indifference
from dse.core.metrics import DEFAULT_OBJECTIVES, METRICS, Direction, parse_constraint, parse_metric
from dse.durations import parse_duration
from dse.models import MODEL_SOURCES, ModelSection
from dse.samplers.registry import AUTO, is_sampler, sampler_names
from dse.sections import Name, Section, one_of
from dse.spaces.data_sets import DATA_SETS, DataSetSection

SCHEMA = 1


def _duration(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


def _constraint(value: str) -> str:
    parse_constraint(value)
    return value


def _engine(value: str) -> str:
    if value not in ENGINES:
        raise ValueError(f"found {value!r}, allowed: {', '.join(ENGINES)}")
    return value


def _sampler(value: str) -> str:
    if not is_sampler(value):
        raise ValueError(f"found {value!r}, allowed: {', '.join(sampler_names())}")
    return value


def _objectives(value: Any) -> Any:
    if not isinstance(value, list) or not value:
        found = "an empty list" if value == [] else repr(value)
        raise ValueError(f"found {found}, expected a list of metrics, allowed: {', '.join(METRICS)}")
    named: dict[str, Direction] = {}
    for item in value:
        name, direction = next(iter(item.items())) if isinstance(item, dict) and len(item) == 1 else (item, None)
        metric = parse_metric(str(name))
        if name in named:
            raise ValueError(f"duplicate objective {name!r}")
        named[metric.name] = metric.direction if direction is None else direction
    return named


def _indifference(value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"found {value!r}, expected metrics with a share each, such as latency_p90_ns: 3%")
    return {name: parse_indifference(written, parse_metric(str(name))) for name, written in value.items()}


_LEVEL = {"type": ["string", "number", "boolean"]}
_TREE_SCHEMA = {
    "type": "object",
    "description": "Parameter names with their levels; a level may open further parameters.",
    "additionalProperties": {
        "anyOf": [
            {"type": "array", "items": _LEVEL, "minItems": 1, "uniqueItems": True},
            {
                "type": "object",
                "additionalProperties": {"anyOf": [{"type": "null"}, {"$ref": "#/properties/parameters"}]},
            },
        ]
    },
}


class _IndifferenceSchema:
    """The JSON Schema of an indifference, with the metrics that there are when it is asked for."""

    def __get_pydantic_json_schema__(self, _: CoreSchema, __: GetJsonSchemaHandler) -> dict[str, Any]:
        share = {"type": ["string", "number"], "pattern": r"^ *[0-9]+(\.[0-9]+)? *%? *$", "minimum": 0}
        return {
            "type": "object",
            "description": "What difference in an objective does not matter: latency_p90_ns: 3%, accuracy: 0.1%.",
            "propertyNames": {"enum": list(METRICS)},
            "additionalProperties": share,
        }


class _ObjectivesSchema:
    """The JSON Schema of objectives, with the metrics that there are when it is asked for."""

    def __get_pydantic_json_schema__(self, _: CoreSchema, __: GetJsonSchemaHandler) -> dict[str, Any]:
        metric = {"enum": list(METRICS)}
        directed = {
            "type": "object",
            "maxProperties": 1,
            "minProperties": 1,
            "propertyNames": metric,
            "additionalProperties": {"enum": ["maximize", "minimize"]},
        }
        items = {"anyOf": [metric, directed]}
        return {"type": "array", "minItems": 1, "items": items, "default": list(DEFAULT_OBJECTIVES)}


_DURATION_SCHEMA = {"type": ["string", "number"], "description": "Seconds, or a number with ms, s, m or h: 500ms, 45m."}

Duration = Annotated[float, BeforeValidator(_duration), Field(gt=0), WithJsonSchema(_DURATION_SCHEMA)]

if TYPE_CHECKING:
    ModelKind: TypeAlias = ModelSection
    DataSetKind: TypeAlias = DataSetSection
else:
    ModelKind, DataSetKind = one_of(MODEL_SOURCES), one_of(DATA_SETS)


class RuntimeSection(Section):
    """A runtime: which engine, and the Python interpreter that has it when it is not dse's own."""

    engine: Annotated[str, AfterValidator(_engine)] = Field(
        "litert", json_schema_extra=lambda schema: schema.update(enum=list(ENGINES))
    )
    python: str | None = None


class ExploreSection(Section):
    """How long a measurement of the search runs."""

    min_duration: Duration = 0.5
    least_duration: Duration | None = Field(
        0.1,
        description="A fast model's run ends after so long, with min_query_count queries; a slow one may take "
        "min_duration for them. Null: each run lasts min_duration.",
    )
    min_query_count: int = Field(
        100, ge=64, le=10**9, description="LoadGen's early stopping needs 64 for a p90 estimate."
    )
    accuracy_images: int | None = Field(None, ge=1, description="Images for accuracy; all of them when not given.")
    trial_timeout: Duration = 120.0


class FidelitySection(Section):
    """How long measurements run, by purpose."""

    explore: ExploreSection = ExploreSection()


class BudgetSection(Section):
    """What a search may spend when the command line does not say: device time, trials, or both."""

    time: Duration | None = None
    trials: int | None = Field(None, ge=1)


MEASURED_BY = ("data_set", "models", "runtimes", "fidelity")
"""Sections that say how to measure, in place of which ``replay`` may stand."""


class SpaceFile(Section):
    """A dse search space: models, images and runtimes to measure, or a table of what was measured."""

    schema_: Literal[1] = Field(alias="schema")
    name: Name
    description: str = ""
    replay: str | None = Field(
        None,
        description="A replay table (CSV): recorded measurements in place of models, images and a device.",
    )
    data_set: DataSetKind | None = None
    models: dict[Name, ModelKind] = Field({}, min_length=1)
    runtimes: dict[Name, RuntimeSection] = Field({"litert": RuntimeSection()})
    parameters: dict[Any, Any] = Field({})
    objectives: Annotated[dict[str, Direction], BeforeValidator(_objectives), _ObjectivesSchema()] = Field(
        {name: METRICS.get(name).direction for name in DEFAULT_OBJECTIVES}
    )
    constraints: list[Annotated[str, AfterValidator(_constraint)]] = Field([])
    indifference: Annotated[dict[str, float], BeforeValidator(_indifference), _IndifferenceSchema()] = Field({})
    fidelity: FidelitySection = FidelitySection()
    budget: BudgetSection = BudgetSection()
    sampler: Annotated[str, AfterValidator(_sampler)] = Field(
        AUTO, json_schema_extra=lambda schema: schema.update(enum=list(sampler_names()))
    )
    seed: int = Field(0, ge=0, lt=2**32)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a search-space file, for editors."""
    schema = SpaceFile.model_json_schema(by_alias=True)
    schema["properties"]["parameters"] = _TREE_SCHEMA  # refers to itself, which pydantic cannot write
    schema["oneOf"] = [
        {"required": ["data_set", "models"], "properties": {"replay": {"type": "null"}}},
        {"required": ["replay"], "not": {"anyOf": [{"required": [section]} for section in MEASURED_BY]}},
    ]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
