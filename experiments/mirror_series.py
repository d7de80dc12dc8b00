"""Reads the metric histories that are waiting to be read, within a time budget.

`Run.series_digest` is the queue: empty means that the histories of this run are to be read. A run that has
ended is read once and completely. Of a run that is going on only the metrics with a new point are read, and
all such runs together at most every few seconds, in turns, so that a hundred of them cannot crowd out the
rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from experiments.mirror_rows import ACTIVE, mark_vanished, write_runs
from experiments.mirror_state import LiveTurn
from experiments.mirror_values import LIVE_STATUSES, is_stored, run_values
from experiments.models import MetricSeries, Run
from experiments.series import Series
from experiments.stored_text import text
from integrations.errors import IntegrationError
from integrations.mlflow_http import MLflowError
from integrations.mlflow_reading import NOT_FOUND
from integrations.mlflow_records import MetricPoint, RunRecord
from integrations.mlflow_server import MLflowServer

MAX_POINTS = 100_000  # of one metric of one run
MAX_METRICS = 1_000  # of one run
POINTS_PER_WRITE = 50_000
BATCH = 20
LIVE_INTERVAL = 4.0  # seconds
# In place of a digest: MLflow refuses to tell, and asking again does not help until the run changes.
UNREADABLE = "unreadable"


@dataclass
class SeriesReport:
    """What was done: runs read, and sentences about runs whose histories MLflow refuses."""

    runs: int = 0
    problems: list[str] = field(default_factory=list)


def read_waiting(server: MLflowServer, turn: LiveTurn, deadline: float) -> SeriesReport:
    """Read waiting histories until none is left or `deadline` (monotonic seconds) has passed.

    At least one run is read, so that the queue moves on however slow the server is. `turn` is moved on.

    :raises IntegrationError: the server cannot be reached
    """
    report = SeriesReport()
    waiting = Run.objects.filter(series_digest="", lifecycle_stage=ACTIVE)
    if time.time() - turn.at >= LIVE_INTERVAL:
        live = waiting.filter(status__in=LIVE_STATUSES).order_by("pk")
        rows = [*live.filter(pk__gt=turn.after)[:BATCH], *live.filter(pk__lte=turn.after)[:BATCH]]
        done = _read_each(server, rows[:BATCH], deadline, report)
        turn.at, turn.after = time.time(), done.pk if done else 0
    while time.monotonic() < deadline or not report.runs:
        ended = waiting.exclude(status__in=LIVE_STATUSES).order_by("-started_at")
        if _read_each(server, ended[:BATCH], deadline, report) is None:
            break
    return report


def read_series(server: MLflowServer, run_id: str) -> None:
    """Make our rows of a run, `MetricSeries` included, equal to what MLflow has; idempotent.

    If the run changes meanwhile it stays in the queue.

    :raises IntegrationError: the server cannot be reached, or refuses
    """
    record = server.run(run_id)
    write_runs([record], now=timezone.now())
    run = Run.objects.filter(run_id=run_id).first()
    if run is None:
        return  # of an experiment that we do not have yet
    values = run_values(record)
    _write(run, _histories(server, record, _known_ends(run)))
    Run.objects.filter(pk=run.pk, digest=values.digest).update(series_digest=values.series_digest)


def _read_each(
    server: MLflowServer, runs: Iterable[Run], deadline: float, report: SeriesReport
) -> Run | None:
    """Read one run after the other until the deadline; return the last one read."""
    last = None
    for run in runs:
        if report.runs and time.monotonic() >= deadline:
            break
        last = run
        report.runs += 1
        try:
            read_series(server, run.run_id)
        except IntegrationError as error:
            _give_up(run, error, report)
    return last


def _give_up(run: Run, error: IntegrationError, report: SeriesReport) -> None:
    """Take the run out of the queue if only its own answer is the trouble; else raise."""
    if isinstance(error, MLflowError) and error.code in NOT_FOUND:
        mark_vanished([run.run_id])
    elif error.permanent:
        Run.objects.filter(pk=run.pk).update(series_digest=UNREADABLE)
        report.problems.append(f"Run {run.run_id}: {error.message}")
    else:
        raise error


def _known_ends(run: Run) -> Callable[[MetricPoint], bool]:
    """Return a test whether we have read a run's metric up to a given latest point."""
    if run.status not in LIVE_STATUSES:
        return lambda point: False
    packed = MetricSeries.objects.filter(run=run, length__gt=0).values_list("key", "packed")
    ends = {}
    for key, data in packed:
        series = Series.unpack(data)
        ends[key] = (int(series.step[-1]), int(series.time[-1]))
    return lambda point: ends.get(text(point.key)) == (point.step, point.timestamp)


def _histories(
    server: MLflowServer, record: RunRecord, is_known: Callable[[MetricPoint], bool]
) -> Iterable[MetricSeries]:
    latest = sorted(record.latest_points, key=lambda point: point.key)
    for point in [point for point in latest if is_stored(point.key)][:MAX_METRICS]:
        if not is_known(point):
            history = server.metric_history(record.run_id, point.key, max_points=MAX_POINTS)
            series = Series.of(
                [one.step for one in history.points],
                [one.timestamp for one in history.points],
                [one.value for one in history.points],
            )
            yield MetricSeries(key=text(point.key), packed=series.pack(), length=len(series))


def _write(run: Run, series: Iterable[MetricSeries]) -> None:
    """Upsert the series as they come, some at a time: together they may be large."""
    batch: list[MetricSeries] = []
    points = 0
    for one in series:
        one.run = run
        batch.append(one)
        points += one.length
        if points >= POINTS_PER_WRITE:
            _upsert(batch)
            batch, points = [], 0
    _upsert(batch)


def _upsert(batch: list[MetricSeries]) -> None:
    if not batch:
        return
    with transaction.atomic():
        MetricSeries.objects.bulk_create(
            batch,
            update_conflicts=True,
            unique_fields=["run", "key"],
            update_fields=["packed", "length"],
        )
