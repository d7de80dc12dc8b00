"""What tests of the mirror do to a real MLflow server with the plain client, and how they wait for us."""

from __future__ import annotations

import itertools

from django.utils import timezone
from mlflow import MlflowClient

from experiments import sync
from experiments.models import Run, SyncState
from experiments.selectors import series
from integrations.mlflow_server import MLflowServer

numbers = itertools.count(1)


def log_run(client: MlflowClient, experiment: str, *, start: int | None = None, finish: bool = True) -> str:
    run_id = str(client.create_run(experiment, run_name="by hand", start_time=start).info.run_id)
    client.log_param(run_id, "lr", "0.1")
    client.log_metric(run_id, "loss", 0.5, step=1)
    if finish:
        client.set_terminated(run_id)
    return run_id


def settle(server: MLflowServer) -> None:
    """Pass after pass until nothing is left to do."""
    for _ in range(50):
        report = sync.synchronise(server)
        assert not report.error
        if not report.written and not report.series and not SyncState.objects.get().counts["cursor"]:
            return
    raise AssertionError("the mirror does not come to rest")


def curve(run: Run, key: str) -> list[tuple[int, float]]:
    """Steps and values of a curve as we keep it."""
    found = series.read([run.pk], [key])[run.pk, key]
    return list(zip(found.step.tolist(), found.value.tolist(), strict=True))


def old() -> int:
    """A start time in the past, unlike any other, in milliseconds."""
    return 1_500_000_000_000 + next(numbers)


def crowd(client: MlflowClient, experiment: str) -> None:
    """Runs that are newer than the ones a test looks at."""
    for _ in range(5):
        log_run(client, experiment)


class no_reconciliation:  # noqa: N801 - reads as a phrase
    """Within it the mirror has just been reconciled, so only the quick look is at work."""

    def __enter__(self) -> None:
        state = SyncState.objects.get()
        SyncState.objects.update(reconciled_at=timezone.now(), counts={**state.counts, "cursor": None})

    def __exit__(self, *_: object) -> None:
        assert SyncState.objects.get().counts["cursor"] is None
