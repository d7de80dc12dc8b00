"""The parts of a running job engine, for tests that start it and break it.

Workers and dispatchers are processes of their own that share the test database of this process.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from django.db import connection

from experiments.job_fence import Fence
from experiments.models import Job
from integrations import process_group
from tests.servers import Server, free_port, redis_server, run_dispatcher, run_worker


@dataclass
class Engine:
    """Starts the parts of the engine, each below a folder of its own.

    :ivar mlflow: address of an MLflow server, for jobs that need one
    """

    folder: Path
    mlflow: str = ""
    port: int = field(default_factory=free_port)
    started: int = 0

    @property
    def env(self) -> dict[str, str]:
        """Return what the processes need to know of each other."""
        env = {
            "DJANGO_SETTINGS_MODULE": "tests.settings_engine",
            "DATABASE_URL": database_url(),
            "REDIS_URL": f"redis://127.0.0.1:{self.port}/0",
            "STAGEGATE_DATA_DIR": str(self.folder / "data"),
        }
        return {**env, "MLFLOW_TRACKING_URI": self.mlflow} if self.mlflow else env

    def redis(self) -> contextlib.AbstractContextManager[Server]:
        """Start Redis, empty, where the others look for it."""
        return redis_server(self._part("redis"), port=self.port)

    def worker(self, concurrency: int = 2) -> contextlib.AbstractContextManager[int]:
        """Start a Celery worker on the queue `jobs`."""
        return run_worker(self._part("worker"), self.env, concurrency=concurrency)

    def dispatcher(self) -> contextlib.AbstractContextManager[int]:
        """Start a dispatcher."""
        return run_dispatcher(self._part("dispatcher"), self.env)

    @contextlib.contextmanager
    def whole(self) -> Iterator[Server]:
        """Start all of it; yield Redis."""
        with self.redis() as server, self.worker(), self.dispatcher():
            yield server

    def workspaces(self) -> list[str]:
        """Return the folders of attempts that are there now."""
        return sorted(path.name for path in (self.folder / "data" / "jobs").glob("*"))

    def _part(self, name: str) -> Path:
        self.started += 1
        return self.folder / f"{name}-{self.started}"


def database_url() -> str:
    """Return the address of the test database of this process, as an environment variable names it."""
    database = {name: str(value) for name, value in connection.settings_dict.items()}
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    user, password, host = (quote(database[key], safe="") for key in ("USER", "PASSWORD", "HOST"))
    port = f":{database['PORT']}" if database["PORT"] else ""
    # A server that listens on a socket has its folder among the options.
    socket = connection.settings_dict.get("OPTIONS", {}).get("host", "")
    query = f"?host={quote(socket, safe='')}" if socket else ""
    return f"postgres://{user}:{password}@{host}{port}/{quote(database['NAME'])}{query}"


def wait(until: Callable[[], object], seconds: float = 60.0) -> float:
    """Wait until something is true; return how many seconds it took."""
    began = time.monotonic()
    while not until():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"It did not happen within {seconds:g} seconds.")
        time.sleep(0.02)
    return time.monotonic() - began


def fresh(job: Job) -> Job:
    """Return the job as the database has it now."""
    return Job.objects.get(pk=job.pk)


def wait_for_state(job: Job, state: str, seconds: float = 60.0) -> Job:
    """Wait until the job is in `state` and return it."""
    try:
        wait(lambda: fresh(job).state == state, seconds)
    except AssertionError:
        row = fresh(job)
        raise AssertionError(f"{row} is {row.state}, not {state}: {row.error}") from None
    return fresh(job)


def processes_of(job: Job, attempt: int) -> list[int]:
    """Return the processes of this host that carry the mark of an attempt."""
    entry = f"{process_group.MARKER_VARIABLE}={Fence(job.pk, attempt).marker}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if entry in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found
