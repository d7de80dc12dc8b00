"""The Celery tasks. A message carries an id only; what is to be done is in the database."""

import logging
from typing import Any

from celery import shared_task
from celery.signals import worker_init, worker_process_init, worker_shutting_down

from experiments import chores, execution, worker_shutdown
from integrations import process_privacy

_logger = logging.getLogger(__name__)


@shared_task(name="experiments.run_job")
def run_job(job_id: int) -> None:
    """Run the job that comes first in the queue of this one, which may have to wait for it."""
    execution.run_next(job_id)


@shared_task(name="experiments.sync_mlflow")
def sync_mlflow() -> None:
    """Bring the mirror of MLflow up to date."""
    from experiments import sync

    sync.synchronise()


@shared_task(name="experiments.do_chore")
def do_chore(name: str) -> None:
    """Do one of the regular chores, unless another worker is at it."""
    chores.do(name)


@worker_shutting_down.connect
def _tell_pool_processes(**_: Any) -> None:
    worker_shutdown.tell_children()


@worker_init.connect
@worker_process_init.connect
def _close_to_stages(**_: Any) -> None:
    """Keep the credentials in this process's environment from the stages, which are of the same user."""
    if problem := process_privacy.close_to_others():
        _logger.warning("Stages may read the environment of this worker: %s", problem)
