"""What an MLflow server says, as typed frozen records; nothing inside the product handles its JSON."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from integrations.errors import IntegrationError

KEY_TAG = "stagegate.key"
PARENT_TAG = "mlflow.parentRunId"
MODEL_FORMAT_TAG = "stagegate.model_format"
SEMVER_TAGS = ("model_version", "semver")

Record = TypeVar("Record")


@dataclass(frozen=True)
class ExperimentRecord:
    """An MLflow experiment. Times are milliseconds since the epoch."""

    experiment_id: str
    name: str
    artifact_location: str
    lifecycle_stage: str
    creation_time: int
    last_update_time: int
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MetricPoint:
    """One value of one metric. `timestamp` in milliseconds since the epoch; NaN and infinity allowed."""

    key: str
    value: float
    timestamp: int
    step: int = 0


@dataclass(frozen=True)
class MetricHistory:
    """The points of one metric by step; `truncated` when the server held more than was asked for."""

    points: tuple[MetricPoint, ...]
    truncated: bool


@dataclass(frozen=True)
class DatasetInput:
    """A data set that a run says it used (`mlflow.log_input`). `context` is what for, such as training."""

    name: str
    digest: str
    source_type: str
    source: str
    context: str


@dataclass(frozen=True)
class RunRecord:
    """An MLflow run with its parameters, tags and the latest point of each metric."""

    run_id: str
    experiment_id: str
    name: str
    status: str
    start_time: int
    end_time: int | None
    user: str
    artifact_uri: str
    lifecycle_stage: str
    params: Mapping[str, str]
    latest_points: tuple[MetricPoint, ...]
    tags: Mapping[str, str]
    inputs: tuple[DatasetInput, ...] = ()

    @property
    def metrics(self) -> dict[str, float]:
        """Latest value by metric name."""
        return {point.key: point.value for point in self.latest_points}

    @property
    def parent(self) -> str | None:
        """Run id of the parent run, if this one is nested."""
        return self.tags.get(PARENT_TAG) or None


@dataclass(frozen=True)
class RunPage:
    """One page of a search; `next_page_token` is `None` on the last one."""

    runs: tuple[RunRecord, ...]
    next_page_token: str | None


@dataclass(frozen=True)
class RegisteredModelRecord:
    """A registered model; `aliases` maps the alias to MLflow's version number."""

    name: str
    description: str
    creation_time: int
    last_update_time: int
    tags: Mapping[str, str]
    aliases: Mapping[str, int]


@dataclass(frozen=True)
class ModelVersionRecord:
    """A version of a registered model; `stage` is one of None, Staging, Production, Archived."""

    name: str
    version: int
    stage: str
    status: str
    run_id: str
    source: str
    description: str
    creation_time: int
    last_update_time: int
    tags: Mapping[str, str]
    aliases: tuple[str, ...]


@contextmanager
def understood() -> Iterator[None]:
    """Turn an answer of unexpected shape into a permanent `IntegrationError`."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise IntegrationError(
            f"The MLflow server answered in an unexpected form ({type(error).__name__}: {error}).",
            permanent=True,
        ) from error


def all_of(items: list[Any] | None, parse: Callable[[Any], Record]) -> tuple[Record, ...]:
    """Parse every item of a JSON list; MLflow leaves empty lists out."""
    with understood():
        return tuple(parse(item) for item in items or ())


def experiment(raw: Mapping[str, Any]) -> ExperimentRecord:
    """Parse one experiment."""
    return ExperimentRecord(
        experiment_id=str(raw["experiment_id"]),
        name=str(raw["name"]),
        artifact_location=str(raw.get("artifact_location", "")),
        lifecycle_stage=str(raw.get("lifecycle_stage", "active")),
        creation_time=int(raw.get("creation_time", 0)),
        last_update_time=int(raw.get("last_update_time", 0)),
        tags=_pairs(raw.get("tags")),
    )


def run(raw: Mapping[str, Any]) -> RunRecord:
    """Parse one run with its data."""
    info = raw["info"]
    data = raw.get("data", {})
    tags = _pairs(data.get("tags"))
    return RunRecord(
        run_id=str(info["run_id"]),
        experiment_id=str(info["experiment_id"]),
        name=str(info.get("run_name") or tags.get("mlflow.runName", "")),
        status=str(info["status"]),
        start_time=int(info.get("start_time", 0)),
        end_time=int(info["end_time"]) if info.get("end_time") else None,
        user=str(tags.get("mlflow.user") or info.get("user_id", "")),
        artifact_uri=str(info.get("artifact_uri", "")),
        lifecycle_stage=str(info.get("lifecycle_stage", "active")),
        params=_pairs(data.get("params")),
        latest_points=tuple(point(item) for item in data.get("metrics", ())),
        tags=tags,
        inputs=tuple(dataset_input(item) for item in raw.get("inputs", {}).get("dataset_inputs", ())),
    )


def dataset_input(raw: Mapping[str, Any]) -> DatasetInput:
    """Parse one data set that a run used."""
    dataset, tags = raw["dataset"], _pairs(raw.get("tags"))
    return DatasetInput(
        name=str(dataset.get("name", "")),
        digest=str(dataset.get("digest", "")),
        source_type=str(dataset.get("source_type", "")),
        source=str(dataset.get("source", "")),
        context=tags.get("mlflow.data.context", ""),
    )


def point(raw: Mapping[str, Any]) -> MetricPoint:
    """Parse one metric point."""
    return MetricPoint(
        key=str(raw["key"]),
        value=decoded_value(raw["value"]),
        timestamp=int(raw.get("timestamp", 0)),
        step=int(raw.get("step", 0)),
    )


def decoded_value(raw: float | str) -> float:
    """Metric value from JSON, where NaN is the string "NaN".

    MLflow's SQL store keeps an infinity as the largest double; read back as infinity, because a
    diverged loss is the only thing that reaches that number.
    """
    value = float(raw)
    return math.copysign(math.inf, value) if abs(value) == sys.float_info.max else value


def encoded_value(value: float) -> float | str:
    """Metric value for JSON. A bare NaN in the body makes MLflow log 0.0 at time 0, silently."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return float(value)


def registered_model(raw: Mapping[str, Any]) -> RegisteredModelRecord:
    """Parse one registered model."""
    return RegisteredModelRecord(
        name=str(raw["name"]),
        description=str(raw.get("description", "")),
        creation_time=int(raw.get("creation_timestamp", 0)),
        last_update_time=int(raw.get("last_updated_timestamp", 0)),
        tags=_pairs(raw.get("tags")),
        aliases={str(item["alias"]): int(item["version"]) for item in raw.get("aliases", ())},
    )


def model_version(raw: Mapping[str, Any]) -> ModelVersionRecord:
    """Parse one model version."""
    return ModelVersionRecord(
        name=str(raw["name"]),
        version=int(raw["version"]),
        stage=str(raw.get("current_stage") or "None"),
        status=str(raw.get("status", "")),
        run_id=str(raw.get("run_id", "")),
        source=str(raw.get("source", "")),
        description=str(raw.get("description", "")),
        creation_time=int(raw.get("creation_timestamp", 0)),
        last_update_time=int(raw.get("last_updated_timestamp", 0)),
        tags=_pairs(raw.get("tags")),
        aliases=tuple(sorted(str(alias) for alias in raw.get("aliases", ()))),
    )


def _pairs(items: Any) -> dict[str, str]:
    return {str(item["key"]): str(item.get("value", "")) for item in items or ()}
