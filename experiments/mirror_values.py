"""Rules: what MLflow says of an experiment or a run, as values that our columns accept. No database.

Everything here comes from programs that anybody may have written: a text may be longer than a column, hold
what a database cannot store, or a time may lie beyond the calendar. Nothing of it may stop the mirror, so
such values are cut or left out, and one function per column kind says how.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from experiments.stored_text import text
from integrations.mlflow_records import DatasetInput, ExperimentRecord, MetricPoint, RunRecord

LIVE_STATUSES = frozenset({"RUNNING", "SCHEDULED"})
TERMINAL_STATUSES = frozenset({"FINISHED", "FAILED", "KILLED"})
MAX_KEY = 250
MAX_FILTER_VALUE = 250
MAX_INPUTS = 100
_MAX_SOURCE = 500

# In every digest: raise it when more or other things are stored, and every run is written anew.
_FORMAT = 4

_LONGEST_NUMBER = 40
_WHOLE_HASH = re.compile(r"[0-9a-f]{32,128}(\.dir)?")
# What ids of nodes keep for themselves, see `lineage.node_ids`.
_NO_PART_OF_A_KEY = re.compile(r"[\s@]")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Some centuries before the end of the calendar, so that no time zone can lead beyond it.
_LAST_MILLISECOND = int((datetime(9000, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds() * 1000)


@dataclass(frozen=True)
class RunValues:
    """One run as it is stored.

    :ivar columns: values of the `Run` row by column, `digest` included, without experiment and `seen_at`
    :ivar latest: value of each metric that gets a `RunMetric` row; None stands for NaN and infinity
    :ivar params: text and number (None if it is none) of each parameter that gets a `RunParam` row
    :ivar tags: text of each tag that gets a `RunTag` row
    :ivar data: name of each data set that gets a `RunInput` row
    :ivar series_digest: changes whenever the histories of the run's metrics may have changed
    """

    columns: dict[str, Any]
    latest: dict[str, float | None]
    params: dict[str, tuple[str, float | None]]
    tags: dict[str, str]
    data: dict[str, str]
    series_digest: str

    @property
    def run_id(self) -> str:
        """MLflow's id of the run."""
        return str(self.columns["run_id"])

    @property
    def digest(self) -> str:
        """Hash of all columns: equal means that nothing has to be written."""
        return str(self.columns["digest"])


def texts(pairs: Mapping[str, str]) -> dict[str, str]:
    """Return `pairs` with keys and values as `text` gives them."""
    return {text(key): text(value) for key, value in pairs.items()}


def moment(milliseconds: int | None) -> datetime | None:
    """Return the time `milliseconds` after the epoch; None if there is none or the calendar has no such."""
    if not milliseconds or not 0 < milliseconds < _LAST_MILLISECOND:
        return None
    return _EPOCH + timedelta(milliseconds=milliseconds)


def number(value: float) -> float | str:
    """Return `value` for a JSON column: JSON has no NaN and no infinity, so they become their names."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def experiment_columns(record: ExperimentRecord) -> dict[str, Any]:
    """Return the values of the `Experiment` row."""
    return {
        "experiment_id": record.experiment_id,
        "name": text(record.name, 500),
        "lifecycle_stage": text(record.lifecycle_stage, 10),
        "tags": texts(record.tags),
        "created_at": moment(record.creation_time),
    }


def run_values(record: RunRecord) -> RunValues:
    """Return everything that is stored of a run.

    A metric, parameter or tag whose name is longer than its column keeps its value in the `Run` row but gets
    no row of its own: cut names of two could be equal.
    """
    points = sorted(record.latest_points, key=lambda point: point.key)
    columns: dict[str, Any] = {
        "run_id": record.run_id,
        "name": text(record.name, 500),
        "status": text(record.status, 12),
        "user": text(record.user, 250),
        "lifecycle_stage": text(record.lifecycle_stage, 10),
        "started_at": moment(record.start_time),
        "ended_at": moment(record.end_time),
        "duration": _duration(record),
        "artifact_uri": text(record.artifact_uri, 1000),
        "params": texts(record.params),
        "metrics": {text(point.key): number(point.value) for point in points},
        "tags": texts(record.tags),
        "inputs": [_input(one) for one in record.inputs[:MAX_INPUTS]],
    }
    columns["digest"] = _digest([_FORMAT, record.experiment_id, columns])
    latest = {
        text(point.key): point.value if math.isfinite(point.value) else None
        for point in points
        if is_stored(point.key)
    }
    params = {
        key: (value[:MAX_FILTER_VALUE], as_number(value))
        for key, value in columns["params"].items()
        if is_stored(key)
    }
    tags = {key: value[:MAX_FILTER_VALUE] for key, value in columns["tags"].items() if is_stored(key)}
    data = {key: one["name"] for key, one in keyed(columns["inputs"])}
    return RunValues(columns, latest, params, tags, data, _series_digest(record.status, points))


def data_key(name: str, digest: str) -> str:
    """Return what tells data apart that a run says it used; empty if it gave no digest.

    A hash as DVC has it says all: data that DVC tracks are the same here. MLflow's own digests have eight
    digits, too few for it, so their name is added, as in `1f0c94a3~training`.
    """
    if not digest or _WHOLE_HASH.fullmatch(digest):
        return digest
    key = _NO_PART_OF_A_KEY.sub("_", f"{digest}~{name}")
    return key if len(key) <= MAX_KEY else hashlib.sha256(key.encode()).hexdigest()


def keyed(inputs: Iterable[Mapping[str, str]]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield those of `inputs` (as `Run.inputs` has them) that gave a digest, each after its `data_key`."""
    for one in inputs:
        if key := data_key(one["name"], one["digest"]):
            yield key, one


def _input(record: DatasetInput) -> dict[str, str]:
    return {
        "name": text(record.name, MAX_KEY),
        "digest": text(record.digest, MAX_KEY),
        "source_type": text(record.source_type, MAX_KEY),
        "source": text(record.source, _MAX_SOURCE),
        "context": text(record.context, MAX_KEY),
    }


def is_stored(key: str) -> bool:
    """Return whether the metric, parameter or tag `key` gets rows of its own."""
    return len(key) <= MAX_KEY


def as_number(value: str) -> float | None:
    """Return what a parameter says as a finite number; None if it says none, or is longer than one is."""
    try:
        found = float(value) if len(value) <= _LONGEST_NUMBER and "_" not in value else math.nan
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _duration(record: RunRecord) -> int | None:
    if moment(record.start_time) is None or record.end_time is None or moment(record.end_time) is None:
        return None
    return record.end_time - record.start_time


def _series_digest(status: str, points: list[MetricPoint]) -> str:
    # The end of a run counts, too: whatever was missed while it was going on is read then.
    said = [(point.key, point.step, point.timestamp, number(point.value)) for point in points]
    return _digest([_FORMAT, status in LIVE_STATUSES, said])


def _digest(value: Any) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode("utf-8", "backslashreplace")).hexdigest()
