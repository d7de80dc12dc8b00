"""Reads the histories of metrics from MLflow as few times, and in as few calls, as that can be done.

A run that has ended is read completely, many runs to a call. Of a run that is going on only what came since
is read, however long its curves are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from experiments.mirror_ahead import in_order
from experiments.mirror_values import is_stored
from experiments.series import Series
from experiments.stored_text import text
from integrations.mlflow_reading import RUNS_PER_BULK
from integrations.mlflow_records import MetricPoint, RunRecord
from integrations.mlflow_server import MLflowServer

MAX_POINTS = 100_000  # of one metric of one run
MAX_METRICS = 1_000  # of one run
AT_ONCE = 2  # requests


def whole(server: MLflowServer, records: Iterable[RunRecord]) -> Iterator[tuple[str, str, Series]]:
    """Yield run id, metric and history of all metrics of these runs."""
    runs_of: dict[str, list[str]] = {}
    for record in records:
        for point in _metrics(record):
            runs_of.setdefault(point.key, []).append(record.run_id)
    groups = [
        (key, run_ids[start : start + RUNS_PER_BULK])
        for key, run_ids in sorted(runs_of.items())
        for start in range(0, len(run_ids), RUNS_PER_BULK)
    ]
    for found in in_order(lambda group: _together(server, *group), groups, AT_ONCE):
        yield from found


def _together(server: MLflowServer, key: str, run_ids: Sequence[str]) -> list[tuple[str, str, Series]]:
    """Return run id, metric and history of one metric of some runs; what MLflow leaves out is read singly."""
    found = server.metric_histories(run_ids, key) if len(run_ids) > 1 else {}
    return [
        (run_id, text(key), _series(points) if (points := found.get(run_id)) else _read(server, run_id, key))
        for run_id in run_ids
    ]


def news(
    server: MLflowServer, record: RunRecord, known: Mapping[str, Series]
) -> Iterator[tuple[str, str, Series]]:
    """Yield run id, metric and history of those metrics that have a point which is not in `known`."""
    for point in _metrics(record):
        key = text(point.key)
        there = known.get(key)
        if there is None or not len(there):
            yield record.run_id, key, _read(server, record.run_id, point.key)
        elif len(there) < MAX_POINTS and not _ends_with(there, point):
            yield record.run_id, key, _continued(server, record.run_id, point.key, there)


def _continued(server: MLflowServer, run_id: str, key: str, known: Series) -> Series:
    """Return `known` with what was logged since.

    MLflow orders points by time. The newest known one is read again: if it is not where it was, something
    came late and slipped in before it, and everything is read again.
    """
    newest = known.newest()
    count = MAX_POINTS - len(known) + 1
    found = server.later_points(run_id, key, skip=len(known) - 1, max_points=count)
    if newest is None or not found or (found[0].timestamp, found[0].step) != newest:
        return _read(server, run_id, key)
    return known.joined(_series(found[1:]))


def _metrics(record: RunRecord) -> list[MetricPoint]:
    stored = (point for point in record.latest_points if is_stored(point.key))
    return sorted(stored, key=lambda point: point.key)[:MAX_METRICS]


def _ends_with(series: Series, point: MetricPoint) -> bool:
    return (int(series.step[-1]), int(series.time[-1])) == (point.step, point.timestamp)


def _read(server: MLflowServer, run_id: str, key: str) -> Series:
    return _series(server.metric_history(run_id, key, max_points=MAX_POINTS).points)


def _series(points: Iterable[MetricPoint]) -> Series:
    ordered = list(points)
    return Series.of(
        [point.step for point in ordered],
        [point.timestamp for point in ordered],
        [point.value for point in ordered],
    )
