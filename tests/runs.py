"""Factories of experiments, runs with metrics and curves, and the state of the mirror, for tests."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from experiments.models import Experiment, MetricSeries, Run, SyncState
from experiments.series import Series
from tests.versions import make_run

NASTY = "<img src=x onerror=alert(1)>"


def make_experiment(identifier: str = "7", name: str = "digits") -> Experiment:
    """Create an experiment as the mirror would hold it."""
    return Experiment.objects.create(experiment_id=identifier, name=name)


def make_measured_run(metrics: dict[str, Any], **changes: Any) -> Run:
    """Create a run whose latest metrics are also in the table that sorting uses."""
    return make_run(metrics=metrics, **changes)


def add_curve(run: Run, key: str, values: list[Any], steps: list[int] | None = None) -> MetricSeries:
    """Add the history of one metric, a point each second; steps count from 1 unless given."""
    start = int(timezone.now().timestamp() * 1000)
    times = [start + 1000 * index for index in range(len(values))]
    series = Series.of(steps or range(1, len(values) + 1), times, [float(value) for value in values])
    return MetricSeries.objects.create(run=run, key=key, packed=series.pack(), length=len(values))


def set_mirror(*, ago: float = 1, error: str = "") -> None:
    """Say that the mirror last succeeded `ago` seconds ago, and failed since if there is an `error`."""
    now = timezone.now()
    SyncState.objects.update_or_create(
        name="mlflow",
        defaults={
            "succeeded_at": now - timedelta(seconds=ago),
            "failed_at": now if error else None,
            "error": error,
        },
    )
