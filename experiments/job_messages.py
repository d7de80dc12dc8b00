"""Messages to the workers, through Celery's broker. Only the dispatcher sends any."""

from datetime import datetime
from typing import Any

from celery import Celery
from kombu import Connection
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

RUN_JOB = "experiments.run_job"
SYNC_MLFLOW = "experiments.sync_mlflow"
DO_CHORE = "experiments.do_chore"
SYNC_QUEUE = "sync"

# What sending raises when the broker is away, frozen or full.
BROKER_FAULTS = (OperationalError, RedisError, OSError)


class Broker:
    """Sends messages by the name of their task, so that no task module is imported.

    Each call fails within a few seconds if the broker does not answer (see `config.celery_settings`); after a
    failure call `reset`.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._connection: Connection | None = None

    def announce(self, job_id: int, queue: str) -> None:
        """Tell the workers of `queue` about a job."""
        self._send(RUN_JOB, queue, args=[job_id])

    def ask_for_sync(self, *, expires: datetime | float) -> None:
        """Ask a worker to bring the mirror of MLflow up to date, unless it takes longer than `expires`."""
        self._send(SYNC_MLFLOW, SYNC_QUEUE, expires=expires)

    def ask_for_chore(self, name: str, *, expires: float) -> None:
        """Ask a worker to do a chore, unless it takes longer than `expires` seconds until one is free."""
        self._send(DO_CHORE, SYNC_QUEUE, args=[name], expires=expires)

    def waiting(self, queue: str) -> int:
        """Return how many messages wait in `queue`."""
        channel: Any = self._connect().default_channel
        return int(channel.client.llen(queue))

    def reset(self) -> None:
        """Drop the connection; the next call makes a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.collect()

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = self._app.connection_for_write()
        return self._connection

    def _send(self, task: str, queue: str, **options: Any) -> None:
        self._app.send_task(task, queue=queue, connection=self._connect(), retry=False, **options)
