"""Real servers for tests: loopback, free port, own process group, gone at the end.

Each server is a context manager that yields what a client needs to reach it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

START_SECONDS = 90.0
STOP_SECONDS = 10.0


@dataclass(frozen=True)
class Server:
    """A running server: its address and the id of its process group."""

    url: str
    group: int

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop every process of the server without ending it: it accepts connections, never answers."""
        os.killpg(self.group, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.group, signal.SIGCONT)


def free_port() -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], *, folder: Path, env: dict[str, str] | None = None) -> Iterator[int]:
    """Run a server in a process group of its own; yield the group id; end the whole group.

    Output goes to `server.log` in `folder`.
    """
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process.pid
    finally:
        _stop(process)


def wait_for_http(url: str, group: int, log: Path, *, status: int = 200) -> None:
    """Wait until `url` answers with `status`; fail with the log if it does not or the server has ended."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.RequestException):
            if requests.get(url, timeout=5).status_code == status:
                return
        if not _members(group):
            break
        time.sleep(0.1)
    raise RuntimeError(f"{url} does not answer:\n{log.read_text(errors='replace')[-4000:]}")


@contextlib.contextmanager
def mlflow_server(folder: Path) -> Iterator[Server]:
    """A real MLflow server on SQLite with proxied artifacts, all of it below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}", "--workers", "1"),
        *("--serve-artifacts", "--artifacts-destination", str(folder / "artifacts")),
    ]
    env = {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }
    with running(command, folder=folder, env=env) as group:
        wait_for_http(f"{url}/health", group, folder / "server.log")
        yield Server(url, group)


@contextlib.contextmanager
def run_mlflow(folder: Path) -> Iterator[str]:
    """`mlflow_server` for those who need its address only."""
    with mlflow_server(folder) as server:
        yield server.url


@contextlib.contextmanager
def s3_server(folder: Path, *buckets: str) -> Iterator[dict[str, str]]:
    """A real S3 endpoint (rclone) over `folder`; yields the environment that a client needs."""
    data = folder / "buckets"
    for bucket in buckets:
        (data / bucket).mkdir(parents=True)
    address = f"127.0.0.1:{free_port()}"
    key, secret = secrets.token_hex(8), secrets.token_hex(16)
    rclone = str(Path(sys.executable).with_name("rclone"))
    command = [rclone, "serve", "s3", "--addr", address, "--auth-key", f"{key},{secret}", str(data)]
    env = {
        "MLFLOW_S3_ENDPOINT_URL": f"http://{address}",
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with running(command, folder=folder, env={"RCLONE_CONFIG": os.devnull}) as group:
        # a request without a signature is refused: the endpoint is up and asks for credentials
        wait_for_http(f"http://{address}", group, folder / "server.log", status=400)
        yield env


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGCONT, signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        if number == signal.SIGCONT:
            continue
        deadline = time.monotonic() + STOP_SECONDS
        while _members(process.pid) and time.monotonic() < deadline:
            process.poll()
            time.sleep(0.05)
        if not _members(process.pid):
            break
    process.wait()


def _members(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
