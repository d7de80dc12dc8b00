"""The Celery tasks. A message carries an id only; what is to be done is in the database."""

from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down

from experiments import execution, worker_shutdown


@shared_task(name="experiments.run_job")
def run_job(job_id: int) -> None:
    """Run the job if it is still waiting."""
    execution.run(job_id)


@shared_task(name="experiments.sync_mlflow")
def sync_mlflow() -> None:
    """Bring the mirror of MLflow up to date."""
    from experiments import sync

    sync.synchronise()


@worker_shutting_down.connect
def _tell_pool_processes(**_: Any) -> None:
    worker_shutdown.tell_children()
