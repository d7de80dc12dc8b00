"""Which processes the embedded stack runs, and the exact commands of the foreign ones."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from honcho.environ import parse_procfile


def selected(procfile: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return name -> command of the processes to start.

    Redis and MLflow are ours to start only while the operator has not named his own.

    :param procfile: text of the Procfile
    :param environment: the operator's environment variables
    """
    processes: dict[str, str] = dict(parse_procfile(procfile).processes)
    for name, variable in (("redis", "REDIS_URL"), ("mlflow", "MLFLOW_TRACKING_URI")):
        if environment.get(variable):
            processes.pop(name, None)
    return processes


def redis_command(executable: str, folder: Path, socket: Path) -> list[str]:
    """Return the command of a Redis that listens on a Unix socket only and keeps nothing on disk.

    It may forget: every job is a database row, and the dispatcher announces again what was not claimed.
    """
    options = {
        "--port": "0",
        "--unixsocket": str(socket),
        "--unixsocketperm": "700",
        "--dir": str(folder),
        "--save": "",
        "--appendonly": "no",
        "--daemonize": "no",
        "--loglevel": "warning",
    }
    return [executable, *(part for pair in options.items() for part in pair)]


def mlflow_command(folder: Path, port: int) -> list[str]:
    """Return the command of an MLflow server on SQLite that proxies its artifacts, on loopback."""
    return [
        str(Path(sys.executable).with_name("mlflow")),
        "server",
        "--backend-store-uri",
        f"sqlite:///{folder / 'mlflow.sqlite3'}",
        "--artifacts-destination",
        str(folder / "artifacts"),
        "--serve-artifacts",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]


def mlflow_environment(base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of the MLflow server: no telemetry, and no job executor.

    The job executor alone would start nine more processes of over 2 GB together.
    """
    return {
        **base,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }
