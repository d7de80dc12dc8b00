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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import redis
import requests

from integrations.redis_server import redis_executable

ROOT = Path(__file__).parent.parent
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
    """A port that nothing listens on at this moment.

    Below the range from which the system takes ports for outgoing connections (RFC 6056, Linux: from 32768):
    one of those could be in use again before the server has started.
    """
    while True:
        port = 15_000 + secrets.randbelow(17_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


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


@contextlib.contextmanager
def redis_server(folder: Path, *, port: int = 0, socket_path: str = "") -> Iterator[Server]:
    """A real, empty Redis on a loopback port or the Unix socket `socket_path`; it keeps nothing on disk."""
    folder.mkdir(parents=True, exist_ok=True)
    port = 0 if socket_path else port or free_port()
    url = f"redis+socket://{socket_path}" if socket_path else f"redis://127.0.0.1:{port}/0"
    command = [
        *(str(redis_executable()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)),
        *("--save", "", "--appendonly", "no"),
        *(["--unixsocket", socket_path] if socket_path else []),
    ]
    with running(command, folder=folder) as group:
        client = redis.Redis(unix_socket_path=socket_path) if socket_path else redis.Redis(port=port)
        wait_for(client.ping, group, folder / "server.log")
        client.close()
        yield Server(url, group)


@contextlib.contextmanager
def run_redis(folder: Path) -> Iterator[str]:
    """`redis_server` for those who need its address only."""
    with redis_server(folder) as server:
        yield server.url


@contextlib.contextmanager
def run_worker(
    folder: Path, env: dict[str, str], queues: str = "jobs", concurrency: int = 2
) -> Iterator[int]:
    """A real Celery worker on `queues`; yields its group. `env` names database, Redis and settings."""
    command = [
        *(sys.executable, "-m", "celery", "-A", "config", "worker", "-Q", queues, "-c", str(concurrency)),
        *("-l", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]
    log = folder / "server.log"
    folder.mkdir(parents=True, exist_ok=True)
    with running(command, folder=folder, env={"PYTHONPATH": str(ROOT), **env}) as group:
        wait_for(lambda: " ready." in log.read_text(errors="replace"), group, log)
        yield group


@contextlib.contextmanager
def run_dispatcher(folder: Path, env: dict[str, str]) -> Iterator[int]:
    """A real dispatcher; yields its process group. `env` as for `run_worker`."""
    command = [sys.executable, str(ROOT / "manage.py"), "dispatcher"]
    log = folder / "server.log"
    folder.mkdir(parents=True, exist_ok=True)
    with running(command, folder=folder, env={"PYTHONPATH": str(ROOT), **env}) as group:
        wait_for(lambda: "at work" in log.read_text(errors="replace"), group, log)
        yield group


def wait_for(ready: Callable[[], object], group: int, log: Path) -> None:
    """Wait until `ready()` is true; fail with the server's log if it never is, or if the server has ended."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and not _has_ended(group):
        with contextlib.suppress(OSError, redis.RedisError):
            if ready():
                return
        time.sleep(0.05)
    raise RuntimeError(f"The server is not ready:\n{log.read_text(errors='replace')[-4000:]}")


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


def _has_ended(leader: int) -> bool:
    options = os.WEXITED | os.WNOHANG | os.WNOWAIT  # looked at only: `_stop` collects it
    return os.waitid(os.P_PID, leader, options) is not None


def _members(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
