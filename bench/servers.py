"""MLflow's server and ours over the same runs, as they run in production; and our own commands."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import requests

from bench.stores import Store
from config.stack.services import mlflow_environment
from tests.servers import ROOT, free_port, running

_START_SECONDS = 600.0
_SECRET = "only-for-the-benchmark-and-long-enough-for-every-check-0123456789"  # noqa: S105


@dataclass(frozen=True)
class Ours:
    """Our server.

    :ivar cookie: session of somebody who may look
    """

    url: str
    group: int
    cookie: str


class MLflow:
    """MLflow's server, with as many workers as ours and without what it starts beside them.

    It runs while this is entered.
    """

    def __init__(self, store: Store) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.group = 0
        self._folder = store.folder / "mlflow"
        self._command = [
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
            *("--backend-store-uri", store.mlflow, "--workers", "2"),
            *("--serve-artifacts", "--artifacts-destination", str(store.folder / "artifacts")),
        ]
        self._running = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._folder.mkdir(exist_ok=True)
        started = running(self._command, folder=self._folder, env=mlflow_environment({}))
        self.group = self._running.enter_context(started)
        _wait(f"{self.url}/health")
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def restart(self) -> None:
        """End what it is at, and start it again at the same address."""
        self.__exit__()
        self.__enter__()


@contextlib.contextmanager
def stagegate(store: Store) -> Iterator[Ours]:
    """Run our web server as production does: gunicorn with its two workers."""
    cookie = str(run_here(store, "bench.account")["cookie"])
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "gunicorn", "config.wsgi", "--config", "python:config.gunicorn"]
    folder = store.folder / "stagegate"
    folder.mkdir(exist_ok=True)
    environment = {**_environment(store), "STAGEGATE_PORT": str(port), "PYTHONPATH": str(ROOT)}
    environment["MALLOC_ARENA_MAX"] = "1"  # as in the Procfile
    with running(command, folder=folder, env=environment) as group:
        _wait(f"{url}/healthz")
        yield Ours(url, group, cookie)


def _wait(url: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.RequestException):
            if requests.get(url, timeout=5).ok:
                return
        time.sleep(0.2)
    raise RuntimeError(f"{url} does not answer.")


def migrate(store: Store) -> None:
    """Make our tables."""
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **_environment(store)}, check=True)


def run_here(store: Store, module: str, *arguments: str, **environment: str) -> dict[str, Any]:
    """Run one of our modules on our database, in a process of its own; return what it prints."""
    command = [sys.executable, "-m", module, *arguments]
    env = {**os.environ, **_environment(store), **environment}
    done = subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _environment(store: Store) -> dict[str, str]:
    return {
        "DATABASE_URL": store.stagegate,
        "STAGEGATE_DATA_DIR": str(store.folder),
        "STAGEGATE_SECRET_KEY": _SECRET,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
