"""The search-space file as pydantic models: what may be written, and its defaults. The JSON Schema comes from here."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from dse.core.metrics import DEFAULT_OBJECTIVES, METRICS, Direction, parse_constraint, parse_metric
from dse.durations import parse_duration

SCHEMA = 1
Sampler = Literal["auto", "surrogate", "tpe", "nsga2", "nsga3", "gp", "random", "grid"]


def _duration(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


def _constraint(value: str) -> str:
    parse_constraint(value)
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
            raise ValueError(f"the objective {name!r} stands here twice")
        named[metric.name] = metric.direction if direction is None else direction
    return named


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
_OBJECTIVES_SCHEMA = {
    "type": "array",
    "minItems": 1,
    "items": {
        "anyOf": [
            {"enum": list(METRICS)},
            {
                "type": "object",
                "maxProperties": 1,
                "minProperties": 1,
                "propertyNames": {"enum": list(METRICS)},
                "additionalProperties": {"enum": ["maximize", "minimize"]},
            },
        ]
    },
    "default": list(DEFAULT_OBJECTIVES),
}
_DURATION_SCHEMA = {"type": ["string", "number"], "description": "Seconds, or a number with ms, s, m or h: 500ms, 45m."}

Duration = Annotated[float, BeforeValidator(_duration), Field(gt=0), WithJsonSchema(_DURATION_SCHEMA)]
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
Name = Annotated[str, Field(pattern=f"^{NAME}$", max_length=200)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Interpolation = Literal["nearest", "bilinear", "bicubic", "area", "lanczos"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class PreprocessingSection(_Section):
    """How an image becomes the model's input. The defaults are MLPerf's OpenCV recipe of 2021."""

    crop_percent: float = Field(87.5, gt=0, le=100)
    interpolation: Interpolation = "bilinear"
    mean: float = Field(127.5)
    scale: float = Field(127.5, gt=0)


class DataSetSection(_Section):
    """Labelled images: embedded in the package, one .npz file, or a folder with a label list. One of the three."""

    embedded: Literal["fashion_mnist"] | None = None
    file: str | None = None
    images: str | None = None
    labels: str | None = None
    name: Name | None = None
    classes: int | None = Field(None, ge=2)
    preprocessing: PreprocessingSection = PreprocessingSection()

    @model_validator(mode="after")
    def _one_source(self) -> DataSetSection:
        given = [key for key in ("embedded", "file", "images") if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(f"found {' and '.join(given) or 'no source'}, expected one of embedded, file, images")
        if (self.images is None) != (self.labels is None):
            raise ValueError(
                "images and labels belong together: a folder, and a file with a line 'NAME CLASS' per image"
            )
        return self


class ModelSection(_Section):
    """Where models come from: the embedded zoo, a file, a pattern of files, or a URL. One of these.

    A URL without sha256 gets the one of its first download, which is recorded in checksums.json beside the space (in
    the cache folder where that cannot be written) and enforced from then on.
    """

    zoo: Literal["mobilenet_v3"] | None = None
    path: str | None = None
    glob: str | None = None
    url: str | None = Field(None, pattern=r"^https?://")
    sha256: Sha256 | None = None
    member: str | None = Field(None, description="The .tflite file inside the archive that the URL names.")
    preprocessing: PreprocessingSection | None = Field(
        None, description="Settings of these models: each one that is given stands in place of the data set's."
    )

    @model_validator(mode="after")
    def _one_source(self) -> ModelSection:
        given = [key for key in ("zoo", "path", "glob", "url") if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(f"found {' and '.join(given) or 'no source'}, expected one of zoo, path, glob, url")
        if self.url is None and self.member is not None:
            raise ValueError("member is only for a url that names an archive")
        if self.sha256 is not None and given[0] not in ("path", "url"):
            raise ValueError("sha256 is only for path and url")
        return self


class RuntimeSection(_Section):
    """A runtime: which engine, and the Python interpreter that has it when it is not dse's own."""

    engine: Literal["litert", "tflite-runtime"] = "litert"
    python: str | None = None


class ExploreSection(_Section):
    """How long a measurement of the search runs."""

    min_duration: Duration = 0.5
    min_query_count: int = Field(
        100, ge=64, le=10**9, description="LoadGen's early stopping needs 64 for a p90 estimate."
    )
    accuracy_images: int | None = Field(None, ge=1, description="Images for accuracy; all of them when not given.")
    trial_timeout: Duration = 120.0


class FidelitySection(_Section):
    """How long measurements run, by purpose."""

    explore: ExploreSection = ExploreSection()


class BudgetSection(_Section):
    """What a search may spend when the command line does not say: device time, trials, or both."""

    time: Duration | None = None
    trials: int | None = Field(None, ge=1)


MEASURED_BY = ("data_set", "models", "runtimes", "fidelity")
"""Sections that say how to measure, in place of which ``replay`` may stand."""


class SpaceFile(_Section):
    """A dse search space: models, images and runtimes to measure, or a table of what was measured."""

    schema_: Literal[1] = Field(alias="schema")
    name: Name
    description: str = ""
    replay: str | None = Field(
        None,
        description="A replay table (CSV): recorded measurements in place of models, images and a device.",
    )
    data_set: DataSetSection | None = None
    models: dict[Name, ModelSection] = Field({}, min_length=1)
    runtimes: dict[Name, RuntimeSection] = {"litert": RuntimeSection()}
    parameters: dict[Any, Any] = {}
    objectives: Annotated[dict[str, Direction], BeforeValidator(_objectives), WithJsonSchema(_OBJECTIVES_SCHEMA)] = {
        name: METRICS[name].direction for name in DEFAULT_OBJECTIVES
    }
    constraints: list[Annotated[str, AfterValidator(_constraint)]] = []
    fidelity: FidelitySection = FidelitySection()
    budget: BudgetSection = BudgetSection()
    sampler: Sampler = "auto"
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
