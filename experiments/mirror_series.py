"""Reads the metric histories that are waiting to be read, within a time budget.

`Run.series_digest` is the queue: empty means that the histories of this run are to be read. A run that has
ended is read once and completely. Of a run that is going on only the metrics with a new point are read, and
all such runs together at most every few seconds, in turns, so that a hundred of them cannot crowd out the
rest.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from experiments.mirror_bulk import upsert
from experiments.mirror_histories import news, whole
from experiments.mirror_rows import ACTIVE, mark_vanished, write_runs
from experiments.mirror_state import LiveTurn
from experiments.mirror_values import LIVE_STATUSES, run_values
from experiments.models import MetricSeries, Run
from experiments.series import Series
from integrations.errors import IntegrationError
from integrations.mlflow_http import MLflowError
from integrations.mlflow_reading import NOT_FOUND, RUNS_PER_BULK
from integrations.mlflow_records import RunRecord
from integrations.mlflow_server import MLflowServer

BYTES_PER_WRITE = 1_000_000
ROWS_PER_WRITE = 5_000
LIVE_AT_ONCE = 20
LIVE_INTERVAL = 4.0  # seconds
# In place of a digest: MLflow refuses to tell, and asking again does not help until the run changes.
UNREADABLE = "unreadable"


@dataclass
class SeriesReport:
    """What was done: runs read, and sentences about runs whose histories MLflow refuses."""

    runs: int = 0
    problems: list[str] = field(default_factory=list)


def read_waiting(
    server: MLflowServer, turn: LiveTurn, deadline: float, *, live_only: bool = False
) -> SeriesReport:
    """Read waiting histories until none is left or `deadline` (monotonic seconds) has passed.

    At least one run is read, so that the queue moves on however slow the server is. `turn` is moved on.

    :param live_only: leave the runs that have ended for later

    :raises IntegrationError: the server cannot be reached
    """
    report = SeriesReport()
    waiting = Run.objects.filter(series_digest="", lifecycle_stage=ACTIVE)
    if time.time() - turn.at >= LIVE_INTERVAL:
        live = waiting.filter(status__in=LIVE_STATUSES).order_by("pk")
        rows = [
            *live.filter(pk__gt=turn.after)[:LIVE_AT_ONCE],
            *live.filter(pk__lte=turn.after)[:LIVE_AT_ONCE],
        ]
        done = _read_each(server, rows[:LIVE_AT_ONCE], deadline, report)
        turn.at, turn.after = time.time(), done.pk if done else 0
    if live_only:
        return report
    ended = waiting.exclude(status__in=LIVE_STATUSES).order_by("-started_at").select_related("experiment")
    while time.monotonic() < deadline or not report.runs:
        runs = list(ended[:RUNS_PER_BULK])
        if not runs:
            break
        if len(runs) > 1 and _read_together(server, runs):
            report.runs += len(runs)
        else:
            _read_each(server, runs, deadline, report)
    return report


def read_series(server: MLflowServer, run_id: str) -> None:
    """Make our rows of a run, `MetricSeries` included, equal to what MLflow has; idempotent.

    If the run changes meanwhile it stays in the queue.

    :raises IntegrationError: the server cannot be reached, or refuses
    """
    _take(server, [server.run(run_id)])


def _take(server: MLflowServer, records: Sequence[RunRecord]) -> None:
    """Write these runs as they are now, then their histories, then that these were read."""
    write_runs(records, now=timezone.now())
    # Runs of experiments that we do not have yet are not there.
    rows = {run.run_id: run for run in Run.objects.filter(run_id__in=[one.run_id for one in records])}
    known = [record for record in records if record.run_id in rows]
    for record in known:
        if record.status in LIVE_STATUSES:
            _write(rows, news(server, record, _stored(rows[record.run_id])))
    _write(rows, whole(server, [record for record in known if record.status not in LIVE_STATUSES]))
    with transaction.atomic():
        for record in sorted(known, key=lambda record: rows[record.run_id].pk):
            values = run_values(record)
            unchanged = Run.objects.filter(pk=rows[record.run_id].pk, digest=values.digest)
            unchanged.update(series_digest=values.series_digest)


def _read_together(server: MLflowServer, runs: Sequence[Run]) -> bool:
    """Read the histories of many runs in few calls; False if that does not go, and one may be the trouble."""
    experiments = sorted({run.experiment.experiment_id for run in runs})
    try:
        records = server.runs_by_id(experiments, [run.run_id for run in runs])
        _take(server, records)
    except IntegrationError:
        return False
    return len(records) == len(runs)


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


def _stored(run: Run) -> dict[str, Series]:
    packed = MetricSeries.objects.filter(run=run, length__gt=0).values_list("key", "packed")
    return {key: Series.unpack(data) for key, data in packed}


def _write(runs: dict[str, Run], series: Iterable[tuple[str, str, Series]]) -> None:
    """Upsert the series as they come, some at a time: together they may be large."""
    batch: list[tuple[int, str, bytes, int]] = []
    size = 0
    for run_id, key, one in series:
        row = (runs[run_id].pk, key, one.pack(), len(one))
        batch.append(row)
        size += len(row[2])
        if size >= BYTES_PER_WRITE or len(batch) >= ROWS_PER_WRITE:
            _upsert(batch)
            batch, size = [], 0
    _upsert(batch)


def _upsert(batch: list[tuple[int, str, bytes, int]]) -> None:
    with transaction.atomic():
        # Ordered, so that two writers cannot lock each other out.
        upsert(MetricSeries, ["run", "key"], ["packed", "length"], sorted(batch, key=lambda row: row[:2]))
